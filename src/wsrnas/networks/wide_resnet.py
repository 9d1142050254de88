"""Wide residual networks (Zagoruyko and Komodakis, BMVC 2016), without dropout, as TRADES uses them.

WRN-34-R (Huang et al., NeurIPS 2021) has the same blocks and a narrower last stage.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from wsrnas.errors import refuse
from wsrnas.networks.normalize import Normalize
from wsrnas.types import Images, Logits

STEM_CHANNELS = 16


def stage_widths(channels: int, widening: Sequence[int]) -> list[int]:
    """Return the width of every stage, in the proportion W₁ : 2 W₂ : 4 W₃, where the first is `channels`."""
    return [max(round(channels * 2**stage * factor / widening[0]), 1) for stage, factor in enumerate(widening)]


def initialise(network: nn.Module) -> None:
    """Draw the weights of every convolution as He et al. (ICCV 2015) do, by its fan-out."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")


class PreActivationBlock(nn.Module):
    """x + Conv(ReLU(BN(Conv(ReLU(BN(x)))))); where the width changes, a 1x1 convolution of the activated x is added."""

    def __init__(self, channels_in: int, channels_out: int, stride: int) -> None:
        super().__init__()
        self.activate = nn.Sequential(nn.BatchNorm2d(channels_in), nn.ReLU())
        self.main = nn.Sequential(
            nn.Conv2d(channels_in, channels_out, 3, stride, 1, bias=False),
            nn.BatchNorm2d(channels_out),
            nn.ReLU(),
            nn.Conv2d(channels_out, channels_out, 3, 1, 1, bias=False),
        )
        same = stride == 1 and channels_in == channels_out
        self.shortcut = None if same else nn.Conv2d(channels_in, channels_out, 1, stride, bias=False)

    def forward(self, features: Tensor) -> Tensor:
        """Return (B, channels_out, ⌈H/stride⌉, ⌈W/stride⌉)."""
        activated = self.activate(features)
        return self.main(activated) + (features if self.shortcut is None else self.shortcut(activated))


class WideResNet(nn.Module):
    """3x3 stem, three stages of pre-activation blocks, BN-ReLU, global average, linear: images in [0,1] → logits.

    `depth` = 6n+4 with n blocks per stage; `channels` is the width of the first stage, 16 times its widening factor,
    and the other stages follow in the proportion of the `widening` factors.
    """

    def __init__(
        self,
        *,
        depth: int = 34,
        channels: int = 160,
        widening: Sequence[int] = (10, 10, 10),
        num_classes: int = 10,
        image_channels: int = 3,
        mean: Sequence[float] = (0.0,),
        std: Sequence[float] = (1.0,),
    ) -> None:
        super().__init__()
        if depth < 10 or (depth - 4) % 6:
            refuse("layers", expected="a depth of 6n+4: 10, 16, 22, 28, 34, …", got=depth)
        self.normalize = Normalize(mean, std)
        self.stem = nn.Conv2d(image_channels, STEM_CHANNELS, 3, padding=1, bias=False)
        body: list[nn.Module] = []
        before = STEM_CHANNELS
        for stage, width in enumerate(stage_widths(channels, widening)):
            for i in range((depth - 4) // 6):
                body.append(PreActivationBlock(before, width, 2 if stage and not i else 1))
                before = width
        self.body = nn.Sequential(*body, nn.BatchNorm2d(before), nn.ReLU())
        self.classifier = nn.Linear(before, num_classes)
        initialise(self)

    def forward(self, images: Images) -> Logits:
        """Return logits (B, classes)."""
        return self.classifier(self.body(self.stem(self.normalize(images))).mean(dim=(2, 3)))
