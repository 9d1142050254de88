"""What a finished training says."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from wsrnas.types import format_strength


@dataclass(frozen=True, kw_only=True)
class TrainResult:
    """A finished training; `print` says it in words.

    Attributes:
        path: its run folder.
        epoch: the epoch that was kept, counted from 1; of an ensemble the latest that a member kept.
        held_out_accuracy: clean accuracy on held-out training images; None where nothing was held out.
        held_out_robust_accuracy: the same under PGD at `strength`; None without a strength.
        strength: radius of that attack.
        parameters: weights of the network that was kept.
        learned_nothing: why the network is taken to have learned nothing; None where it has learned something.
        members: the networks of an ensemble, each as a training of its own.
    """

    path: Path
    epoch: int
    held_out_accuracy: float | None
    held_out_robust_accuracy: float | None
    strength: float | None
    parameters: int
    learned_nothing: str | None = None
    members: tuple[TrainResult, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return everything but the folder, for its result.json."""
        found = {key: value for key, value in asdict(self).items() if key not in ("path", "members")}
        if self.members:
            found["members"] = [member.to_dict() for member in self.members]
        return found

    def __str__(self) -> str:
        kept = f"epoch {self.epoch} kept"
        if self.members:
            epochs = ", ".join(str(member.epoch) for member in self.members)
            kept = f"{len(self.members)} networks that decide together, epochs {epochs} kept"
        parts = [f"trained: {self.path}, {kept}"]
        if self.held_out_accuracy is not None:
            parts.append(f"held-out accuracy {self.held_out_accuracy:.1%}")
        if self.held_out_robust_accuracy is not None and self.strength is not None:
            parts.append(f"under PGD at {format_strength(self.strength)} {self.held_out_robust_accuracy:.1%}")
        said = "; ".join(parts[:2]) + (f", {parts[2]}" if len(parts) > 2 else "")
        return said if self.learned_nothing is None else f"{said}\nwarning: {self.learned_nothing}"
