"""Table 2: accuracy of the same trainings as Table 1 at each of four strengths."""

from __future__ import annotations

from typing import final

from wsrnas.reproduce.tables.models import ModelTable
from wsrnas.reproduce.tables.table1 import STRENGTHS


@final
class Table2(ModelTable):
    """The spectrum of every line; with the same folder of runs as Table 1 nothing is trained twice."""

    name = "table2"
    title = "Table 2: accuracy under noise of four strengths on CIFAR-10"
    asks = "How does the accuracy of each network fall as the noise gets stronger?"
    number = 2
    strengths = STRENGTHS
    columns = ("natural", "0.03", "0.1", "0.17", "0.25", "mean")
