"""A table of finished measurements as an evaluator: searches run in seconds, with as many seeds as one likes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jaxtyping import Float
from torch import Tensor

from wsrnas.errors import refuse
from wsrnas.search.base import Evaluator
from wsrnas.spaces.base import Architecture, SearchSpace
from wsrnas.types import Choice, Losses


class TableEvaluator(Evaluator):
    """Looks losses up. `rows` maps every choice to its row of `losses` (A, S); equal architectures share a row.

    `queries` (and `cost`) counts distinct rows measured: a row asked again is free and answers the same.
    `error` (A, S) is added to what `measure` says, the same at every call, as the bias of shared weights is.
    With `ageing` = (c, h) that error is multiplied by 1 + c·2^(−q/h) after q queries: early labels mean less than
    later ones, and `remeasure` under later weights is better (and is charged one unit of cost, but no query).
    `verify` answers without error.
    """

    def __init__(
        self,
        space: SearchSpace,
        rows: Mapping[Choice, int],
        losses: Float[Tensor, "A S"],
        strengths: Tensor,
        *,
        error: Float[Tensor, "A S"] | None = None,
        ageing: tuple[float, float] | None = None,
    ) -> None:
        if len(strengths) != losses.shape[1] - 1:
            refuse("strengths", expected=f"{losses.shape[1] - 1}, one per robust loss", got=len(strengths))
        if ageing is not None and not (ageing[0] >= 0 and ageing[1] > 0):
            refuse("--label-ageing", expected="a factor >= 0 and a half-life > 0", got=ageing)
        self.space, self.rows, self.losses, self.strengths = space, rows, losses, strengths
        self.error, self.ageing = error, ageing
        self.exact, self.warms_up = error is None, False
        self.cost = 0.0
        self.record: dict[str, Any] = {}
        self.first_asked: dict[int, int] = {}

    @property
    def queries(self) -> int:
        """Return the number of distinct architectures measured."""
        return len(self.first_asked)

    def row(self, architecture: Architecture) -> int:
        """Return the row of an architecture.

        Raises:
            InputError: the table has no such architecture.
        """
        if architecture.choice not in self.rows:
            refuse("architecture", expected="one the table holds", got=str(architecture.choice))
        return self.rows[architecture.choice]

    def warm_up(self, architecture: Architecture) -> None:
        """A table has no weights to train."""
        self.record = {"cost": self.cost}

    def measure(self, architecture: Architecture) -> Losses:
        """Return the losses, index 0 clean, with the error of a label made now."""
        row = self.row(architecture)
        if row not in self.first_asked:
            self.first_asked[row] = len(self.first_asked)
            self.cost += 1
        self.record = {"cost": self.cost}
        return self._label(row, self.first_asked[row])

    def measure_clean(self, architecture: Architecture) -> Losses:
        """Return the clean loss, with the error of a label made now."""
        return self.measure(architecture)[:1]

    def remeasure(self, architecture: Architecture) -> Losses:
        """Return the losses with the error of a label made now, of an architecture that may be old."""
        if self.ageing is not None:
            self.cost += 1
        return self._label(self.row(architecture), self.queries)

    def verify(self, architectures: list[Architecture]) -> list[Losses]:
        """Return the losses without error."""
        self.cost += len(architectures)
        return [self.losses[self.row(architecture)] for architecture in architectures]

    def _label(self, row: int, asked: int) -> Losses:
        if self.error is None:
            return self.losses[row]
        factor = 1.0 if self.ageing is None else 1 + self.ageing[0] * 2 ** (-asked / self.ageing[1])
        return self.losses[row] + factor * self.error[row]

    def state_dict(self) -> dict[str, Any]:
        """Return which rows were asked, and when."""
        return {"cost": self.cost, "first_asked": dict(self.first_asked)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore them."""
        self.cost = state["cost"]
        self.first_asked = dict(state["first_asked"])
