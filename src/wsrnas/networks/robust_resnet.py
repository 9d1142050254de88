"""Adversarially robust residual networks: RobustResBlock and RobustScaling (Huang et al., CVPR 2023)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from wsrnas.errors import refuse
from wsrnas.networks.normalize import Normalize
from wsrnas.networks.wide_resnet import STEM_CHANNELS, initialise, stage_widths
from wsrnas.types import Images, Logits

EXPANSION, SCALES, GROUPS, SQUEEZE = 4, 8, 4, 64
SHARE = 16
"""A branch has a sixteenth of its stage's width per group: the base width of 10 in 160 channels."""


class SqueezeExcitation(nn.Module):
    """x · σ(W₂ ReLU(W₁ mean(x))), one weight a channel; the inner width is a 64th of the channels."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        inner = max(channels // SQUEEZE, 1)
        self.gate = nn.Sequential(
            nn.Linear(channels, inner, bias=False), nn.ReLU(), nn.Linear(inner, channels, bias=False), nn.Sigmoid()
        )

    def forward(self, features: Tensor) -> Tensor:
        """Return (B, channels, H, W)."""
        weights: Tensor = self.gate(features.mean(dim=(2, 3)))
        return features * weights[:, :, None, None]


class RobustResBlock(nn.Module):
    """Pre-activation bottleneck whose 3x3 convolutions are aggregated hierarchically, with a residual gate.

    z = Conv1x1(concat(y₁ … y₈)) and the output is shortcut + z + SE(BN(z)), where x₁ … x₈ are the eighths of
    ReLU(BN(Conv1x1(ReLU(BN(x))))), y_s = ReLU(BN(Conv3x3(x_s + y_{s−1}))) and y₈ = x₈. Where the block halves the
    resolution the y_{s−1} are not added and y₈ is pooled. 4 · `width` channels out.

    Differs from the released code (github.com/zhichao-lu/robust-residual-network): its first 1x1 convolution reads x
    itself, so that the BatchNorm before it acts on a changed shortcut only; the paper's block is pre-activated
    throughout. Parameters are the same. Networks narrower than 16 channels, which it cannot build, have one channel
    a group.
    """

    def __init__(self, channels_in: int, width: int, stride: int) -> None:
        super().__init__()
        branch, channels_out = max(width // SHARE, 1) * GROUPS, EXPANSION * width
        self.activate = nn.Sequential(nn.BatchNorm2d(channels_in), nn.ReLU())
        self.reduce = nn.Sequential(
            nn.Conv2d(channels_in, SCALES * branch, 1, bias=False), nn.BatchNorm2d(SCALES * branch), nn.ReLU()
        )
        self.branches = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(branch, branch, 3, stride, 1, groups=GROUPS, bias=False), nn.BatchNorm2d(branch), nn.ReLU()
            )
            for _ in range(SCALES - 1)
        )
        self.pool = nn.Identity() if stride == 1 else nn.AvgPool2d(3, stride, 1)
        self.expand = nn.Conv2d(SCALES * branch, channels_out, 1, bias=False)
        self.gate = nn.Sequential(nn.BatchNorm2d(channels_out), SqueezeExcitation(channels_out))
        same = stride == 1 and channels_in == channels_out
        self.shortcut = None if same else nn.Conv2d(channels_in, channels_out, 1, stride, bias=False)
        self.stride = stride

    def forward(self, features: Tensor) -> Tensor:
        """Return (B, 4 · width, ⌈H/stride⌉, ⌈W/stride⌉)."""
        activated = self.activate(features)
        parts = self.reduce(activated).chunk(SCALES, dim=1)
        outputs: list[Tensor] = []
        for branch, part in zip(self.branches, parts):
            outputs.append(branch(part + outputs[-1] if outputs and self.stride == 1 else part))
        mixed = self.expand(torch.cat([*outputs, self.pool(parts[-1])], dim=1))
        shortcut = features if self.shortcut is None else self.shortcut(activated)
        return mixed + shortcut + self.gate(mixed)


class RobustResNet(nn.Module):
    """3x3 stem, three stages of `RobustResBlock`s, BN-ReLU, global average, linear: images in [0,1] → logits.

    `depths` are the blocks of the stages, `channels` the width of the first, 16 · W₁; the others are in the proportion
    of the `widening` factors, 16 W₁ : 32 W₂ : 64 W₃. RobustScaling keeps depths at 2 : 2 : 1 and widening at
    2 : 2.5 : 1; A1 is (14, 14, 7) and (5, 7, 3).
    """

    def __init__(
        self,
        *,
        depths: Sequence[int] = (14, 14, 7),
        channels: int = 80,
        widening: Sequence[int] = (5, 7, 3),
        num_classes: int = 10,
        image_channels: int = 3,
        mean: Sequence[float] = (0.0,),
        std: Sequence[float] = (1.0,),
    ) -> None:
        super().__init__()
        if len(depths) != len(widening) or min(depths, default=0) < 1:
            refuse("depths", expected=f"{len(widening)} stages of at least one block", got=tuple(depths))
        self.normalize = Normalize(mean, std)
        self.stem = nn.Conv2d(image_channels, STEM_CHANNELS, 3, padding=1, bias=False)
        body: list[nn.Module] = []
        before = STEM_CHANNELS
        for stage, (depth, width) in enumerate(zip(depths, stage_widths(channels, widening))):
            for i in range(depth):
                body.append(RobustResBlock(before, width, 2 if stage and not i else 1))
                before = EXPANSION * width
        self.body = nn.Sequential(*body, nn.BatchNorm2d(before), nn.ReLU())
        self.classifier = nn.Linear(before, num_classes)
        initialise(self)

    def forward(self, images: Images) -> Logits:
        """Return logits (B, classes)."""
        return self.classifier(self.body(self.stem(self.normalize(images))).mean(dim=(2, 3)))
