"""The estimators a study compares: the paper's, the same corrected, and what goes beyond them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from wsrnas.estimators.noise import NOISE_ESTIMATORS

Kind = Literal["paper", "corrected", "beyond", "real"]

KNOWN_THREE = (0.03, 0.06, 0.09)


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One way to get the noises of all strengths.

    `known` are attacked for real; `estimator` (a registry name, with `settings`) estimates the others, and `refine`
    gradient steps, each `step_size` times the strength, improve them. With `short_steps` nothing is estimated: every
    strength gets a real PGD of so many steps, which is what an estimator must beat at equal cost.
    """

    name: str
    kind: Kind
    known: tuple[float, ...] = ()
    estimator: str = ""
    settings: dict[str, Any] = field(default_factory=dict)
    refine: int = 0
    step_size: float = 0.4
    short_steps: int = 0
    raised_loss: bool = False

    @property
    def learned(self) -> bool:
        """Whether φ has weights to train."""
        return bool(self.estimator) and NOISE_ESTIMATORS[self.estimator].needs_training

    def passes(self, strengths: Sequence[float], attack_steps: int) -> int:
        """Return the network passes per image that the noises of `strengths` cost; forward and backward count one."""
        if self.short_steps:
            return 2 * self.short_steps * len(strengths)
        estimated = [strength for strength in strengths if strength not in self.known]
        return 2 * attack_steps * len(self.known) + 2 * self.refine * len(estimated)


def candidates(*, learned: bool) -> tuple[Candidate, ...]:
    """Return the candidates of a study, the learned ones too if asked."""
    found = [
        Candidate(
            name="WA-ANE, Eq. 6 as printed",
            kind="paper",
            known=KNOWN_THREE,
            estimator="weighted-average",
            settings={"weights": "paper"},
        ),
        Candidate(name="WA-ANE, linear", kind="corrected", known=KNOWN_THREE, estimator="weighted-average"),
        Candidate(
            name="WA-ANE, Eq. 6 as printed, 2 known",
            kind="paper",
            known=(0.03, 0.09),
            estimator="weighted-average",
            settings={"weights": "paper"},
        ),
        Candidate(name="WA-ANE, linear, 2 known", kind="corrected", known=(0.03, 0.09), estimator="weighted-average"),
    ]
    if learned:
        designs = (("A-ANE", "a-ane"), ("E-ANE", "e-ane"), ("E-ANE⁻", "e-ane-minus"))
        found += [
            Candidate(name=f"{title}, as printed", kind="paper", known=KNOWN_THREE, estimator=design,
                      settings={"weights": "paper"})
            for title, design in designs
        ]  # fmt: skip
        found += [
            Candidate(name=f"{title}, linear", kind="corrected", known=KNOWN_THREE, estimator=design)
            for title, design in (*designs, ("plus-ANE", "plus-ane"))
        ]
        found.append(
            Candidate(
                name="A-ANE, linear, trained on the loss",
                kind="beyond",
                known=KNOWN_THREE,
                estimator="a-ane",
                raised_loss=True,
            )
        )
    return (*found, *_beyond(), *_real())


def _beyond() -> list[Candidate]:
    one = ((0.06, "scale"), (0.06, "box"), (0.075, "box"), (0.09, "box"), (0.075, "corner"))
    several = ((0.045, 0.09), (0.06, 0.105), KNOWN_THREE)
    refined = (((0.06,), 1, 0.4), ((0.075,), 1, 0.4), ((0.09,), 1, 0.4), ((0.075,), 2, 0.25), ((0.045, 0.09), 1, 0.4))
    found = [_rescale((known,), shape) for known, shape in one]
    found += [_rescale(known, "box") for known in several]
    return found + [_rescale(known, "box", steps, step_size) for known, steps, step_size in refined]


def _rescale(known: tuple[float, ...], shape: str, steps: int = 0, step_size: float = 0.4) -> Candidate:
    name = f"rescale {shape} from {', '.join(f'{strength:g}' for strength in known)}"
    return Candidate(
        name=name + (f" + {steps} step{'s' * (steps > 1)}" if steps else ""),
        kind="beyond",
        known=known,
        estimator="rescale",
        settings={"shape": shape},
        refine=steps,
        step_size=step_size,
    )


def _real() -> list[Candidate]:
    return [Candidate(name=f"PGD-{steps} at every strength", kind="real", short_steps=steps) for steps in (1, 2)]
