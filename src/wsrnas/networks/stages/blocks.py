"""Residual blocks of four kinds in one frame: (B, channels_in, H, W) → (B, channels, ⌈H/stride⌉, ⌈W/stride⌉).

Sizes are ceilings, so a block never leaves less than one pixel, however often the resolution was halved before.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from wsrnas.networks.stages.dense import DenseCell, DensePlan
from wsrnas.networks.stages.parts import Convolution, Part, Tally
from wsrnas.networks.stages.style import Style

KINDS = ("basic", "bottleneck", "inverted", "dense")
NARROWING, EXPANSION, SQUEEZE = 2, 4, 4


class SqueezeExcitation(nn.Module):
    """x · σ(W₂·act(W₁·mean(x))): every channel weighed by what all channels hold on average, a quarter as many between.

    Source: Hu et al., "Squeeze-and-Excitation Networks", CVPR 2018; ratio 4 as in Peng et al., BMVC 2023.
    """

    def __init__(self, channels: int, style: Style) -> None:
        super().__init__()
        between = squeezed(channels)
        self.weigh = nn.Sequential(
            nn.Linear(channels, between), style.act(), nn.Linear(between, channels), nn.Sigmoid()
        )

    def forward(self, features: Tensor) -> Tensor:
        """Return features of the same shape."""
        return features * self.weigh(features.mean(dim=(2, 3)))[:, :, None, None]


def squeezed(channels: int) -> int:
    """Return the channels between the two maps of a squeeze-and-excitation."""
    return max(channels // SQUEEZE, 1)


@dataclass(frozen=True, kw_only=True)
class Block(Part):
    """What a residual block is built from: a kind, sizes, and whether squeeze-and-excitation ends it.

    basic: k×k, k×k. bottleneck: 1×1 to half the width, k×k, 1×1; half, as in RobustResBlock (Huang et al., CVPR 2023).
    inverted: 1×1 to four times the input's width, k×k channel by channel, 1×1 (Sandler et al., CVPR 2018).
    dense: see `DenseCell`.
    """

    kind: str
    channels_in: int
    channels: int
    kernel: int
    stride: int
    squeeze: bool
    style: Style

    def build(self) -> ResidualBlock:
        """Return the block."""
        return ResidualBlock(self)

    @property
    def chain(self) -> list[Convolution]:
        """The convolutions of every kind but dense, in order."""
        before, after, kernel, stride = self.channels_in, self.channels, self.kernel, self.stride
        if self.kind == "basic":
            return [Convolution(before, after, kernel, stride), Convolution(after, after, kernel)]
        inverted = self.kind == "inverted"
        inner = EXPANSION * before if inverted else max(after // NARROWING, 1)
        spatial = Convolution(inner, inner, kernel, stride, inner if inverted else 1)
        return [Convolution(before, inner, 1), spatial, Convolution(inner, after, 1)]

    @property
    def dense(self) -> DensePlan:
        """The cell of kind dense."""
        return DensePlan(self.channels_in, self.channels, self.kernel, self.stride)

    @property
    def projection(self) -> Convolution | None:
        """The shortcut's 1×1 convolution where resolution or width change."""
        same = self.stride == 1 and self.channels_in == self.channels
        return None if same else Convolution(self.channels_in, self.channels, 1, self.stride)

    def tally(self) -> Tally:
        """Count it."""
        post, reduced = self.style.order == "post", 1
        layers: list[tuple[Convolution, int]] = []
        if self.kind == "dense":
            layers = [(layer, self.stride) for layer in (*self.dense.from_input, *self.dense.from_nodes)]
            normed = list(self.dense.widths)
        else:
            for layer in self.chain:
                reduced *= layer.stride
                layers.append((layer, reduced))
            normed = [layer.channels for layer in self.chain]
        normed = normed if post else [self.channels_in, *normed[:-1]]
        if self.projection is not None:
            layers.append((self.projection, self.stride))
            normed += [self.channels] if post else []
        between = squeezed(self.channels) if self.squeeze else 0
        return Tally(
            convolutions=tuple(layers),
            matrices=2 * self.channels * between,
            vectors=2 * sum(normed) + (self.channels + between if self.squeeze else 0),
            stride=self.stride,
        )


class ResidualBlock(nn.Module):
    """post: act(main(x) + shortcut(x)). pre: main(a) + shortcut(a) of a = act(norm(x)), or + x where the shape stays.

    In `main` there are norm and activation between two convolutions, and a norm at the end if the order is `post`. The
    shortcut is the identity or the projection, in order `post` normalised.
    """

    def __init__(self, block: Block) -> None:
        super().__init__()
        style = block.style
        self.pre = style.order == "pre"
        self.activate = nn.Sequential(style.norm(block.channels_in), style.act()) if self.pre else style.act()
        main: list[nn.Module] = []
        if block.kind == "dense":
            main = [DenseCell(block.dense, style)]
        else:
            for layer in block.chain:
                main += [layer.build(), style.norm(layer.channels), style.act()]
            main = main[:-2] if self.pre else main[:-1]
        self.main = nn.Sequential(*main, *([SqueezeExcitation(block.channels, style)] if block.squeeze else []))
        self.shortcut: nn.Module | None = None
        if block.projection is not None:
            projection = block.projection.build()
            self.shortcut = projection if self.pre else nn.Sequential(projection, style.norm(block.channels))

    def forward(self, features: Tensor) -> Tensor:
        """Return (B, channels, ⌈H/stride⌉, ⌈W/stride⌉)."""
        if self.pre:
            activated = self.activate(features)
            return self.main(activated) + (features if self.shortcut is None else self.shortcut(activated))
        return self.activate(self.main(features) + (features if self.shortcut is None else self.shortcut(features)))
