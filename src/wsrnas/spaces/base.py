"""What every search space offers, and the two values that travel: `Architecture` (inside the super-network) and
`Genotype` (what is built and retrained, in `genotype.py`)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from wsrnas.spaces.genotype import Genotype
from wsrnas.types import Choice, Encoding, Images, Logits


class Edge(NamedTuple):
    """One row of A: the edge from node `source` to node `target` of a cell (0 and 1 are a DARTS cell's inputs)."""

    cell: str
    source: int
    target: int


@dataclass(frozen=True, eq=False)
class Architecture:
    """A sub-network of the super-network and what the loss estimator sees of it.

    `choice` holds one operation index per edge (-1: the edge is absent); `encoding` is its H of shape (E, K).
    """

    choice: Choice
    encoding: Encoding


@dataclass(frozen=True, kw_only=True)
class NetworkConfig:
    """The size of a network built from a cell space, and the data it reads."""

    channels: int
    layers: int
    num_classes: int
    image_shape: tuple[int, int, int]
    mean: tuple[float, ...] = field(default=(0.0,))
    std: tuple[float, ...] = field(default=(1.0,))
    stem: str = "cifar"  # cifar | imagenet


class SuperNetwork(nn.Module, ABC):
    """Weights shared by all architectures of a space.

    BatchNorm uses the statistics of the batch and keeps no running averages, so the network attacked and the network
    measured are the same, and train/eval mode make no difference.
    """

    @abstractmethod
    def at(self, choice: Choice) -> nn.Module:
        """Return the network (images → logits) that runs only the chosen operations; resolved here, once.

        Its parameters are the shared ones; `parameters()` yields only those the choice uses.
        """

    @abstractmethod
    def mixture(self, images: Images, arch_weights: Encoding) -> Logits:
        """Eq. 2: every edge sums all K operations weighted by its row of H; differentiable in `arch_weights`."""


class SearchSpace(ABC):
    """A finite set of architectures described by E edges with K candidate operations each."""

    name: ClassVar[str]
    operations: tuple[str, ...]
    edges: tuple[Edge, ...]

    @property
    @abstractmethod
    def outputs(self) -> dict[str, tuple[int, ...]]:
        """The nodes that make up the output of each cell."""

    @property
    def num_edges(self) -> int:
        """E, the rows of A."""
        return len(self.edges)

    @property
    def num_operations(self) -> int:
        """K, the columns of A."""
        return len(self.operations)

    @abstractmethod
    def sample(self, generator: torch.Generator) -> Genotype:
        """Draw a genotype uniformly."""

    @abstractmethod
    def mutate(self, genotype: Genotype, generator: torch.Generator) -> Genotype:
        """Return a genotype that differs in one operation or one connection."""

    @abstractmethod
    def neighbours(self, genotype: Genotype) -> list[Genotype]:
        """Return every genotype that differs in exactly one operation or one connection."""

    @abstractmethod
    def choice(self, genotype: Genotype) -> Choice:
        """Return the operation on each edge, -1 where the genotype has no edge."""

    @abstractmethod
    def decode(self, alpha: Encoding) -> Genotype:
        """Derive the genotype with the largest weights (DARTS rule: per node the best two edges, no `none`)."""

    @abstractmethod
    def canonical(self, genotype: Genotype) -> str:
        """Return a key shared by genotypes that compute the same function."""

    @abstractmethod
    def parse(self, text: str) -> Genotype:
        """Read a published description of an architecture safely (never evaluated as code)."""

    @abstractmethod
    def supernet(self, config: NetworkConfig) -> SuperNetwork:
        """Build the super-network; draw its weights inside `rng.fixed_global_seed`."""

    @abstractmethod
    def build(self, genotype: Genotype, config: NetworkConfig) -> nn.Module:
        """Build the stand-alone network of a genotype."""

    @abstractmethod
    def draw(self, genotype: Genotype) -> str:
        """Return the cell or cells as one SVG."""

    def encode(self, genotype: Genotype) -> Encoding:
        """Return H of a genotype: a one-hot row per present edge, zeros elsewhere."""
        return self.one_hot(self.choice(genotype))

    def one_hot(self, choice: Choice) -> Encoding:
        """Return (E, K) with a one at each chosen operation."""
        encoding = torch.zeros(self.num_edges, self.num_operations)
        for row, operation in enumerate(choice):
            if operation >= 0:
                encoding[row, operation] = 1.0
        return encoding

    def architecture(self, genotype: Genotype) -> Architecture:
        """Return a genotype as a sub-network of the super-network: what is measured is what will be built."""
        return Architecture(self.choice(genotype), self.encode(genotype))

    def all_edges(self, arch_weights: Encoding) -> Architecture:
        """Return the sub-network with the heaviest operation on every edge, and H itself as its encoding."""
        return Architecture(tuple(int(k) for k in arch_weights.argmax(dim=1)), arch_weights.detach().clone())


def gumbel_softmax(alpha: Encoding, gumbel: Tensor, temperature: float) -> Encoding:
    """H = softmax((A + ξ)/τ), row by row (Eq. 2)."""
    return torch.softmax((alpha + gumbel) / temperature, dim=1)


def sample_gumbel(shape: tuple[int, int], generator: torch.Generator) -> Tensor:
    """ξ: independent Gumbel(0,1) noise."""
    uniform = torch.rand(shape, generator=generator).clamp_(1e-9, 1 - 1e-7)
    return -torch.log(-torch.log(uniform))
