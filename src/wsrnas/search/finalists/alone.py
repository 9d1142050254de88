"""Finalists trained alone, briefly: what names the winner where shared weights rank too roughly."""

from __future__ import annotations

from dataclasses import dataclass, replace

from wsrnas import rng
from wsrnas.attacks.apgd import APGD
from wsrnas.data import DataBundle
from wsrnas.models.load import load_run
from wsrnas.models.network import GenotypeNetwork
from wsrnas.progress import progress
from wsrnas.runs import RunFolder
from wsrnas.runtime import Runtime
from wsrnas.search.config import SearchConfig
from wsrnas.search.costs import FINALISTS, Costs
from wsrnas.search.evaluators.measure import Spectrum, attacked_losses
from wsrnas.search.finalists.rivals import training_settings
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
        epochs=epochs,
        selection=SelectionConfig(by="last", every=epochs, steps=config.training.steps, images=config.measure.images),
    )


def train_alone(
    config: SearchConfig, data: DataBundle, runtime: Runtime, finalists: list[Genotype], folder: RunFolder
) -> TrainedAlone:
    """Train every finalist on D_t in `finalists/`, attack it on D_v at every strength with APGD, in evaluation mode.

    All have the same width, depth, epochs, attack and seed; after a kill it goes on where it stopped. The test set is
    not touched.

    Differs from the paper: it names what A prefers; shared weights agree too little with training alone for that
    (docs/studies/one-shot.md).
    """
    settings, sizes = alone_settings(config), network_config(config, data)
    spectrum = Spectrum(config.spectrum.all_strengths(), config.spectrum.all_strengths())
    attack = APGD(eps=spectrum.strengths[0], steps=config.finalists.attack_steps)
    costs = Costs.of(config)
    losses, passes = [], len(finalists) * training_passes(settings, data)
    with progress("finalists", len(finalists)) as bar:
        for place, genotype in enumerate(finalists, start=1):
            path = folder.path / "finalists" / str(place)
            with folder.timed(FINALISTS):
                train(settings, GenotypeNetwork(genotype=genotype, config=sizes), path, data=data, runtime=runtime)
                measured, images = attacked_losses(
                    runtime.prepare(load_run(path)).eval(),
                    limited(data.valid, config.measure.images, config.measure.batch_size, runtime.device),
                    spectrum,
                    attack,
                    runtime,
                    lambda batch: rng.stream(config.seed, "audition", batch),
                )
            losses.append(measured)
            passes += costs.verifying(images, spectrum)
            bar.advance(note=genotype.id)
    return TrainedAlone(losses, passes)


def training_passes(settings: TrainConfig, data: DataBundle) -> int:
    """Return the images that one training passes through its network."""
    return sum(estimate_passes(settings, len(data.train), len(data.valid)).values())
