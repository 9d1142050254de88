"""One line of a comparison."""

from __future__ import annotations

from dataclasses import dataclass, field

from wsrnas.evaluation.result import Evaluation
from wsrnas.evaluation.strengths import Spelling


@dataclass(frozen=True, kw_only=True)
class Row:
    """Accuracies as fractions by strength, intervals where we measured them, and how the strengths were written."""

    name: str
    protocol: str
    clean: float | None
    accuracy: dict[float, float]
    interval: dict[float, tuple[float, float]]
    spelling: Spelling = field(default_factory=dict)

    @staticmethod
    def of(name: str, result: Evaluation) -> Row:
        """Return the line of a measured model."""
        return Row(
            name=name,
            protocol=result.protocol,
            clean=result.clean_accuracy,
            accuracy=dict(zip(result.strengths, result.accuracy)),
            interval={s: (low, high) for s, low, high in zip(result.strengths, result.ci_low, result.ci_high)},
            spelling=result.spelling,
        )
