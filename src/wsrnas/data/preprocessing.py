"""How pictures become pixels for a network: the same in training, evaluation, prediction and every exported file."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from wsrnas.data.config import DataConfig
from wsrnas.errors import refuse
from wsrnas.typed import check_fields, finite, with_numbers


@dataclass(frozen=True, kw_only=True)
class Preprocessing:
    """What happens between an upright picture and a network's pixels (C,H,W).

    Pictures are always turned as their EXIF orientation says; normalisation is the network's first layer.

    Args:
        resize: the centre square is scaled to the network's size, bilinear; without, another size is refused.
        convert: colour is reduced to luma or grey repeated; without, pictures of another kind are refused.
        kept_share: share of the centre square's side that is kept when resizing.
    """

    resize: bool = False
    convert: bool = False
    kept_share: float = 1.0

    @staticmethod
    def of(config: DataConfig) -> Preprocessing:
        """Return what a data set's settings ask for."""
        return Preprocessing(
            resize=config.size is not None,
            convert=config.wanted_channels is not None,
            kept_share=config.kept_share,
        )

    @staticmethod
    def from_dict(values: Any, *, source: str, remedy: str) -> Preprocessing:
        """Read what `to_dict` returned; what is not said is not done.

        Raises:
            InputError: no mapping, an unknown field, or a value of another kind.
        """
        if not isinstance(values, dict):
            refuse(source, expected="a mapping", got=type(values).__name__, remedy=remedy)
        check_fields(values, Preprocessing, source=source, remedy=remedy)
        known = set(asdict(Preprocessing()))
        if unknown := sorted(set(values) - known):
            refuse(source, expected=f"among {', '.join(sorted(known))}", got=", ".join(unknown), remedy=remedy)
        share = values.get("kept_share", 1.0)
        if not finite((share,)) or not 0 < share <= 1:
            refuse(f"{source}: kept_share", expected="a share in (0,1]", got=share, remedy=remedy)
        return Preprocessing(**with_numbers(values, Preprocessing))

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)
