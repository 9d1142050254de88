"""`Evaluation`: a robustness curve with its intervals, per-image results and the facts that were verified."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypedDict

import torch
from torch import Tensor

from wsrnas.errors import refuse
from wsrnas.evaluation.doubts import doubts
from wsrnas.evaluation.statistics import AREA_WEIGHTING, area_under_curve, median_strength, wilson_interval
from wsrnas.evaluation.strengths import Spelling, spell
from wsrnas.files import read_object, write_atomic
from wsrnas.typed import check_fields, finite, with_numbers
from wsrnas.types import Norm

SCHEMA = 1


@dataclass(frozen=True, kw_only=True, eq=False)
class Evaluation:
    """Accuracy over a spectrum of strengths; every list is indexed by strength, accuracies are fractions.

    `survives` (images, strengths): still right after every attack at that strength and, in the strict protocol, at
    every smaller one. `raw_accuracy`: the first attack alone, each strength on its own. `accuracy_eight_bit`: an image
    counts as broken only if its adversarial image, rounded to 8 bits inside the ball, is misclassified too.
    `per_attack`: accuracy left by each attack; the first sees all images, a later one only those still right, and an
    image it does not see counts as broken (unless `every_image` was set).
    """

    protocol: str
    norm: Norm
    seed: int
    strengths: list[float]
    accuracy: list[float]
    ci_low: list[float]
    ci_high: list[float]
    raw_accuracy: list[float]
    accuracy_eight_bit: list[float]
    survives: Tensor
    clean_correct: Tensor
    per_attack: dict[str, list[float]]
    attacks: dict[str, str]
    classes: int
    majority: float
    verified: dict[str, Any]
    settings: dict[str, Any] = field(default_factory=dict)
    strengths_text: list[str] = field(default_factory=list)
    passes: float = 0.0

    @property
    def images(self) -> int:
        """How many images were evaluated."""
        return int(self.survives.shape[0])

    @property
    def clean_accuracy(self) -> float:
        """Accuracy without noise."""
        return float(self.clean_correct.double().mean())

    @property
    def minimal_strength(self) -> list[float | None]:
        """Return per image the smallest strength measured that broke it: 0 if wrong without noise, None if none did."""
        found: list[float | None] = []
        for right, row in zip(self.clean_correct.tolist(), self.survives.tolist()):
            broken = [strength for strength, alive in zip(self.strengths, row) if not alive]
            found.append(0.0 if not right else broken[0] if broken else None)
        return found

    def curve(self) -> tuple[list[float], list[float]]:
        """Return strengths and accuracies with the clean point first."""
        if self.strengths[0] == 0:
            return list(self.strengths), list(self.accuracy)
        return [0.0, *self.strengths], [self.clean_accuracy, *self.accuracy]

    @property
    def area(self) -> float:
        """Mean accuracy from strength 0 to the largest, uniform in strength."""
        return area_under_curve(*self.curve())

    @property
    def r50(self) -> float | None:
        """Median minimal strength; None where accuracy stays above one half."""
        return median_strength(*self.curve())

    @property
    def queries(self) -> int | None:
        """How many images a function or an ONNX file was asked about in this call; None for models with gradients."""
        found = self.verified.get("queries")
        return found if isinstance(found, int) else None

    def text(self, row: int) -> str:
        """Return how the user wrote a strength, such as ``8/255``."""
        return self.spelling[self.strengths[row]]

    @property
    def spelling(self) -> Spelling:
        """Return what every strength is called."""
        return spell(self.strengths, dict(zip(self.strengths, self.strengths_text)))

    @property
    def doubts(self) -> list[str]:
        """Return, in plain words, what this measurement itself shows that speaks against believing it."""
        return doubts(self)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain JSON values."""
        return {
            "schema": SCHEMA,
            "protocol": self.protocol,
            "norm": self.norm,
            "seed": self.seed,
            "images": self.images,
            "classes": self.classes,
            "chance": 1 / self.classes,
            "majority": self.majority,
            "clean_accuracy": self.clean_accuracy,
            "strengths": self.strengths,
            "strengths_text": list(self.spelling.values()),
            "accuracy": self.accuracy,
            "ci_low": self.ci_low,
            "ci_high": self.ci_high,
            "raw_accuracy": self.raw_accuracy,
            "accuracy_eight_bit": self.accuracy_eight_bit,
            "per_attack": self.per_attack,
            "attacks": self.attacks,
            "area_under_curve": self.area,
            "area_weighting": AREA_WEIGHTING + ", from 0",
            "median_minimal_strength": self.r50,
            "doubts": self.doubts,
            "passes_per_image": self.passes,
            "verified": self.verified,
            "settings": self.settings,
            "clean_correct": self.clean_correct.int().tolist(),
            "survives": self.survives.int().tolist(),
        }

    def save(self, folder: str | Path) -> Path:
        """Write `eval/<protocol>.json` and return its path."""
        path = Path(folder) / "eval" / f"{self.protocol}.json"
        write_atomic(path, json.dumps(self.to_dict()) + "\n")
        return path

    @staticmethod
    def from_dict(values: dict[str, Any], *, source: str = "evaluation") -> Evaluation:
        """Read what `to_dict` returned.

        Raises:
            InputError: fields are missing or of another schema.
        """
        remedy = "evaluate again with this version of wsrnas"
        if not isinstance(values, dict):
            refuse(source, expected="a JSON object", got=type(values).__name__, remedy=remedy)
        if values.get("schema") != SCHEMA:
            refuse(source, expected=f"evaluation schema {SCHEMA}", got=values.get("schema"), remedy=remedy)
        for name in (*_PLAIN, *_Images.__annotations__):
            if name not in values:
                remedy = "the file is not a wsrnas evaluation"
                refuse(source, expected=f"the field '{name}'", got="none", remedy=remedy)
        check_fields(values, Evaluation, source=source, remedy=remedy, only=(*_PLAIN, "strengths_text"))
        check_fields(values, _Images, source=source, remedy=remedy)
        _check_lengths(values, source, remedy)
        values = with_numbers(values, Evaluation)
        return Evaluation(
            **{name: values[name] for name in _PLAIN},
            strengths_text=values.get("strengths_text", []),
            survives=torch.tensor(values["survives"], dtype=torch.bool),
            clean_correct=torch.tensor(values["clean_correct"], dtype=torch.bool),
            passes=float(values["passes_per_image"]),
        )

    @staticmethod
    def load(path: str | Path) -> Evaluation:
        """Read `eval/<protocol>.json`.

        Raises:
            InputError: no such file, or one that is damaged or of another version.
        """
        path = Path(path)
        if not path.is_file():
            refuse(
                "evaluation", expected="an existing eval/*.json", got=str(path), remedy="run `wsrnas evaluate` first"
            )
        return Evaluation.from_dict(read_object(path, remedy="run `wsrnas evaluate` again"), source=str(path))

    def __str__(self) -> str:
        """Return the curve as a small table."""
        lines = [f"{self.protocol} protocol, {self.norm}, {self.images} images, {' + '.join(self.attacks)}"]
        rows = zip(self.spelling.values(), self.accuracy, self.ci_low, self.ci_high, self.raw_accuracy)
        for text, value, low, high, raw in rows:
            interval = f"[{100 * low:.1f}, {100 * high:.1f}]"
            lines.append(f"{text:>8}  {100 * value:5.1f} %  {interval:>14}  raw {100 * raw:.1f}")
        if self.queries is not None:
            lines.append(f"queries: {self.queries:,} images asked about, {self.queries / self.images:.0f} for each")
        return "\n".join([*lines, *(f"doubt: {doubt}" for doubt in self.doubts)])


