"""Labels of a table, paid for as they are asked for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from wsrnas.errors import one_of
from wsrnas.studies.labels.table import Array, LabelTable

READINGS = ("wide loss", "wide accuracy", "one strength")
"""What a label is read by: loss or accuracy over the strengths, or the loss at the strength nearest the training's."""


class Ledger:
    """Hands out values of labels, lower is better, and adds up what trainings and measurements cost.

    The super-network is paid for once, by whoever asks first for anything that needs it, and for all genotypes.
    """

    def __init__(self, table: LabelTable) -> None:
        self.table = table
        self.paid = 0.0
        self._shares = False

    @property
    def everyone(self) -> list[int]:
        """Return the places of all genotypes."""
        return list(range(len(self.table.genotypes)))

    @property
    def cost(self) -> float:
        """Return image passes a genotype of the table."""
        return self.paid / len(self.table.genotypes)

    def ask(self, name: str, places: Sequence[int], reading: str = "wide loss") -> Array:
        """Return the values that a label says of the genotypes at these places."""
        one_of("reading", reading, READINGS)
        table, costs = self.table, self.table.costs
        shared, training = (costs["shared"], costs[name] - costs["shared"]) if "shared" in name else (0.0, costs[name])
        if shared and not self._shares:
            self._shares = True
            self.paid += shared * len(table.genotypes)
        measured = 1 if reading == "one strength" else len(table.about["strengths"])
        self.paid += (training + costs["clean"] + measured * costs["strength"]) * len(places)
        return np.asarray(self._values(name, reading)[list(places)])

    def _values(self, name: str, reading: str) -> Array:
        if reading == "wide accuracy":
            return -self.table.wide_accuracy(name)
        if reading == "wide loss":
            return self.table.wide_loss(name)
        about = self.table.about
        distances = [abs(strength - about["trained_at"]) for strength in about["strengths"]]
        return np.asarray(self.table.losses[name][:, 1 + distances.index(min(distances))])
