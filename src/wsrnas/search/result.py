"""What a finished search found, as a value: read from its folder, written there once."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from wsrnas.errors import InputError, refuse
from wsrnas.files import read_json
from wsrnas.search.pareto import FrontPoint, read_front
from wsrnas.spaces.genotype import Genotype
from wsrnas.types import format_strength

FILE = "result.json"
LEARNED = 0.97
"""A clean loss above this share of ln(classes) is that of a guess."""


@dataclass(frozen=True, kw_only=True)
class Finalist:
    """An architecture that was measured again: its losses, index 0 clean, in the search and after it."""

    id: str
    parameters: int
    verified_losses: tuple[float, ...]
    verified_objective: float
    losses: tuple[float, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class SearchResult:
    """What a search found.

    `finalists` are best first, the winner among them; `verified_by` says how they were measured again: "training
    alone" or "shared weights". `known` strengths were attacked for real, `estimated` ones estimated, `fallen_back` ones
    attacked for real after their estimate had proved too weak. `evaluator` gave the labels of the search. `spent` holds
    network passes (one image each) by phase, `cost` their sum. `comparison` holds the accuracies of the winner and of
    random architectures of its size, where rivals were trained. `size` says what part of the gain is size
    (`size_share`); `latency`, under a limit of it, what the winner takes and how sure that is (`Latencies.said`).
    """

    path: Path
    genotype: Genotype
    strategy: str
    recipe: str
    preset: str
    seed: int
    space: str
    data: dict[str, Any]
    strengths: tuple[float, ...]
    known: tuple[float, ...]
    estimated: tuple[float, ...]
    fallen_back: tuple[float, ...]
    objective: dict[str, Any]
    winner: Finalist
    finalists: tuple[Finalist, ...]
    verified_by: str
    kendall: dict[str, Any] | None
    fidelity: dict[str, float]
    warnings: tuple[str, ...]
    cost: float
    spent: dict[str, int]
    verification_cost: float
    seconds: float
    evaluator: str = "one_shot"
    comparison: dict[str, Any] | None = field(default=None)
    size: dict[str, Any] | None = field(default=None)
    latency: dict[str, Any] | None = field(default=None)

    @property
    def learned_nothing(self) -> str:
        """Return a sentence where the winner knows no more than a guess; nothing where it does."""
        classes = int(self.data.get("classes") or 0)
        guess = math.log(classes) if classes > 1 else math.inf
        if self.winner.verified_losses[0] >= LEARNED * guess:
            how = "trained alone" if self.verified_by == "training alone" else "under the shared weights"
            loss = f"{self.winner.verified_losses[0]:.3f}"
            return (
                f"the winner has learned nothing {how}: its clean loss, {loss}, is that of a guess among {classes} "
                f"classes ({guess:.3f}), so its rank means nothing; give the search more epochs (finalists.epochs, "
                "budget.*) or images"
            )
        return ""

    @property
    def report(self) -> Path:
        """Return the page that tells how the search went."""
        return self.path / "report.html"

    def front(self, by: str = "params") -> tuple[FrontPoint, ...]:
        """Return what the search measured and no other beats in Eq. 10 and size, from small to large.

        Args:
            by: params, or latency where the search was asked for it (``--pareto latency``).

        Raises:
            InputError: the search has no front by that size.
        """
        return read_front(self.path, by)

    def to_json(self) -> dict[str, Any]:
        """Return the content of result.json: everything but the folder and what has files of its own."""
        own = ("path", "genotype", "comparison")
        return {key: value for key, value in asdict(self).items() if key not in own}

    @classmethod
    def read(cls, path: str | Path) -> SearchResult:
        """Read the folder of a finished search.

        Raises:
            InputError: no finished search there, or a damaged file.
        """
        folder = Path(path)
        values = read_json(folder / FILE)
        genotype = folder / "genotype.json"
        if values is None or not genotype.is_file():
            remedy = "start the same search command again; it goes on where it stopped"
            refuse("run", expected=f"a finished search, with {FILE} and genotype.json", got=str(folder), remedy=remedy)
        try:
            plain: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
            return cls(
                path=folder,
                genotype=Genotype.load(genotype),
                comparison=read_json(folder / "comparison.json"),
                winner=_finalist(plain.pop("winner")),
                finalists=tuple(_finalist(one) for one in plain.pop("finalists")),
                **plain,
            )
        except (KeyError, TypeError, AttributeError, json.JSONDecodeError) as error:
            message = f"{folder / FILE}: damaged, or of another version ({error}); start the search again elsewhere"
            raise InputError(message) from error

    def __str__(self) -> str:
        """Return what was found, in a few lines."""
        names = ["clean", *(format_strength(strength) for strength in self.strengths)]
        lines = [
            f"{self.strategy} search on {self.data.get('name')}: architecture {self.winner.id}, "
            f"{self.winner.parameters:,} parameters, of {len(self.finalists)} finalists",
            "losses " + ("trained alone" if self.verified_by == "training alone" else "under shared weights") + ": "
            + ", ".join(f"{name} {loss:.3f}" for name, loss in zip(names, self.winner.verified_losses)),
        ]  # fmt: skip
        if self.comparison is not None:
            pairs = zip(names, self.comparison["winner"]["accuracy"])
            lines.append("accuracy: " + ", ".join(f"{name} {accuracy:.1%}" for name, accuracy in pairs))
        if self.learned_nothing:
            lines.append(f"note: {self.learned_nothing}")
        lines.append(f"report: {self.report}")
        return "\n".join(lines)


def _finalist(values: dict[str, Any]) -> Finalist:
    known = {one.name for one in fields(Finalist)}
    plain: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items() if k in known}
    return Finalist(**plain)
