"""Whether what was exported is the network that it was made from: on logits, and under attack."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import nn

from wsrnas.attacks import PGD, Square
from wsrnas.attacks.victim import own_copy
from wsrnas.errors import refuse
from wsrnas.rng import stream
from wsrnas.types import Images, Labels, format_strength

BATCHES = (1, 7)
"""Batch sizes that are tried, beside all images at once."""
LOGITS = 1e-3
"""Largest difference of logits, as a share of their standard deviation."""
BLACK_BOX_IMAGES = 16
MOST = 0.5
WHITE = 0.01
BLACK = 0.1
"""Differences of accuracy that float error may make: one image, or this share of them."""


@dataclass(frozen=True, kw_only=True)
class Pair:
    """How many of `images` the original and the export get right, and on how many they say the same."""

    original: int
    export: int
    agree: int
    images: int

    def apart(self, share: float, *, one_by_one: bool = False) -> bool:
        """Return whether they differ by more than one image or a share of them; in accuracy, or image by image."""
        differ = self.images - self.agree if one_by_one else abs(self.original - self.export)
        return differ > max(1, share * self.images)

    def __str__(self) -> str:
        return f"{self.original / self.images:.1%} and {self.export / self.images:.1%} of {self.images} images"


@dataclass(frozen=True, kw_only=True)
class Parity:
    """What was compared: `logits` is the largest difference as a share of their spread.

    `white` scores both on images that PGD made on the original; `black` lets Square attack each on its own.
    """

    strength: float
    logits: float
    clean: Pair
    white: Pair
    black: Pair
    labelled: bool

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)

    def refuse_difference(self, name: str) -> None:
        """Refuse an export that is another network, with the numbers."""
        broken = (
            not self.logits <= LOGITS
            or self.clean.apart(WHITE, one_by_one=True)
            or self.white.apart(WHITE, one_by_one=True)
            or self.black.apart(BLACK)
        )  # fmt: skip
        if broken:
            remedy = "nothing was written; try another --format, or another version of torch"
            refuse("export", expected=f"a {name} file that is the network it was made from", got=str(self),
                   remedy=remedy)  # fmt: skip

    def __str__(self) -> str:
        what = "accuracy" if self.labelled else "agreement with the original's own answers"
        return (
            f"logits differ by {self.logits:.1e} of their spread; {what} of original and export: clean {self.clean}, "
            f"PGD on the original at {format_strength(self.strength)} {self.white}, Square on each {self.black}"
        )


def parity(
    original: nn.Module, exported: nn.Module, images: Images, labels: Labels | None, *, strength: float
) -> Parity:
    """Compare an export with its original on images (B,C,H,W), clean and under attack.

    Args:
        labels: true classes (B,); None takes the original's own answers, so that accuracy is agreement.
        strength: L∞ radius of the attacks; doubled, up to 1/2, while PGD breaks no image: that would compare nothing.
    """
    with torch.no_grad():
        expected = original(own_copy(images))
        right = expected.argmax(1) if labels is None else labels
        found = [exported(own_copy(images))]
        found += [torch.cat([exported(piece) for piece in own_copy(images).split(size)]) for size in BATCHES]
    spread = expected.std().clamp_min(1e-12)
    apart = max(float((one - expected).abs().max() / spread) for one in found)
    clean = _pair(original, exported, images, images, right)
    while True:
        moved = PGD(eps=strength, steps=10)(original, images, right, stream(0, "export", "pgd"))
        white = _pair(original, exported, moved, moved, right)
        if white.original < clean.original or 2 * strength > MOST:
            break
        strength *= 2
    few, few_right = images[:BLACK_BOX_IMAGES], right[:BLACK_BOX_IMAGES]
    square = Square(eps=strength, queries=50)
    black = [square(one, few, few_right, stream(0, "export", "square")) for one in (original, exported)]
    return Parity(
        strength=strength,
        logits=apart if apart == apart else float("inf"),
        clean=clean,
        white=white,
        black=_pair(original, exported, black[0], black[1], few_right),
        labelled=labels is not None,
    )


@torch.no_grad()
def _pair(original: nn.Module, exported: nn.Module, one: Images, other: Images, labels: Labels) -> Pair:
    """Return what the original says of `one` and the export of `other`."""
    said, told = original(own_copy(one)).argmax(1), exported(own_copy(other)).argmax(1)
    right, too = int((said == labels).sum()), int((told == labels).sum())
    return Pair(original=right, export=too, agree=int((said == told).sum()), images=len(labels))
