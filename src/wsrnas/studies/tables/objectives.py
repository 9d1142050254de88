"""The objectives by which searches on the robustness table are judged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from wsrnas.errors import nearest, refuse
from wsrnas.search.objective import SearchObjective

NEGLIGIBLE = 1e-6
"""Eq. 10 wants every weight above 0; this much of the clean loss can only break ties."""
RANK_WEIGHTS = (1.0, 2.0, 3.0, 5.0, 7.0, 10.0, 13.0, 17.0, 21.0, 26.0)
"""The paper's β_i by rank of the strength, continued: differences 1, 1, 2, 2, 3, 3, …"""


@dataclass(frozen=True, kw_only=True)
class TableObjective:
    """An attack of the table and the share of the clean loss; robust weights are alike, or grow by rank."""

    attack: str
    clean_weight: float
    by_rank: bool = False

    def over(self, strengths: int) -> SearchObjective:
        """Return Eq. 10 for that many strengths."""
        weights = RANK_WEIGHTS[:strengths] if self.by_rank else (1.0,) * strengths
        total = sum(weights)
        return SearchObjective(
            clean_weight=self.clean_weight,
            robust_weight=1 - self.clean_weight,
            strength_weights=tuple(weight / total for weight in weights),
        )


OBJECTIVES = {
    "wide": TableObjective(attack="pgd", clean_weight=NEGLIGIBLE),
    "joint": TableObjective(attack="pgd", clean_weight=0.5),
    "paper": TableObjective(attack="pgd", clean_weight=0.8, by_rank=True),
    "apgd": TableObjective(attack="apgd", clean_weight=NEGLIGIBLE),
    "square": TableObjective(attack="square", clean_weight=NEGLIGIBLE),
}


ROBBENCH_OBJECTIVES = {
    "wide": TableObjective(attack="pgd", clean_weight=1 / 3),
    "joint": TableObjective(attack="pgd", clean_weight=0.5),
    "autoattack": TableObjective(attack="autoattack", clean_weight=NEGLIGIBLE),
}
"""Of the table of networks trained adversarially, which are attacked at 3/255 and 8/255: wide counts clean accuracy as
one strength more."""


def get_objective(name: str, objectives: Mapping[str, TableObjective] = OBJECTIVES) -> TableObjective:
    """Return the objective of that name.

    Raises:
        InputError: no such objective; suggests the nearest.
    """
    if name not in objectives:
        known = tuple(objectives)
        refuse("--objective", expected=f"one of {', '.join(known)}", got=repr(name), remedy=nearest(name, known))
    return objectives[name]
