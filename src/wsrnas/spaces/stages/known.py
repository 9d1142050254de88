"""Published networks of stages, and published rules at a size that the space holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from wsrnas.spaces.stages.genotype import Stage, StageGenotype

HUANG_2021 = (
    "Huang, Wang, Erfani, Gu, Bailey, Ma, Exploring Architectural Ingredients of Adversarially Robust Deep Neural "
    "Networks, NeurIPS 2021"
)
HUANG_2023 = (
    "Huang, Lu, Deb, Boddeti, Revisiting Residual Networks for Adversarial Robustness, CVPR 2023, rows D&W of the "
    "table of scalings, with the block of wide residual networks"
)
PENG_2023 = (
    "Peng, Xu, Cornelius, Hull, Li, Duggal, Phute, Martin, Chau, Robust Principles: Architectural Design Principles "
    "for Adversarially Robust CNNs, BMVC 2023"
)


@dataclass(frozen=True, kw_only=True)
class KnownNetwork:
    """A genotype and where it comes from; `exact` tells a published network from a published rule at another size.

    Published networks have their published size at 16 channels.
    """

    genotype: StageGenotype
    source: str
    exact: bool


def _network(
    depths: Sequence[int],
    widths: Sequence[int],
    *,
    stem: str = "plain",
    activation: str = "relu",
    squeeze: bool = False,
) -> StageGenotype:
    """Return a wide residual network: basic 3×3 blocks, batch norm before activation, halved before later stages."""
    stages = [
        Stage(block="basic", depth=depth, width=width, kernel=3, squeeze=squeeze, stride=2 if place else 1)
        for place, (depth, width) in enumerate(zip(depths, widths))
    ]
    return StageGenotype(stem=stem, activation=activation, normalisation="batch", order="pre", stages=tuple(stages))


KNOWN: dict[str, KnownNetwork] = {
    "stages-wrn-34-r": KnownNetwork(genotype=_network((5, 5, 5), (20, 40, 32)), source=HUANG_2021, exact=True),
    "wrn-a1": KnownNetwork(genotype=_network((14, 14, 7), (5, 14, 12)), source=HUANG_2023, exact=True),
    "wrn-a2": KnownNetwork(genotype=_network((17, 17, 8), (7, 18, 16)), source=HUANG_2023, exact=True),
    "wrn-a3": KnownNetwork(genotype=_network((22, 22, 11), (8, 22, 20)), source=HUANG_2023, exact=True),
    "wrn-a4": KnownNetwork(genotype=_network((27, 28, 13), (10, 28, 24)), source=HUANG_2023, exact=True),
    "stages-wide": KnownNetwork(
        genotype=_network((3, 3, 3), (1, 2, 4)),
        source="Zagoruyko, Komodakis, Wide Residual Networks, BMVC 2016: WRN-22-1 at 16 channels, equal depths, widths "
        "doubled; what the rules below depart from",
        exact=True,
    ),
    "stages-narrow-end": KnownNetwork(
        genotype=_network((3, 3, 3), (2, 4, 3)),
        source=f"{HUANG_2021}: the last stage narrower than doubling makes it, the first two wider (WRN-34-R)",
        exact=False,
    ),
    "stages-scaled": KnownNetwork(
        genotype=_network((5, 5, 3), (2, 5, 4)),
        source=f"{HUANG_2023}: depths 2:2:1 and widening factors 2:2.5:1, their sums near 7:3",
        exact=False,
    ),
    "stages-principled": KnownNetwork(
        genotype=_network((3, 3, 1), (2, 4, 8), stem="convolutional", activation="silu", squeeze=True),
        source=f"{PENG_2023}: a convolutional stem, depths 3:3:1 as RaWRN-70-16, squeeze-and-excitation and SiLU",
        exact=False,
    ),
}
"""RobustResNet-A1 to A4 of the second source have the depths and widths of wrn-a1 to a4 but a block of their own
(grouped convolutions in a hierarchy, and a squeeze-and-excitation beside the shortcut), which is not a kind here."""
