"""Train one network adversarially, in a run folder that can be killed and resumed at any moment."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from wsrnas import rng
from wsrnas.data import DataBundle, load_data
from wsrnas.errors import refuse
from wsrnas.models.network import GenotypeNetwork, NetworkSpec, network_config
from wsrnas.progress import progress
from wsrnas.runtime import Runtime
from wsrnas.spaces.genotype import Genotype
from wsrnas.training.config import TrainConfig
from wsrnas.training.epoch import EpochResult, train_epoch
from wsrnas.training.folder import TrainFolder
from wsrnas.training.held_out import HeldOut, measure_held_out
from wsrnas.training.state import TrainState


@dataclass(frozen=True)
class TrainResult:
    """A finished training: its folder, the epoch that was kept (counted from 1), and its held-out accuracies."""

    path: Path
    epoch: int
    held_out_accuracy: float | None
    held_out_robust_accuracy: float | None
    strength: float | None


def train(
    config: TrainConfig,
    network: NetworkSpec | Genotype,
    out: str | Path,
    *,
    data: DataBundle | None = None,
    runtime: Runtime | None = None,
) -> TrainResult:
    """Train on D_t and keep the epoch that is best on held-out training data; the test set is never looked at.

    The same call in the same folder resumes; on a CPU and in one process the result is bit for bit that of a training
    never interrupted. Order and augmentation of an epoch come from ``rng.stream(seed, "order", epoch)``, the attack of
    a step from ``rng.stream(seed, "attack", epoch, step, process)``.

    Args:
        network: what to train; a genotype is built at the size of ``config.network``.
        out: run folder: metrics.jsonl, timings.jsonl, checkpoints/{last,previous,best}.pt, and in the end
            model.safetensors, network.json and result.json.
        data: loaded already with ``config.data`` and ``config.seed``; None loads it.
        runtime: made already from ``config.runtime``; None makes it.

    Raises:
        InputError: another run in the folder, other data, a damaged checkpoint, a full disk, a diverging training.
    """
    runtime = Runtime(config.runtime) if runtime is None else runtime
    if config.batch_size % runtime.world_size:
        refuse("batch_size", expected=f"a multiple of the {runtime.world_size} processes", got=config.batch_size)
    data = load_data(config.data, config.seed) if data is None else data
    if isinstance(network, Genotype):
        network = GenotypeNetwork(genotype=network, config=network_config(config.network, data))
    folder = TrainFolder(Path(out), {"trains": network.to_dict(), **asdict(config)}, runtime)
    try:
        state = TrainState(config, runtime.prepare(network.initialise(config.seed)), runtime, data.fingerprint)
        folder.load(state.load_state_dict)
        steps = steps_per_epoch(len(data.train), config.batch_size)
        with _progress(config, steps, state, runtime) as advance:
            while state.epoch < config.epochs:
                _one_epoch(config, data, state, folder, runtime, advance)
        result = TrainResult(Path(out), strength=config.selection_strength(), **state.summary())
        folder.finish(network, {key: value for key, value in asdict(result).items() if key != "path"})
        return result
    finally:
        folder.close()


def steps_per_epoch(images: int, batch_size: int) -> int:
    """Return the optimiser steps of an epoch: a last partial batch is left out, unless it is the only one."""
    return max(images // batch_size, 1)


def _one_epoch(
    config: TrainConfig,
    data: DataBundle,
    state: TrainState,
    folder: TrainFolder,
    runtime: Runtime,
    advance: Callable[[str], None],
) -> None:
    epoch, steps = state.epoch, steps_per_epoch(len(data.train), config.batch_size)
    schedule = config.schedule.build()

    def learning_rate(step: int) -> float:
        return config.optimizer.lr * schedule.factor(epoch + (step + 0.5) / steps, config.epochs)

    def after(step: int) -> None:
        state.step = step + 1
        if state.average is not None:
            state.average.update(state.model)
        advance(f"epoch {epoch + 1}/{config.epochs} {state.note()}")
        if state.step % config.checkpoint_every == 0 and state.step < steps:
            folder.save(state.state_dict())

    with folder.timed("training", epoch):
        result = train_epoch(
            state.model,
            state.optimizer,
            config.loss.build(),
            data.train.batches(
                config.batch_size,
                generator=rng.stream(config.seed, "order", epoch),
                augment=data.augment,
                device=runtime.device,
                start_batch=state.step,
                drop_last=len(data.train) >= config.batch_size,
            ),
            runtime=runtime,
            generator_for=lambda step: rng.stream(
                config.seed, "attack", epoch, step, runtime.rank, device=runtime.device
            ),
            clip=config.optimizer.clip,
            learning_rate=learning_rate,
            first_step=state.step,
            sums=state.sums,
            on_step=after,
        )
    _average_buffers(state, runtime)
    last = epoch + 1 == config.epochs
    measured = None
    if len(data.valid) and (last or (epoch + 1) % config.selection.every == 0):
        with folder.timed("held-out measurement", epoch):
            measured = _measure(config, data, state, runtime)
    kept = (measured is not None or last) and state.offer(measured)
    folder.log(**_line(epoch, learning_rate(steps - 1), result, measured, kept))
    if kept:
        folder.keep(state.network)
    state.end_epoch()
    folder.save(state.state_dict())


def _measure(config: TrainConfig, data: DataBundle, state: TrainState, runtime: Runtime) -> HeldOut:
    return measure_held_out(
        state.network,
        data.valid,
        strength=config.selection_strength(),
        steps=config.selection.steps,
        images=config.selection.images,
        batch_size=config.batch_size,
        seed=config.seed,
        runtime=runtime,
    )


def _average_buffers(state: TrainState, runtime: Runtime) -> None:
    """Give every process the same BatchNorm averages before they are measured and saved."""
    if runtime.world_size > 1:
        for network in {state.model, state.network}:
            for buffer in network.buffers():
                if buffer.is_floating_point():
                    buffer.copy_(runtime.mean(buffer))


def _line(epoch: int, rate: float, result: EpochResult, measured: HeldOut | None, kept: bool) -> dict[str, object]:
    return {
        "epoch": epoch + 1,
        "learning_rate": rate,
        "train_loss": result.loss,
        "train_accuracy": result.accuracy,
        "held_out_accuracy": None if measured is None else measured.clean,
        "held_out_robust_accuracy": None if measured is None else measured.robust,
        "kept": kept,
    }


@contextmanager
def _progress(config: TrainConfig, steps: int, state: TrainState, runtime: Runtime) -> Iterator[Callable[[str], None]]:
    """Give a function that counts one step and shows a note; only the main process shows anything."""
    done = state.epoch * steps + state.step
    with progress("training", config.epochs * steps, done=done, quiet=not runtime.is_main) as bar:
        yield lambda note: bar.advance(1, note)
