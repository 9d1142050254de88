"""Finalists trained alone, briefly: what names the winner where shared weights rank too roughly."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

from wsrnas import rng
from wsrnas.attacks.apgd import APGD
from wsrnas.data import DataBundle, load_data
from wsrnas.models.load import load_run
from wsrnas.models.network import GenotypeNetwork
from wsrnas.progress import progress
from wsrnas.runs import RunFolder
from wsrnas.runtime import Runtime
from wsrnas.runtime.parallel import each
from wsrnas.search.config import SearchConfig
from wsrnas.search.costs import FINALISTS, Costs
from wsrnas.search.evaluators.measure import Spectrum, attacked_losses
from wsrnas.search.finalists.rivals import Alone, training_settings
from wsrnas.search.setup import limited, network_config
from wsrnas.spaces.genotype import Genotype
from wsrnas.training.config import SelectionConfig, TrainConfig
from wsrnas.training.throughput import estimate_passes
from wsrnas.training.train import train
from wsrnas.types import Losses


@dataclass(frozen=True)
class TrainedAlone:
    """The losses of each finalist (1+S,), index 0 clean, and the images passed through networks to get them."""

    losses: list[Losses]
    passes: int


def alone_settings(config: SearchConfig) -> TrainConfig:
    """Return how finalists train: as `train_rivals` does, but on D_t and for `finalists.epochs` epochs."""
    epochs = config.finalists.epochs
    settings = training_settings(config, epochs)
    return replace(
        settings,
        recipe=f"{config.recipe} (finalist)",
        data=config.data,
        selection=SelectionConfig(by="last", every=epochs, steps=config.training.steps, images=config.measure.images),
    )


def train_alone(config: SearchConfig, data: DataBundle, finalists: list[Genotype], folder: RunFolder) -> TrainedAlone:
    """Train every finalist on D_t in `finalists/`, attack it on D_v at every strength with APGD, in evaluation mode.

    All have the same width, depth, epochs, attack and seed, and are spread over `runtime.workers` processes; after a
    kill it goes on where it stopped. The test set is not touched.

    Differs from the paper: it names what A prefers; shared weights agree too little with training alone for that
    (docs/studies/one-shot.md).
    """
    items = {
        f"finalist {place}": Alone(config=config, genotype=genotype, path=folder.path / "finalists" / str(place))
        for place, genotype in enumerate(finalists, start=1)
    }
    load = partial(load_data, config.data, config.seed)
    with progress("finalists", len(finalists)) as bar, folder.timed(FINALISTS):
        found = each(
            _trained_and_attacked,
            items,
            config=config.runtime,
            common=load,
            here=data,
            on_done=lambda name: bar.advance(note=name),
        ).values()
    spectrum, costs = _spectrum(config), Costs.of(config)
    passes = len(finalists) * training_passes(alone_settings(config), data)
    passes += sum(costs.verifying(images, spectrum) for _, images in found)
    return TrainedAlone([losses for losses, _ in found], passes)


def _trained_and_attacked(data: DataBundle, finalist: Alone) -> tuple[Losses, int]:
    """Return the losses of one finalist, index 0 clean, and on how many images of D_v they were measured."""
    config, settings = finalist.config, alone_settings(finalist.config)
    runtime, spectrum = Runtime(config.runtime), _spectrum(config)
    network = GenotypeNetwork(genotype=finalist.genotype, config=network_config(config, data))
    train(settings, network, finalist.path, data=data, runtime=runtime)
    return attacked_losses(
        runtime.prepare(load_run(finalist.path)).eval(),
        limited(data.valid, config.measure.images, config.measure.batch_size, runtime.device),
        spectrum,
        APGD(eps=spectrum.strengths[0], steps=config.finalists.attack_steps),
        runtime,
        # The purpose is the word of the first version: another one would draw other noise.
        lambda batch: rng.stream(config.seed, "audition", batch),
    )


def _spectrum(config: SearchConfig) -> Spectrum:
    """Return every strength as one that is attacked for real."""
    return Spectrum(config.spectrum.all_strengths(), config.spectrum.all_strengths())


def training_passes(settings: TrainConfig, data: DataBundle) -> int:
    """Return the images that one training passes through its network."""
    return sum(estimate_passes(settings, len(data.train), len(data.valid)).values())
