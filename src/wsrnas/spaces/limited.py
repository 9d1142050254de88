"""A search space less the architectures that break a limit: whatever asks it for one gets one that keeps it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar, TypeAlias, final

import torch
from torch import nn

from wsrnas import rng
from wsrnas.errors import refuse
from wsrnas.estimators.loss.features import Features
from wsrnas.networks.cost import Cost
from wsrnas.spaces.base import Architecture, Decision, NetworkConfig, SearchSpace, SuperNetwork
from wsrnas.spaces.genotype import Genotype
from wsrnas.spaces.nasbench201 import NasBench201Space
from wsrnas.spaces.sampling import wanted_sample
from wsrnas.types import Choice, Encoding

Excess: TypeAlias = Callable[[Genotype], float]
"""By which factor an architecture is over its limits, less 1; 0 for one that keeps them."""


def no_limit(genotype: Genotype) -> float:
    """Every architecture keeps it."""
    return 0.0


@final
@dataclass(frozen=True, kw_only=True)
class LimitedSpace(SearchSpace):
    """`space` without the architectures whose `excess` is above 0; describes and builds them as that space does.

    * `sample` is uniform among those that keep the limits: `members` where somebody has listed them all; else the first
      of some uniform draws that does, and where they are rare the end of a long walk.
    * `mutate` and `neighbours` lead to those only; where none is a neighbour, a mutation is a sample.
    * `decode` derives the heaviest architecture that keeps the limits, see there.
    * `all_edges` is decoded likewise where a network of all edges is an architecture of the space (`none` is an
      operation); where it is not, it has no size of its own: only what is derived from it is ever built.

    Source: ours.
    """

    shares_weights: ClassVar[bool] = True
    space: SearchSpace = field(default_factory=NasBench201Space)
    excess: Excess = no_limit
    members: tuple[Genotype, ...] = field(default=(), repr=False, compare=False)

    @property
    def name(self) -> str:  # type: ignore[override]
        """The name of the whole space, which its genotypes carry."""
        return self.space.name

    @property
    def decisions(self) -> tuple[Decision, ...]:
        """The rows of H."""
        return self.space.decisions

    @property
    def features(self) -> Features:
        """What a Gaussian process sees of H."""
        return self.space.features

    @property
    def known(self) -> dict[str, Genotype]:
        """Those that keep the limits."""
        return {name: genotype for name, genotype in self.space.known.items() if self.keeps(genotype)}

    def keeps(self, genotype: Genotype) -> bool:
        """Return whether an architecture keeps the limits."""
        return self.excess(genotype) <= 0

    def sample(self, generator: torch.Generator) -> Genotype:
        """Draw uniformly among the architectures that keep the limits.

        Raises:
            InputError: none was found.
        """
        if self.members:
            return self.members[int(torch.randint(len(self.members), (1,), generator=generator))]
        found = wanted_sample(self.space, self.excess, self.keeps, generator)
        if not self.keeps(found):
            got = f"none; the nearest found is {self.excess(found):.1%} over"
            refuse("limits", expected="an architecture that keeps them all", got=got, remedy="raise one of them")
        return found

    def mutate(self, genotype: Genotype, generator: torch.Generator) -> Genotype:
        """Return one of the neighbours, drawn uniformly."""
        neighbours = self.neighbours(genotype)
        if not neighbours:
            return self.sample(generator)
        return neighbours[int(torch.randint(len(neighbours), (1,), generator=generator))]

    def neighbours(self, genotype: Genotype) -> list[Genotype]:
        """Return every genotype that differs in exactly one decision and keeps the limits."""
        return [neighbour for neighbour in self.space.neighbours(genotype) if self.keeps(neighbour)]

    def choice(self, genotype: Genotype) -> Choice:
        """Return the option taken in each decision."""
        return self.space.choice(genotype)

    def decode(self, alpha: Encoding) -> Genotype:
        """Derive the genotype with the largest weights that keeps the limits, as nearly as single decisions lead there.

        From the one that the whole space derives, the decision is changed that gives up the least weight
        Σ A[row, option] for each part of the excess it saves, until the limits are kept; then those that add weight
        within them.
        """
        one = self.space.decode(alpha)
        if self.keeps(one):
            return one
        rows = alpha.detach().masked_fill(self.padding, 0.0).double()
        while not self.keeps(one):
            over, weight = self.excess(one), self._weight(one, rows)
            near = [(other, over - self.excess(other)) for other in self.space.neighbours(one)]
            smaller = [(other, saved) for other, saved in near if saved > 0]
            if not smaller:
                return self.sample(rng.stream(0, "decode within limits"))
            one = min(smaller, key=lambda pair: (weight - self._weight(pair[0], rows)) / pair[1])[0]
        while True:
            best = max(self.neighbours(one), key=lambda other: self._weight(other, rows), default=one)
            if self._weight(best, rows) <= self._weight(one, rows) + 1e-9:
                return one
            one = best

    def _weight(self, genotype: Genotype, rows: Encoding) -> float:
        return float((self.encode(genotype) * rows).sum())

    def all_edges(self, arch_weights: Encoding) -> Architecture:
        """Return the sub-network with the heaviest option of every row, within the limits, and H itself."""
        whole = self.space.all_edges(arch_weights)
        if self.space.choice(self.space.decode(self.one_hot(whole.choice))) != whole.choice:
            return whole
        return Architecture(self.choice(self.decode(arch_weights)), whole.encoding)

    def canonical(self, genotype: Genotype) -> str:
        """Return a key shared by genotypes that compute the same function."""
        return self.space.canonical(genotype)

    def parse(self, text: str) -> Genotype:
        """Read a published description; it may be over the limits."""
        return self.space.parse(text)

    def check(self, genotype: Genotype, *, argument: str = "genotype") -> None:
        """Refuse a genotype that cannot be built, whatever its size."""
        self.space.check(genotype, argument=argument)

    def supernet(self, config: NetworkConfig) -> SuperNetwork:
        """Build the super-network of the whole space."""
        return self.space.supernet(config)

    def build(self, genotype: Genotype, config: NetworkConfig) -> nn.Module:
        """Build the stand-alone network of a genotype, whatever its size."""
        return self.space.build(genotype, config)

    def draw(self, genotype: Genotype) -> str:
        """Return the architecture as one SVG."""
        return self.space.draw(genotype)

    def parameters(self, genotype: Genotype, config: NetworkConfig) -> int:
        """Return how many weights the stand-alone network has."""
        return self.space.parameters(genotype, config)

    def cost(self, genotype: Genotype, config: NetworkConfig) -> Cost:
        """Return parameters and multiply-adds of the stand-alone network."""
        return self.space.cost(genotype, config)

    def encode(self, genotype: Genotype) -> Encoding:
        """Return H of a genotype."""
        return self.space.encode(genotype)

    def one_hot(self, choice: Choice) -> Encoding:
        """Return (E, K) with a one at each chosen option."""
        return self.space.one_hot(choice)
