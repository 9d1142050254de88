"""What is known about a published model: how it is built, how large it is, what was reported about it and by whom."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from wsrnas.types import format_strength, parse_strength
from wsrnas.weights import shipped

Family = Literal["cells", "robnet", "resnet", "wide-resnet", "robust-resnet", "search"]
Status = Literal["published", "inferred", "unpublished"]
Source = Literal["own", "authors", "copied"]
"""Who measured a published number: we, the authors of the paper that prints it, or another paper that it copied."""


@dataclass(frozen=True, kw_only=True)
class PublishedResult:
    """Percentages printed in a paper for one training of a model; None where it prints a dash.

    `paper` printed them, those of Cheng et al. in line `row` of its `tables`. `robust` maps a strength (L∞, pixels in
    [0,1]) to the accuracy under `attack`; `robust_mean` is over `robust_mean_over`. `fgsm` comes without a strength in
    the paper. `measured_by` says in words who measured, `source` in one of three.
    """

    paper: str
    tables: tuple[int, ...]
    row: int | None
    data: str
    training: str
    attack: str
    natural: float
    fgsm: float | None
    robust: dict[float, float]
    robust_mean: float | None
    robust_mean_over: tuple[float, ...] | None
    source: Source
    measured_by: str

    @staticmethod
    def from_dict(data: dict[str, Any]) -> PublishedResult:
        """Read one entry of a card; strengths may be written `8/255`."""
        over = data["robust_mean_over"]
        read = {
            "tables": tuple(data["tables"]),
            "robust": {parse_strength(strength): accuracy for strength, accuracy in data["robust"].items()},
            "robust_mean_over": None if over is None else tuple(over),
        }
        return PublishedResult(**{**data, **read})


@dataclass(frozen=True, kw_only=True)
class SearchCost:
    """What Table 3 prints about the search that a model comes from.

    (N1, N2) are `attacked` and `estimated` strengths; `printed` is in GPU days, `gpu_days` the same as a number where
    it is one; `extrapolated` where the paper did not run the search.
    """

    table: int
    row: int
    attacked: int | None
    estimated: int | None
    gpu_days: float | None
    printed: str
    extrapolated: bool
    source: Source


@dataclass(frozen=True, kw_only=True)
class Card:
    """One model of the zoo.

    `status` is published, inferred (which cell or which width the paper used is a guess, see `notes`), or unpublished
    (`architecture` is None and the model cannot be built); `search` is then, and for some others too, the command that
    makes such a one. A card of family `search` is a method that the paper names for its cost alone.

    `channels` is the width of the first cell or stage, `layers` the number of cells or the depth, `drop_path` the
    probability in the training its numbers are from. `parameters` are counted on the network built with the card's own
    settings; `parameters_millions_paper` is what the paper prints. Weights come with few: see `weights`.
    """

    name: str
    title: str
    aliases: tuple[str, ...]
    family: Family
    status: Status
    architecture: dict[str, Any] | None
    channels: int | None
    layers: int | None
    stem: str
    drop_path: float | None
    num_classes: int
    image_shape: tuple[int, int, int]
    parameters: int | None
    parameters_millions_paper: float | None
    published: tuple[PublishedResult, ...]
    search_cost: SearchCost | None
    search: str | None
    source: str
    licence: str
    notes: str

    @property
    def parameters_millions(self) -> float | None:
        """`parameters` in millions, to four decimals."""
        return None if self.parameters is None else round(self.parameters / 1e6, 4)

    @property
    def tables(self) -> tuple[int, ...]:
        """The tables of Cheng et al. that print something about the model."""
        found = {table for result in self.published for table in result.tables}
        return tuple(sorted(found | ({self.search_cost.table} if self.search_cost else set())))

    def to_dict(self) -> dict[str, Any]:
        """Return the card as JSON: what its file holds, with `parameters_millions`, `tables` and `weights`.

        The last are the names of trained networks of it that come with wsrnas, None where there are none.
        """
        data = asdict(self)
        for result in data["published"]:
            result["robust"] = {format_strength(strength): value for strength, value in result["robust"].items()}
        return {
            **data,
            "parameters_millions": self.parameters_millions,
            "tables": list(self.tables),
            "weights": list(shipped(self.name)) or None,
        }

    @staticmethod
    def from_dict(data: dict[str, Any]) -> Card:
        """Build a card from what its JSON file holds."""
        channels, height, width = data["image_shape"]
        read = {
            "aliases": tuple(data["aliases"]),
            "image_shape": (channels, height, width),
            "published": tuple(PublishedResult.from_dict(result) for result in data["published"]),
            "search_cost": None if data["search_cost"] is None else SearchCost(**data["search_cost"]),
        }
        return Card(**{**data, **read})
