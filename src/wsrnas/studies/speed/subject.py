"""What is timed: a super-network of a recipe's size, made images, one architecture, the fast and the plain way."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn

from wsrnas import rng
from wsrnas.configure import configured
from wsrnas.data import DataBundle
from wsrnas.data.memory import MemorySplit
from wsrnas.data.split import Split
from wsrnas.errors import refuse
from wsrnas.networks.cost import count_multiply_adds
from wsrnas.runtime import Runtime
from wsrnas.search.config import SearchConfig
from wsrnas.search.evaluators.one_shot import OneShot
from wsrnas.search.setup import network_config
from wsrnas.spaces.base import Architecture
from wsrnas.spaces.darts_network import DartsSuperNetwork
from wsrnas.studies.speed.plain import PlainSubNetwork

SHAPES = {"digits": (1, 8, 8)}
CLASSES = 10


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A search of the recipe's size whose epochs and measurements are `batches` batches of made images.

    Pixels are random: times do not depend on what the images show. Reading and augmenting data is not timed.
    """

    config: SearchConfig
    data: DataBundle
    runtime: Runtime

    @classmethod
    def of(cls, recipe: str, *, device: str, batches: int, settings: dict[str, Any] | None = None) -> Subject:
        """Return the subject of a search recipe.

        Raises:
            InputError: an unknown recipe, or one of another space than darts, which the plain way is written for.
        """
        config = configured(SearchConfig, "search", recipe, settings or {})
        if config.space.name != "darts":
            refuse("--recipe", expected="a search over the space darts", got=config.space.name)
        train, measure = config.training.batch_size, config.measure.batch_size
        noise = replace(config.noise_estimator, batches=batches, fidelity_every=10**9)
        config = replace(
            config,
            training=replace(config.training, images=batches * train),
            measure=replace(config.measure, images=batches * measure),
            noise_estimator=noise,
            runtime=replace(config.runtime, device=device),
        )
        size = config.data.image_size or 32
        shape = SHAPES.get(config.data.name, (3, size, size))
        data = made_data(shape, batches * max(train, measure))
        return cls(config=config, data=data, runtime=Runtime(config.runtime))

    @cached_property
    def evaluator(self) -> OneShot:
        """The fast way, with weights of its own."""
        return OneShot(self.config, self.data, self.runtime, timer=lambda phase: nullcontext())

    @cached_property
    def architecture(self) -> Architecture:
        """A sampled architecture, as the recipe's preset samples: genotype-shaped, or all edges of a cell."""
        space, generator = self.evaluator.space, rng.stream(self.config.seed, "speed")
        if self.config.strategy.settings.get("sampling") == "all-edges":
            return space.all_edges(torch.rand(space.num_edges, space.num_operations, generator=generator))
        return space.architecture(space.sample(generator))

    @cached_property
    def fast(self) -> nn.Module:
        """The sub-network, resolved once."""
        return self.evaluator.supernet.at(self.architecture.choice)

    @cached_property
    def plain(self) -> PlainSubNetwork:
        """The same sub-network with the same weights, the plain way."""
        supernet = self.evaluator.supernet
        assert isinstance(supernet, DartsSuperNetwork)
        return PlainSubNetwork(supernet, self.architecture.choice, self.architecture.encoding)

    @cached_property
    def multiply_adds(self) -> int:
        """Multiply-adds of a forward pass of one image through the sub-network."""
        return count_multiply_adds(self.fast, self.data.image_shape)

    @property
    def batch(self) -> tuple[Tensor, Tensor]:
        """One batch of training size on the device, channels first."""
        images, labels = next(self._batches(self.data.train, self.config.training.batch_size))
        return images, labels

    def training_batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Return what one training takes."""
        return self._batches(self.data.train, self.config.training.batch_size)

    def valid_batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Return what one measurement takes."""
        return self._batches(self.data.valid, self.config.measure.batch_size)

    def _batches(self, split: Split, size: int) -> Iterator[tuple[Tensor, Tensor]]:
        return split.batches(size, device=self.runtime.device)

    def alone(self) -> nn.Module:
        """Return the stand-alone network of a sampled genotype, not prepared."""
        space = self.evaluator.space
        with rng.fixed_global_seed(self.config.seed, "speed", "alone"):
            genotype = space.sample(rng.stream(self.config.seed, "speed", "alone"))
            return space.build(genotype, network_config(self.config, self.data))


def made_data(shape: tuple[int, int, int], images: int) -> DataBundle:
    """Return random pixels and labels: as many images in each part."""

    def part(name: str) -> Split:
        generator = rng.stream(0, "speed", name)
        pixels = torch.randint(0, 256, (images, *shape), generator=generator, dtype=torch.uint8)
        labels = torch.randint(0, CLASSES, (images,), generator=generator)
        return MemorySplit(pixels, labels, torch.arange(images))

    names = tuple(str(label) for label in range(CLASSES))
    return DataBundle(
        name="made", class_names=names, class_order="by number", image_shape=shape, augment=None, load_part=part
    )
