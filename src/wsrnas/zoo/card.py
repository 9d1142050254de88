"""What is known about a published model: how it is built, how large it is, what was reported about it and by whom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Status = Literal["published", "inferred", "unpublished"]


@dataclass(frozen=True, kw_only=True)
class PublishedResult:
    """Percentages printed in the paper's tables for one training of a model; None where the paper prints a dash.

    `robust` maps a strength to the accuracy under `attack`; `robust_mean` is over `robust_mean_over`. `fgsm` comes
    without a strength in the paper. `measured_by` tells rows the paper measured from rows it quotes.
    """

    tables: tuple[int, ...]
    data: str
    training: str
    attack: str
    natural: float
    fgsm: float | None
    robust: dict[float, float]
    robust_mean: float | None
    robust_mean_over: tuple[float, ...] | None
    measured_by: str


@dataclass(frozen=True, kw_only=True)
class Card:
    """One model of the zoo.

    `status` is published, inferred (which cell or which width the paper used is a guess, see `notes`), or unpublished
    (`architecture` is None and the model cannot be built). `parameters_millions` is counted on the network built with
    the card's own settings, to four decimals; `parameters_millions_paper` is what the paper prints.
    """

    name: str
    title: str
    family: Literal["cells", "robnet", "resnet", "wide-resnet"]
    status: Status
    architecture: dict[str, Any] | None
    channels: int | None
    layers: int | None
    stem: str
    num_classes: int
    image_shape: tuple[int, int, int]
    parameters_millions: float | None
    parameters_millions_paper: float | None
    published: tuple[PublishedResult, ...]
    source: str
    licence: str
    notes: str

    @staticmethod
    def from_dict(data: dict[str, Any]) -> Card:
        """Build a card from what its JSON file holds."""
        results = tuple(
            PublishedResult(
                **{
                    **result,
                    "tables": tuple(result["tables"]),
                    "robust": {float(strength): accuracy for strength, accuracy in result["robust"].items()},
                    "robust_mean_over": None if (over := result["robust_mean_over"]) is None else tuple(over),
                }
            )
            for result in data["published"]
        )
        channels, height, width = data["image_shape"]
        return Card(**{**data, "image_shape": (channels, height, width), "published": results})
