"""The estimators a study compares: the paper's, the same corrected, and what goes beyond them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from wsrnas.estimators.noise import NOISE_ESTIMATORS, REFINE_STEP

Kind = Literal["paper", "corrected", "beyond", "real"]

PAPER_STRENGTHS = (0.03, 0.045, 0.06, 0.075, 0.09, 0.105)
KNOWN_THREE = (0.03, 0.06, 0.09)


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One way to get the noises of all strengths.

    `known` are attacked for real; `estimator`, by name and with `settings`, estimates the others, and `refine` gradient
    steps, each `step_size` times the strength, improve them: `outwards`, each refined noise helping the next, or each
    alone. `known_steps` shortens the attacks at the known strengths. With `short_steps` nothing is estimated:
    every strength gets a real PGD of so many steps, which is what an estimator must beat at equal cost.
    """

    name: str
    kind: Kind
    known: tuple[float, ...] = ()
    estimator: str = ""
    settings: dict[str, Any] = field(default_factory=dict)
    refine: int = 0
    step_size: float = REFINE_STEP
    outwards: bool = True
    known_steps: int | None = None
    short_steps: int = 0
    raised_loss: bool = False

    @property
    def learned(self) -> bool:
        """Whether φ has weights to train."""
        return bool(self.estimator) and NOISE_ESTIMATORS.kind(self.estimator, argument="estimator").needs_training

    def passes(self, strengths: Sequence[float], attack_steps: int) -> int:
        """Return the network passes per image that the noises of `strengths` cost; forward and backward count one."""
        if self.short_steps:
            return 2 * self.short_steps * len(strengths)
        estimated = [strength for strength in strengths if strength not in self.known]
        steps = attack_steps if self.known_steps is None else self.known_steps
        return 2 * steps * len(self.known) + 2 * self.refine * len(estimated)

    def judged_at(self, strengths: Sequence[float]) -> tuple[float, ...]:
        """Return the strengths it is judged at: the paper's six, and those above all it knows, up to twice the largest.

        A real attack has nothing above what it knows.
        """
        largest = max(self.known, default=math.inf)
        return tuple(s for s in strengths if s in PAPER_STRENGTHS or largest < s <= 2 * largest + 1e-9)

    def exact_at(self) -> tuple[float, ...]:
        """Return the strengths at which its noise is the real attack's."""
        return self.known if self.known_steps is None else ()


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
            Candidate(name=f"{title}, Eq. 6 as printed", kind="paper", known=KNOWN_THREE, estimator=design,
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
    one = ((0.06, "box"), (0.075, "scale"), (0.075, "box"), (0.075, "corner"), (0.09, "box"))
    found = [_rescale((known,), shape) for known, shape in one]
    found += [_rescale(known) for known in ((0.03, 0.075), (0.03, 0.09), (0.045, 0.09), KNOWN_THREE)]
    found += [
        _rescale((0.075,), refine=1, outwards=False),
        _rescale((0.06,), refine=1),
        _rescale((0.075,), refine=1),
        _rescale((0.09,), refine=1),
        _rescale((0.075,), refine=2),
        _rescale((0.03, 0.075), refine=1),
        _rescale((0.03, 0.09), refine=1),
        _rescale((0.045, 0.09), refine=1),
        _rescale((0.075,), refine=1, known_steps=5),
    ]
    return found


def _rescale(
    known: tuple[float, ...],
    shape: str = "box",
    *,
    refine: int = 0,
    outwards: bool = True,
    known_steps: int | None = None,
) -> Candidate:
    name = f"rescale {shape} from {', '.join(f'{strength:g}' for strength in known)}"
    if known_steps is not None:
        name += f" by PGD-{known_steps}"
    if refine:
        name += f", {refine} step{'s' * (refine > 1)} {'outwards' if outwards else 'each alone'}"
    return Candidate(
        name=name,
        kind="beyond",
        known=known,
        estimator="rescale",
        settings={"shape": shape},
        refine=refine,
        outwards=outwards,
        known_steps=known_steps,
    )


def _real() -> list[Candidate]:
    return [Candidate(name=f"PGD-{steps} at every strength", kind="real", short_steps=steps) for steps in (1, 2, 3)]
