"""Table 1: natural and average robust accuracy, FGSM and parameters of 27 trainings on CIFAR-10."""

from __future__ import annotations

from typing import final

from wsrnas.reproduce.tables.models import ModelTable

STRENGTHS = (0.03, 0.1, 0.17, 0.25)
"""The four strengths of Table 2, which the averages of Table 1 are over."""


@final
class Table1(ModelTable):
    """Every column that Tables 1 and 2 print between them; Table 1's first."""

    name = "table1"
    title = "Table 1: robust models on CIFAR-10"
    asks = "Which network, trained how, is the most accurate over four strengths of noise, and without noise?"
    number = 1
    strengths = STRENGTHS
    columns = ("natural", "mean", "fgsm", "0.03", "0.1", "0.17", "0.25")
