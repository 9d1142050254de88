"""What every search space offers, and the two values that travel: `Architecture` (what is searched and measured) and
`Genotype` (what is built and retrained, in `genotype.py`)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import ClassVar, NamedTuple

import torch
from jaxtyping import Bool
from torch import Tensor, nn

from wsrnas.estimators.loss.features import Features
from wsrnas.networks.cost import Cost, count_cost, count_parameters
from wsrnas.spaces.genotype import Genotype
from wsrnas.types import Choice, Encoding, Images, Logits


class Decision(NamedTuple):
    """One row of A: what is decided, and between what. In a cell space, the operation on one edge."""

    name: str
    options: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Architecture:
    """What is measured, in a super-network or alone, and what the loss estimator sees of it.

    `choice` holds one option per decision (-1: the edge is absent); `encoding` is its H of shape (E, K).
    """

    choice: Choice
    encoding: Encoding


@dataclass(frozen=True, kw_only=True)
class NetworkConfig:
    """The size of a network of a search space, and the data it reads.

    `channels` is the width of the first cell, or the unit in which a genotype of stages counts its widths. `layers` is
    the number of cells; a genotype of stages has its own depth and does not read it.
    """

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
    """A finite set of architectures, each described by E decisions between at most K options: the rows of H.

    In a cell space (`spaces.cells`) a decision is the operation on an edge, and all have the same K options. Elsewhere
    rows may have fewer: their other columns are `padding`, which stays zero in H and is never decoded.
    """

    name: ClassVar[str]
    shares_weights: ClassVar[bool] = True
    """Whether there is a super-network. Architectures of a space without one are labelled by training them alone."""

    @property
    @abstractmethod
    def decisions(self) -> tuple[Decision, ...]:
        """The rows of H."""

    @property
    @abstractmethod
    def features(self) -> Features:
        """What a Gaussian process sees of H."""

    @property
    def num_edges(self) -> int:
        """E, the rows of A."""
        return len(self.decisions)

    @property
    def num_operations(self) -> int:
        """K, the columns of A."""
        return max(len(decision.options) for decision in self.decisions)

    @property
    def padding(self) -> Bool[Tensor, "E K"]:
        """True in the columns of A that stand for no option of their row."""
        counts = torch.tensor([len(decision.options) for decision in self.decisions])
        return torch.arange(self.num_operations) >= counts[:, None]

    @abstractmethod
    def sample(self, generator: torch.Generator) -> Genotype:
        """Draw a genotype uniformly."""

    @abstractmethod
    def mutate(self, genotype: Genotype, generator: torch.Generator) -> Genotype:
        """Return a genotype that differs in one decision."""

    @abstractmethod
    def neighbours(self, genotype: Genotype) -> list[Genotype]:
        """Return every genotype that differs in exactly one decision (in a cell space: operation or connection)."""

    @abstractmethod
    def choice(self, genotype: Genotype) -> Choice:
        """Return the option taken in each decision, -1 where the genotype has no such edge."""

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
    def check(self, genotype: Genotype, *, argument: str = "genotype") -> None:
        """Refuse a genotype that cannot be built; `argument` says where it came from."""

    @abstractmethod
    def supernet(self, config: NetworkConfig) -> SuperNetwork:
        """Build the super-network; draw its weights inside `rng.fixed_global_seed`.

        Raises:
            InputError: the space has none (`shares_weights`).
        """

    @abstractmethod
    def build(self, genotype: Genotype, config: NetworkConfig) -> nn.Module:
        """Build the stand-alone network of a genotype."""

    @abstractmethod
    def draw(self, genotype: Genotype) -> str:
        """Return the architecture as one SVG."""

    @property
    def known(self) -> dict[str, Genotype]:
        """Published or otherwise remarkable architectures of the space by name."""
        return {}

    def parameters(self, genotype: Genotype, config: NetworkConfig) -> int:
        """Return how many weights the stand-alone network has, without making them."""
        with torch.device("meta"):
            return count_parameters(self.build(genotype, config))

    def cost(self, genotype: Genotype, config: NetworkConfig) -> Cost:
        """Return parameters and multiply-adds of the stand-alone network, without making its weights."""
        with torch.device("meta"):
            return count_cost(self.build(genotype, config), config.image_shape)

    def encode(self, genotype: Genotype) -> Encoding:
        """Return H of a genotype: a one-hot row per decision, zeros for an absent edge."""
        return self.one_hot(self.choice(genotype))

    def one_hot(self, choice: Choice) -> Encoding:
        """Return (E, K) with a one at each chosen option."""
        encoding = torch.zeros(self.num_edges, self.num_operations)
        for row, operation in enumerate(choice):
            if operation >= 0:
                encoding[row, operation] = 1.0
        return encoding

    def architecture(self, genotype: Genotype) -> Architecture:
        """Return a genotype as a sub-network of the super-network: what is measured is what will be built."""
        return Architecture(self.choice(genotype), self.encode(genotype))

    def all_edges(self, arch_weights: Encoding) -> Architecture:
        """Return the sub-network with the heaviest option of every row, and H itself as its encoding."""
        heaviest = arch_weights.masked_fill(self.padding, -torch.inf).argmax(dim=1)
        return Architecture(tuple(heaviest.tolist()), arch_weights.detach().clone())


def gumbel_softmax(alpha: Encoding, gumbel: Tensor, temperature: float) -> Encoding:
    """H = softmax((A + ξ)/τ), row by row (Eq. 2)."""
    return torch.softmax((alpha + gumbel) / temperature, dim=1)


def sample_gumbel(shape: tuple[int, int], generator: torch.Generator) -> Tensor:
    """ξ: independent Gumbel(0,1) noise."""
    uniform = torch.rand(shape, generator=generator).clamp_(1e-9, 1 - 1e-7)
    return -torch.log(-torch.log(uniform))
