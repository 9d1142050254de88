"""Our replacement of line 25: ψ proposes the next architecture instead of nudging A."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from wsrnas.errors import refuse
from wsrnas.estimators.loss.base import LossEstimator
from wsrnas.search.objective import SearchObjective
from wsrnas.search.wsr.climb import best_reached, fresh
from wsrnas.search.wsr.known import encoding_of, neighbours_of, unseen_sample
from wsrnas.spaces.base import SearchSpace, sample_gumbel
from wsrnas.spaces.genotype import Genotype


@dataclass(frozen=True, kw_only=True)
class ProposeSettings:
    """Where candidates come from and how they are ranked.

    `samples` uniform genotypes, all neighbours of the best `parents` measured so far (at most `neighbours` of them),
    `restarts` descents of Eq. 10 through ψ from Gumbel noise, and what the best `climbs` of all these lead to over
    single changes. Ranked by the lower confidence bound
    mean − `caution`·std of the objective. A share `exploration` of the calls returns a uniform sample instead. Measured
    architectures are ordered by `trust`·label + (1−trust)·prediction of Eq. 10: 1 for exact labels; 0 for
    noisy ones where ψ is a Gaussian process, which has weighed them already.
    """

    samples: int = 256
    parents: int = 16
    neighbours: int = 400
    restarts: int = 0
    climbs: int = 4
    descent_steps: int = 10
    descent_rate: float = 0.3
    temperature: float = 1.0
    caution: float = 1.0
    exploration: float = 0.05
    trust: float = 0.5

    def __post_init__(self) -> None:
        for name in ("samples", "parents", "neighbours", "restarts", "climbs", "descent_steps"):
            if getattr(self, name) < 0:
                refuse(f"propose.{name}", expected="a number >= 0", got=getattr(self, name))
        if not 0 <= self.exploration <= 1:
            refuse("propose.exploration", expected="a share in [0,1]", got=self.exploration)
        if not 0 <= self.trust <= 1:
            refuse("propose.trust", expected="a share in [0,1]", got=self.trust)
        if not self.temperature > 0:
            refuse("propose.temperature", expected="a temperature > 0", got=self.temperature)


def descend(
    space: SearchSpace,
    estimator: LossEstimator,
    objective: SearchObjective,
    generator: torch.Generator,
    settings: ProposeSettings,
) -> list[Genotype]:
    """Descend Eq. 10 through ψ in A from `restarts` draws of Gumbel noise; return the genotypes reached."""
    if not settings.restarts:
        return []
    shape = (space.num_edges, space.num_operations)
    gumbel = torch.stack([sample_gumbel(shape, generator) for _ in range(settings.restarts)])
    gumbel = gumbel.masked_fill(space.padding, -torch.inf)
    alpha = torch.zeros_like(gumbel).requires_grad_(True)
    optimizer = torch.optim.Adam([alpha], lr=settings.descent_rate)
    for _ in range(settings.descent_steps):
        arch_weights = torch.softmax((alpha + gumbel) / settings.temperature, dim=2)
        value = objective(estimator.optimistic(arch_weights, settings.caution)).sum()
        (alpha.grad,) = torch.autograd.grad(value, [alpha])
        optimizer.step()
    return [space.decode(rows) for rows in (alpha.detach() + gumbel).unbind()]


def propose(
    space: SearchSpace,
    estimator: LossEstimator,
    objective: SearchObjective,
    seen: Container[str],
    generator: torch.Generator,
    settings: ProposeSettings,
    *,
    best: Sequence[Genotype] = (),
) -> Genotype:
    """Return the architecture ψ likes best among those not yet `seen` (canonical keys).

    `best` are measured architectures, best first; neighbours of the first `settings.parents` join the candidates.

    Source: lower confidence bound, Srinivas et al., ICML 2010; candidates near the best, White et al., AAAI 2021.
    Differs from the paper: it draws the next architecture from GumbelSoftmax(A) and moves A by one gradient step.
    """
    if float(torch.rand((), generator=generator)) < settings.exploration:
        return unseen_sample(space, seen, generator)
    near = [neighbour for parent in best[: settings.parents] for neighbour in neighbours_of(space, parent)]
    if len(near) > settings.neighbours:
        kept = torch.randperm(len(near), generator=generator)[: settings.neighbours].tolist()
        near = [near[i] for i in kept]
    drawn = (space.sample(generator) for _ in range(settings.samples))
    found = (*descend(space, estimator, objective, generator, settings), *near, *drawn)
    candidates = fresh(space, found, seen)
    if not candidates:
        return unseen_sample(space, seen, generator)

    def value_of(genotypes: Sequence[Genotype]) -> list[float]:
        with torch.no_grad():
            encodings = torch.stack([encoding_of(space, genotype) for genotype in genotypes])
            return objective(estimator.optimistic(encodings, settings.caution)).tolist()

    return best_reached(space, candidates, value_of, seen, settings.climbs)


def tempered(
    estimator: LossEstimator,
    objective: SearchObjective,
    encodings: Float[Tensor, "N E K"],
    losses: Float[Tensor, "N S"],
    trust: float,
) -> Float[Tensor, "N"]:
    """Return what measured architectures rank by, lowest first: `trust`·label + (1−trust)·prediction of Eq. 10.

    The lowest of many noisy labels is likelier lucky than good; what ψ makes of its neighbours tempers it.
    """
    if trust == 1:
        return objective(losses)
    with torch.no_grad():
        predicted = objective(estimator.predict(encodings).mean)
    return trust * objective(losses) + (1 - trust) * predicted
