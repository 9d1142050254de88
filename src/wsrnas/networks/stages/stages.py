"""Whole networks: a stem, residual blocks in stages of one width and resolution, a linear classifier.

Source: the form of AnyNet, Radosavovic et al., "Designing Network Design Spaces", CVPR 2020.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from operator import mul

from torch import Tensor, nn
from torch.nn import functional

from wsrnas.networks.normalize import Normalize
from wsrnas.networks.stages.blocks import Block
from wsrnas.networks.stages.parts import Convolution, Part, Tally
from wsrnas.networks.stages.style import Style
from wsrnas.types import Images, Logits

STEMS = ("plain", "convolutional", "patchify")


class Patchify(nn.Module):
    """Cut the image into patches and map each linearly; what is missing at the right and lower edge is zero."""

    def __init__(self, layer: Convolution) -> None:
        super().__init__()
        self.size = layer.kernel
        self.convolve = nn.Conv2d(layer.channels_in, layer.channels, layer.kernel, layer.stride, bias=False)

    def forward(self, images: Tensor) -> Tensor:
        """Return (B, channels, ⌈H/size⌉, ⌈W/size⌉)."""
        height, width = (-side % self.size for side in images.shape[2:])
        return self.convolve(functional.pad(images, (0, width, 0, height)) if height or width else images)


@dataclass(frozen=True, kw_only=True)
class Stem(Part):
    """What reads the image: (B, channels_in, H, W) → (B, channels, H, W); a `large` image comes out at a quarter.

    plain: one 3×3 convolution; if large 7×7 and max-pooling (He et al., CVPR 2016). convolutional: three 3×3
    convolutions (Xiao et al., "Early Convolutions Help Transformers See Better", NeurIPS 2021). patchify: patches of
    2×2 pixels, which halves the resolution, or 4×4, each mapped by itself (Dosovitskiy et al., ICLR 2021).
    """

    kind: str
    channels_in: int
    channels: int
    large: bool
    style: Style

    def build(self) -> nn.Sequential:
        """Return the stem; in order `pre` its last convolution stands bare, for the first block begins with a norm."""
        made: list[nn.Module] = []
        for layer in self.layers:
            made += [Patchify(layer) if self.kind == "patchify" else layer.build()]
            made += [self.style.norm(self.channels), self.style.act()]
        if self.style.order == "pre":
            made = made[:-2]
        return nn.Sequential(*made, *([nn.MaxPool2d(3, 2, 1)] if self._pools else []))

    @property
    def layers(self) -> list[Convolution]:
        """The convolutions in order."""
        if self.kind == "patchify":
            size = 4 if self.large else 2
            return [Convolution(self.channels_in, self.channels, size, size)]
        stride = 2 if self.large else 1
        if self.kind == "plain":
            return [Convolution(self.channels_in, self.channels, 7 if self.large else 3, stride)]
        second, third = (
            Convolution(self.channels, self.channels, 3, stride),
            Convolution(self.channels, self.channels, 3),
        )
        return [Convolution(self.channels_in, self.channels, 3, stride), second, third]

    @property
    def _pools(self) -> bool:
        return self.kind == "plain" and self.large

    def tally(self) -> Tally:
        """Count it."""
        strides = list(accumulate((layer.stride for layer in self.layers), mul))
        norms = len(self.layers) - (self.style.order == "pre")
        return Tally(
            convolutions=tuple(zip(self.layers, strides)),
            vectors=2 * norms * self.channels,
            stride=strides[-1] * (2 if self._pools else 1),
        )


class Classifier(nn.Module):
    """Global average and linear map; in order `pre`, normalisation and activation before them."""

    def __init__(self, channels: int, num_classes: int, style: Style) -> None:
        super().__init__()
        self.last = nn.Sequential(*([style.norm(channels), style.act()] if style.order == "pre" else []))
        self.linear = nn.Linear(channels, num_classes)

    def forward(self, features: Tensor) -> Logits:
        """Return logits (B, classes)."""
        return self.linear(self.last(features).mean(dim=(2, 3)))


@dataclass(frozen=True, kw_only=True)
class Head(Part):
    """What makes logits of the last features."""

    channels: int
    num_classes: int
    style: Style

    def build(self) -> Classifier:
        """Return it."""
        return Classifier(self.channels, self.num_classes, self.style)

    def tally(self) -> Tally:
        """Count it."""
        norm = 2 * self.channels if self.style.order == "pre" else 0
        return Tally(matrices=self.channels * self.num_classes, vectors=norm + self.num_classes)


class StageNetwork(nn.Module):
    """Normalisation, stem, blocks, classifier: images in [0,1] → logits. Nothing depends on a value of an image."""

    def __init__(
        self,
        stem: Stem,
        blocks: Sequence[Block],
        head: Head,
        *,
        mean: Sequence[float] = (0.0,),
        std: Sequence[float] = (1.0,),
    ) -> None:
        super().__init__()
        self.normalize = Normalize(mean, std)
        self.stem = stem.build()
        self.blocks = nn.Sequential(*(block.build() for block in blocks))
        self.head = head.build()
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                height, width = module.kernel_size
                fan_out = height * width * module.out_channels // module.groups
                nn.init.normal_(module.weight, std=math.sqrt(2 / fan_out))

    def forward(self, images: Images) -> Logits:
        """Return logits (B, classes)."""
        return self.head(self.blocks(self.stem(self.normalize(images))))
