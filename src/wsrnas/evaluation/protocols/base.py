"""What a protocol takes and gives: a rule by which accuracy under attack is counted."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn

from wsrnas.errors import refuse
from wsrnas.evaluation.folder.store import Store
from wsrnas.evaluation.record import AnyAttack
from wsrnas.evaluation.result import Evaluation
from wsrnas.evaluation.text import percent
from wsrnas.evaluation.under_test.copies import Copies
from wsrnas.types import Images, Labels, Norm


@dataclass(kw_only=True)
class Curve:
    """What a protocol measured: per image and strength, and per attack."""

    survives: Tensor
    survives_eight_bit: Tensor
    raw_accuracy: list[float] = field(default_factory=list)
    per_attack: dict[str, list[float]] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    passes: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What is evaluated and how, for every protocol. Images and labels are on the CPU, where facts are checked.

    `steady` says whether the model answers the same twice, `text` how the user wrote a strength; `advance` counts
    images done and shows a note.
    """

    copies: Copies
    images: Images
    labels: Labels
    strengths: tuple[float, ...]
    norm: Norm
    seed: int
    batch_size: int
    device: torch.device
    clean_correct: Tensor
    store: Store
    steady: bool
    text: Callable[[float], str]
    advance: Callable[..., None]


@dataclass(frozen=True, kw_only=True)
class Protocol(ABC):
    """A rule by which accuracy under attack is counted, and how its numbers are shown.

    Args:
        batch_size: images attacked and scored together.
    """

    batch_size: int = 128

    name: ClassVar[str]
    """What it is called in files, tables and on the command line."""
    explanation: ClassVar[str]
    """One paragraph for readers of a report."""
    believed: ClassVar[bool]
    """Whether a headline may come from it."""
    line: ClassVar[Literal["solid", "dashed"]] = "solid"
    """How its curve is drawn."""

    def __post_init__(self) -> None:
        if self.batch_size < 1:
            refuse("batch_size", expected="a whole number >= 1", got=self.batch_size)

    @abstractmethod
    def accepted(self, attacks: dict[str, AnyAttack] | None, suite: dict[str, AnyAttack]) -> dict[str, AnyAttack]:
        """Return the attacks it runs: those asked for, or else the suite's.

        Raises:
            InputError: it fixes its own attack and others were asked for.
        """

    @abstractmethod
    def described(self, attacks: dict[str, AnyAttack]) -> dict[str, str]:
        """Return the settings of every attack by label, as they are recorded."""

    @abstractmethod
    def check(self, model: nn.Module, norm: Norm) -> None:
        """Refuse a model or norm that it is not defined for."""

    @abstractmethod
    def measure(self, setting: Setting, attacks: dict[str, AnyAttack]) -> Curve:
        """Attack and score at every strength."""

    def identity(self) -> dict[str, Any]:
        """Return the settings that belong to its results."""
        return {"batch size": self.batch_size}

    def columns(self, result: Evaluation) -> list[str]:
        """Return the headers of its columns in a table with one row per strength."""
        return [f"{self.name} %", f"{self.name} 95 % interval"]

    def cells(self, result: Evaluation, row: int) -> list[str]:
        """Return the cells below `columns` for one strength."""
        low, high = percent(result.ci_low[row]), percent(result.ci_high[row])
        return [percent(result.accuracy[row]), f"[{low}, {high}]"]

    def label(self, name: str) -> str:
        """Return what to call a model's curve in a legend."""
        return name if self.believed else f"{name}, {self.name}"

    def attack_note(self, result: Evaluation) -> str:
        """Say which images each attack saw."""
        return "every attack sees every image"
