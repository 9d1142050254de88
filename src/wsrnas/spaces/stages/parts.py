"""From a genotype of stages to the parts its network is built from."""

from __future__ import annotations

from wsrnas.errors import refuse
from wsrnas.networks.stages.blocks import Block
from wsrnas.networks.stages.stages import Head, Stem
from wsrnas.networks.stages.style import Style
from wsrnas.spaces.base import NetworkConfig
from wsrnas.spaces.stages.genotype import StageGenotype


def parts_of(genotype: StageGenotype, config: NetworkConfig) -> tuple[Stem, list[Block], Head]:
    """Return stem, blocks and head; the stem is `config.channels` wide, a stage that many times its own width."""
    if config.stem not in ("cifar", "imagenet"):
        refuse("stem", expected="'cifar' or 'imagenet'", got=repr(config.stem))
    style = Style(activation=genotype.activation, normalisation=genotype.normalisation, order=genotype.order)
    stem = Stem(
        kind=genotype.stem,
        channels_in=config.image_shape[0],
        channels=config.channels,
        large=config.stem == "imagenet",
        style=style,
    )
    blocks: list[Block] = []
    before = config.channels
    for stage in genotype.stages:
        for place in range(stage.depth):
            block = Block(
                kind=stage.block,
                channels_in=before,
                channels=stage.width * config.channels,
                kernel=stage.kernel,
                stride=1 if place else stage.stride,
                squeeze=stage.squeeze,
                style=style,
            )
            blocks.append(block)
            before = block.channels
    return stem, blocks, Head(channels=before, num_classes=config.num_classes, style=style)
