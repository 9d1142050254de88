"""Table 4: the cells found on CIFAR-10, trained on ImageNet by Fast-AT."""

from __future__ import annotations

from typing import final

from wsrnas.reproduce.tables.models import ModelTable


@final
class Table4(ModelTable):
    """Four networks with the stem for large images; the paper prints the first, third and fifth strength."""

    name = "table4"
    title = "Table 4: transfer to ImageNet"
    asks = "Are the cells found on small images also robust in large networks on ImageNet?"
    data = "ImageNet"
    number = 4
    imagenet = True
    strengths = (0.015, 0.03, 0.045, 0.06, 0.075, 0.09)
    columns = ("natural", "mean", "0.015", "0.03", "0.045", "0.06", "0.075", "0.09")
