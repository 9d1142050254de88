"""Residual networks (He et al., CVPR 2016) in the CIFAR form common in robustness papers and in the ImageNet form."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from wsrnas.errors import refuse
from wsrnas.networks.normalize import Normalize
from wsrnas.types import Images, Logits


def _convolution(channels_in: int, channels_out: int, kernel: int, stride: int = 1) -> list[nn.Module]:
    layer = nn.Conv2d(channels_in, channels_out, kernel, stride, kernel // 2, bias=False)
    return [layer, nn.BatchNorm2d(channels_out)]


class ResidualBlock(nn.Module):
    """ReLU(main(x) + shortcut(x)); the shortcut is a 1x1 convolution where the shape changes, else the identity."""

    def __init__(self, main: Sequence[nn.Module], channels_in: int, channels_out: int, stride: int) -> None:
        super().__init__()
        same = stride == 1 and channels_in == channels_out
        self.main = nn.Sequential(*main)
        self.shortcut = nn.Identity() if same else nn.Sequential(*_convolution(channels_in, channels_out, 1, stride))
        self.relu = nn.ReLU()

    def forward(self, features: Tensor) -> Tensor:
        """Return (B, channels_out, ⌈H/stride⌉, ⌈W/stride⌉)."""
        return self.relu(self.main(features) + self.shortcut(features))


def basic_block(channels_in: int, width: int, stride: int) -> ResidualBlock:
    """Return two 3x3 convolutions, `width` channels out."""
    main = [*_convolution(channels_in, width, 3, stride), nn.ReLU(), *_convolution(width, width, 3)]
    return ResidualBlock(main, channels_in, width, stride)


def bottleneck_block(channels_in: int, width: int, stride: int) -> ResidualBlock:
    """Return 1x1, 3x3 (which carries the stride), 1x1 convolutions, 4 · `width` channels out."""
    main = [
        *_convolution(channels_in, width, 1),
        nn.ReLU(),
        *_convolution(width, width, 3, stride),
        nn.ReLU(),
        *_convolution(width, 4 * width, 1),
    ]
    return ResidualBlock(main, channels_in, 4 * width, stride)


class ResNet(nn.Module):
    """Stem, four stages of residual blocks, global average, linear classifier: images in [0,1] → logits.

    The CIFAR stem is one 3x3 convolution without pooling, the ImageNet stem a 7x7 of stride 2 and a max-pooling.
    """

    def __init__(
        self,
        *,
        blocks: Sequence[int],
        bottleneck: bool,
        channels: int = 64,
        num_classes: int = 10,
        image_channels: int = 3,
        mean: Sequence[float] = (0.0,),
        std: Sequence[float] = (1.0,),
        stem: str = "cifar",
    ) -> None:
        super().__init__()
        if stem not in ("cifar", "imagenet"):
            refuse("stem", expected="'cifar' or 'imagenet'", got=repr(stem))
        self.normalize = Normalize(mean, std)
        if stem == "cifar":
            self.stem = nn.Sequential(*_convolution(image_channels, channels, 3), nn.ReLU())
        else:
            first = _convolution(image_channels, channels, 7, 2)
            self.stem = nn.Sequential(*first, nn.ReLU(), nn.MaxPool2d(3, 2, 1))
        make, expansion = (bottleneck_block, 4) if bottleneck else (basic_block, 1)
        body: list[nn.Module] = []
        before = channels
        for stage, count in enumerate(blocks):
            width = channels * 2**stage
            for i in range(count):
                body.append(make(before, width, 2 if stage and not i else 1))
                before = width * expansion
        self.body = nn.Sequential(*body)
        self.classifier = nn.Linear(before, num_classes)

    def forward(self, images: Images) -> Logits:
        """Return logits (B, classes)."""
        return self.classifier(self.body(self.stem(self.normalize(images))).mean(dim=(2, 3)))