_PLAIN = (
    "protocol", "norm", "seed", "strengths", "accuracy", "ci_low", "ci_high", "raw_accuracy", "accuracy_eight_bit",
    "per_attack", "attacks", "classes", "majority", "verified", "settings",
)  # fmt: skip


class _Images(TypedDict):
    """What a file says image by image."""

    survives: list[list[int]]
    clean_correct: list[int]
    passes_per_image: float


def _check_lengths(values: Mapping[str, Any], source: str, remedy: str) -> None:
    count, images = len(values["strengths"]), len(values["clean_correct"])
    if not count or not images or not finite(values["strengths"]):
        refuse(source, expected="at least one image and one finite strength", got="none", remedy=remedy)
    lists = {name: values[name] for name in _BY_STRENGTH}
    lists |= {f"per_attack.{name}": accuracies for name, accuracies in values["per_attack"].items()}
    lists |= {f"survives[{row}]": alive for row, alive in enumerate(values["survives"])}
    for name, numbers in lists.items():
        if len(numbers) != count:
            refuse(f"{source}: {name}", expected=f"{count} values", got=f"{len(numbers)}", remedy=remedy)
    if len(values["survives"]) != images:
        got = f"{len(values['survives'])}"
        refuse(f"{source}: survives", expected=f"{images} images", got=got, remedy=remedy)


_BY_STRENGTH = ("accuracy", "ci_low", "ci_high", "raw_accuracy", "accuracy_eight_bit")


def intervals(survives: Tensor) -> tuple[list[float], list[float], list[float]]:
    """Return accuracy and its 95 % Wilson interval for each column of (images, strengths)."""
    count = survives.shape[0]
    correct = [int(c) for c in survives.sum(0).tolist()]
    bounds = [wilson_interval(c, count) for c in correct]
    return [c / count for c in correct], [low for low, _ in bounds], [high for _, high in bounds]
