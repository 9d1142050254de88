"""How large a study of one-shot ranks is."""

from __future__ import annotations

from dataclasses import dataclass

from wsrnas.data import DataConfig
from wsrnas.errors import at_least, nearest, refuse
from wsrnas.runtime import RuntimeConfig
from wsrnas.search.base import Budget
from wsrnas.search.config import MeasureConfig, RivalsConfig, SearchConfig, SpaceConfig, TrainingConfig
from wsrnas.search.spectrum import SpectrumConfig
from wsrnas.studies.noise.config import Scale

DIGITS = (0.05, 0.075, 0.1, 0.125, 0.15, 0.175)
CIFAR = (0.01, 0.02, 0.03, 0.045, 0.06, 0.09)


@dataclass(frozen=True, kw_only=True)
class OneShotStudyConfig:
    """Everything a study of one-shot ranks depends on.

    Args:
        search: the super-network as a search would train it: data, sizes, spectrum, 2N+T updates and their learning
            rates; `rivals` says how networks are trained alone and with how many PGD steps they are scored.
        genotypes: random genotypes, measured under shared weights and trained alone.
        checkpoints: numbers of updates after which all of them are measured, ascending, the last being 2N+T.
        repeated: how many of them are trained alone with a second seed.
        refresh: old labels measured again per label.
        temperature: τ of the Gumbel softmax that all-edges samples are drawn with.
        batch_size, learning_rate: of training alone.
        draws: bootstrap draws over genotypes.
    """

    search: SearchConfig
    genotypes: int = 16
    checkpoints: tuple[int, ...]
    repeated: int = 16
    refresh: int = 1
    temperature: float = 0.1
    batch_size: int = 128
    learning_rate: float = 0.1
    draws: int = 2000

    def __post_init__(self) -> None:
        at_least(4, genotypes=self.genotypes)
        at_least(2, repeated=self.repeated)
        at_least(1, batch_size=self.batch_size, draws=self.draws)
        if self.repeated > self.genotypes:
            refuse("repeated", expected=f"at most the {self.genotypes} genotypes", got=self.repeated)
        if list(self.checkpoints) != sorted({*self.checkpoints}) or self.checkpoints[-1:] != (self.updates,):
            refuse("checkpoints", expected=f"ascending, the last {self.updates}", got=self.checkpoints)
        if self.genotypes > self.updates - self.search.budget.population:
            remedy = "raise search.budget.iterations"
            refuse(
                "genotypes", expected="at most one label per update after warming up", got=self.genotypes, remedy=remedy
            )
        spectrum = self.search.spectrum
        if spectrum.attacked_strengths() != spectrum.all_strengths():
            remedy = "the study of estimators judges estimated noises"
            refuse("search.spectrum.attacked", expected="every strength", got=spectrum.attacked, remedy=remedy)

    @property
    def updates(self) -> int:
        """Updates of each super-network: N to warm up, N to build, T to search."""
        return 2 * self.search.budget.population + self.search.budget.iterations

    def label_updates(self) -> list[int]:
        """Return at which update each genotype gets the label a search would have: evenly spread after warming up."""
        first, count = self.search.budget.population, self.genotypes
        return [first + int((index + 0.5) * (self.updates - first) / count) for index in range(count)]


def one_shot_config(scale: Scale, *, root: str | None = None, seed: int = 0) -> OneShotStudyConfig:
    """Return the study at a scale: ``smoke`` on digits, ``small`` on digits or 16×16 CIFAR-10, ``paper`` on CIFAR-10.

    Raises:
        InputError: no such scale, or a data root for the embedded digits.
    """
    if scale == "smoke":
        search = _digits(root, seed, channels=4, images=128, measured=64, population=2, iterations=4, epochs=1, test=64)
        return OneShotStudyConfig(search=search, genotypes=4, checkpoints=(4, 8), repeated=2, draws=200)
    if scale == "small" and root is None:
        search = _digits(
            root, seed, channels=6, images=320, measured=256, population=20, iterations=50, epochs=6, test=None
        )
        return OneShotStudyConfig(search=search, genotypes=12, repeated=12, checkpoints=(30, 90), batch_size=64)
    if scale == "small":
        search = SearchConfig(
            recipe="study one-shot",
            seed=seed,
            data=DataConfig(
                name="cifar10", root=root, image_size=16, train_limit=2048, valid_limit=192, test_limit=600
            ),
            space=SpaceConfig(name="darts", channels=6, layers=3),
            spectrum=SpectrumConfig(strengths=list(CIFAR), attacked=list(CIFAR)),
            training=TrainingConfig(strength=0.03, steps=1, images=512, batch_size=64, learning_rate=0.05),
            measure=MeasureConfig(images=192, batch_size=96),
            budget=Budget(population=15, iterations=40),
            rivals=RivalsConfig(epochs=6, attack_steps=3),
        )
        return OneShotStudyConfig(search=search, genotypes=12, repeated=12, checkpoints=(30, 70), batch_size=64)
    if scale == "paper":
        search = SearchConfig(
            recipe="study one-shot",
            seed=seed,
            data=DataConfig(name="cifar10", root=root),
            spectrum=SpectrumConfig(attacked="0.03,0.045,0.06,0.075,0.09,0.105"),
            training=TrainingConfig(strength=0.03),
            measure=MeasureConfig(images=4096, batch_size=256),
            rivals=RivalsConfig(epochs=30, attack_steps=20),
            runtime=RuntimeConfig(precision="bf16-mixed", channels_last=True),
        )
        return OneShotStudyConfig(search=search, genotypes=24, repeated=24, checkpoints=(50, 100, 200, 300))
    refuse("--scale", expected="a scale", got=scale, remedy=nearest(str(scale), ["smoke", "small", "paper"]))


def _digits(
    root: str | None,
    seed: int,
    *,
    channels: int,
    images: int,
    measured: int,
    population: int,
    iterations: int,
    epochs: int,
    test: int | None,
) -> SearchConfig:
    return SearchConfig(
        recipe="study one-shot",
        seed=seed,
        data=DataConfig(name="digits", root=root, test_limit=test),
        space=SpaceConfig(name="darts", channels=channels, layers=3),
        spectrum=SpectrumConfig(strengths=list(DIGITS), attacked=list(DIGITS)),
        training=TrainingConfig(strength=0.1, steps=2, images=images, batch_size=64, learning_rate=0.05),
        measure=MeasureConfig(images=measured, batch_size=measured),
        budget=Budget(population=population, iterations=iterations),
        rivals=RivalsConfig(epochs=epochs, attack_steps=5),
    )
