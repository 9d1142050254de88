"""Train adversarially, in a run folder that can be killed and resumed at any moment."""

from __future__ import annotations

from pathlib import Path

from wsrnas.data import DataBundle, load_data
from wsrnas.models.network import ActivatedNetwork, GenotypeNetwork, NetworkSpec, network_config
from wsrnas.runtime import Runtime, processes
from wsrnas.spaces.genotype import Genotype
from wsrnas.training.config import TrainConfig
from wsrnas.training.ensemble import train_ensemble
from wsrnas.training.result import TrainResult
from wsrnas.training.single import train_single

__all__ = ["TrainResult", "train"]


def train(
    config: TrainConfig,
    network: NetworkSpec | Genotype,
    out: str | Path,
    *,
    data: DataBundle | None = None,
    runtime: Runtime | None = None,
) -> TrainResult:
    """Train on D_t and keep the epoch that is best on held-out training data; the test set is never looked at.

    The same call in the same folder resumes; on a CPU and in as many processes as before the result is bit for bit that
    of a training never interrupted; with others it is the same up to the order of float additions. Order and
    augmentation of an epoch come from ``rng.stream(seed, "order", epoch)``, the attack of a step from
    ``rng.stream(seed, "attack", epoch, step, 0)``. The same call with more epochs goes on where the
    training stood: the epochs that are left then have the learning rate of a training of the new length.

    Args:
        network: what to train; a genotype is built at the size of ``config.network``.
        out: run folder: metrics.jsonl, timings.jsonl, checkpoints/{last,previous,best}.pt, and in the end
            model.safetensors, network.json and result.json; with ``config.bands`` one such folder per network below
            members/. `write_train_report` makes a page and a model card of it.
        data: loaded already with ``config.data`` and ``config.seed``; None loads it.
        runtime: made already from ``config.runtime``; None makes it.

    Raises:
        InputError: another run in the folder, other data, batches too small for BatchNorm, a damaged checkpoint, a full
            disk, a diverging training.
    """
    runtime = Runtime(config.runtime) if runtime is None else runtime
    data = processes.together(lambda: load_data(config.data, config.seed)) if data is None else data
    if isinstance(network, Genotype):
        network = GenotypeNetwork(genotype=network, config=network_config(config.network, data))
    if config.activation != "relu":
        network = ActivatedNetwork(network=network, activation=config.activation)
    run = train_ensemble if config.bands is not None else train_single
    return run(config, network, Path(out), data=data, runtime=runtime)
