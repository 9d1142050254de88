"""How large a study of labels is."""

from __future__ import annotations

from dataclasses import dataclass, replace

from wsrnas.data import DataConfig
from wsrnas.errors import at_least, one_of, refuse
from wsrnas.search.base import Budget
from wsrnas.search.config import MeasureConfig, SearchConfig, TrainingConfig
from wsrnas.search.spectrum import SpectrumConfig
from wsrnas.studies.scales import trained_search

SPACES = ("darts", "nb201")
"""Those that share weights."""


@dataclass(frozen=True, kw_only=True)
class LabelsStudyConfig:
    """Everything a study of labels depends on.

    Args:
        search: data, spectrum, size of the networks and their short training; `labels.epochs` is that of the final
            networks, `budget` (2N+T updates) how long the shared weights are trained, `rivals` with how many PGD steps
            final networks are judged on the test set.
        genotypes: random ones of one size.
        parameters: their size; null takes the median of the space.
        tolerance: how far from it they may be, as a share.
        seeds: final trainings of each, which no label is made with.
        epochs: of the labels by training alone, each twice the one before: successive halving needs them.
        warm_epochs: of the labels that start from shared weights.
    """

    search: SearchConfig
    genotypes: int = 48
    parameters: int | None = None
    tolerance: float = 0.05
    seeds: int = 3
    epochs: tuple[int, ...] = (1, 2, 4)
    warm_epochs: tuple[int, ...] = (1, 2)

    def __post_init__(self) -> None:
        at_least(4, genotypes=self.genotypes)
        at_least(2, seeds=self.seeds)
        one_of("space", self.search.space.name, SPACES)
        if not self.epochs or any(after != 2 * before for before, after in zip(self.epochs, self.epochs[1:])):
            refuse("epochs", expected="each twice the one before, such as 1, 2, 4", got=self.epochs)
        at_least(1, epochs=self.epochs[0])
        for count in self.warm_epochs:
            at_least(1, warm_epochs=count)
        if max(*self.epochs, *self.warm_epochs) > self.search.labels.epochs:
            remedy = "raise search.labels.epochs"
            refuse("epochs", expected="no more than final networks have", got=self.epochs, remedy=remedy)

    @property
    def updates(self) -> int:
        """Epochs that the shared weights are trained for, one genotype each."""
        return 2 * self.search.budget.population + self.search.budget.iterations

    def with_epochs(self, epochs: int) -> SearchConfig:
        """Return the search whose short trainings take so many epochs."""
        return replace(self.search, labels=replace(self.search.labels, epochs=epochs))


def labels_config(scale: str, space: str, *, root: str | None = None, seed: int = 0) -> LabelsStudyConfig:
    """Return the study at a scale: ``smoke`` is for tests; ``small`` takes half an hour to an hour on one quiet core.

    Raises:
        InputError: no such scale or space.
    """
    one_of("--space", space, SPACES)
    search = trained_search(scale, space, root=root, seed=seed)
    if scale == "smoke":
        search = replace(search, labels=replace(search.labels, epochs=2), budget=Budget(population=1, iterations=2))
        return LabelsStudyConfig(search=search, genotypes=4, seeds=2, epochs=(1, 2), warm_epochs=(1,))
    if scale == "paper":
        search = replace(search, labels=replace(search.labels, epochs=40), budget=Budget(population=24, iterations=48))
        return LabelsStudyConfig(search=search, epochs=(5, 10, 20), warm_epochs=(5, 10))
    search = replace(search, budget=Budget(population=24, iterations=48))
    if root is None and space == "nb201":
        final = replace(search, labels=replace(search.labels, epochs=12))
        return LabelsStudyConfig(search=final, epochs=(1, 2, 4, 8), warm_epochs=(1, 2, 4))
    if root is None:
        return LabelsStudyConfig(search=replace(search, labels=replace(search.labels, epochs=6)))
    cifar = replace(
        search,
        data=DataConfig(name="cifar10", root=root, image_size=16, train_limit=768, valid_limit=300, test_limit=600),
        spectrum=SpectrumConfig(strengths=[0.015, 0.03]),
        training=TrainingConfig(strength=0.03, steps=1, step_ratio=1.25, batch_size=128),
        measure=MeasureConfig(images=300, batch_size=150),
        labels=replace(search.labels, epochs=6),
        rivals=replace(search.rivals, attack_steps=3),
    )
    return LabelsStudyConfig(search=cifar)
