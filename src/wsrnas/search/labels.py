"""Where the labels of a search come from, and how networks are trained that give labels alone."""

from __future__ import annotations

from dataclasses import dataclass

from wsrnas.errors import at_least, refuse

EVALUATORS = ("one_shot", "trained")


@dataclass(frozen=True, kw_only=True)
class LabelsConfig:
    """Short trainings alone, one per candidate, for `evaluator: trained`: the rate rises, then falls to nothing.

    Strength, PGD steps and batch size are those of `training`. A label before the rate has fallen says little about the
    finished network, so the schedule always ends within these epochs.

    Args:
        epochs: over D_t, or over the images of it that `training.images` allows.
        learning_rate: the highest.
        warmup: share of the training in which the rate rises to it.
        nesterov: Nesterov's momentum.
        seeds: trainings of each candidate; its label is their mean.
    """

    epochs: int = 12
    learning_rate: float = 0.3
    warmup: float = 0.25
    nesterov: bool = True
    seeds: int = 1

    def __post_init__(self) -> None:
        at_least(1, **{"labels.epochs": self.epochs, "labels.seeds": self.seeds})
        if not self.learning_rate > 0:
            refuse("labels.learning_rate", expected="a learning rate > 0", got=self.learning_rate)
        if not 0 <= self.warmup < 1:
            refuse("labels.warmup", expected="a share of the training in [0,1)", got=self.warmup)
