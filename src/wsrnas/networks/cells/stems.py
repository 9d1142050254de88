"""The layers before the first cell; each stem returns the two feature maps the first cell reads."""

from __future__ import annotations

from torch import Tensor, nn

from wsrnas.errors import nearest, refuse
from wsrnas.networks.cells.operations import BatchNorm


class Stem(nn.Module):
    """What comes before the first cell.

    `channels` are those of its two outputs, `reduces` says whether the second has half the resolution of the first.
    """

    channels: tuple[int, int]
    reduces: bool


class CifarStem(Stem):
    """One 3x3 convolution to `multiplier` times the width of the first cell; both outputs are the same tensor."""

    def __init__(self, channels_in: int, channels: int, batch_norm: BatchNorm, *, multiplier: int = 3) -> None:
        super().__init__()
        self.channels, self.reduces = (multiplier * channels, multiplier * channels), False
        self.layers = nn.Sequential(
            nn.Conv2d(channels_in, multiplier * channels, 3, padding=1, bias=False), batch_norm(multiplier * channels)
        )

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return the same feature map twice, (B, multiplier · channels, H, W)."""
        features = self.layers(images)
        return features, features


class ImageNetStem(Stem):
    """Three 3x3 convolutions of stride 2; the first cell sees a quarter and an eighth of the resolution."""

    def __init__(self, channels_in: int, channels: int, batch_norm: BatchNorm) -> None:
        super().__init__()
        self.channels, self.reduces = (channels, channels), True
        self.first = nn.Sequential(
            nn.Conv2d(channels_in, channels // 2, 3, stride=2, padding=1, bias=False),
            batch_norm(channels // 2),
            nn.ReLU(),
            nn.Conv2d(channels // 2, channels, 3, stride=2, padding=1, bias=False),
            batch_norm(channels),
        )
        self.second = nn.Sequential(
            nn.ReLU(), nn.Conv2d(channels, channels, 3, stride=2, padding=1, bias=False), batch_norm(channels)
        )

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return (B, channels, H/4, W/4) and (B, channels, H/8, W/8)."""
        first = self.first(images)
        return first, self.second(first)


def make_stem(name: str, channels_in: int, channels: int, batch_norm: BatchNorm) -> Stem:
    """Build a stem by name, `cifar` or `imagenet`."""
    if name == "cifar":
        return CifarStem(channels_in, channels, batch_norm)
    if name == "imagenet":
        return ImageNetStem(channels_in, channels, batch_norm)
    refuse("stem", expected="'cifar' or 'imagenet'", got=repr(name), remedy=nearest(name, ("cifar", "imagenet")))
