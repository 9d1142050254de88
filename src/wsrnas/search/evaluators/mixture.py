"""Losses of the whole super-network under H, for strategies that move A by back-propagation (naive gradient, DARTS)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from wsrnas.attacks.pgd import PGD
from wsrnas.runtime import Runtime
from wsrnas.runtime.shares import sharing, spread, total
from wsrnas.search.base import Timer
from wsrnas.search.evaluators.measure import real_noises
from wsrnas.spaces.base import SuperNetwork
from wsrnas.types import Encoding, Images, Labels, Losses


class Mixture(nn.Module):
    """Eq. 2 under a fixed H, as a network that can be attacked."""

    def __init__(self, supernet: SuperNetwork, arch_weights: Encoding) -> None:
        super().__init__()
        self.supernet = supernet
        self.arch_weights = arch_weights

    def forward(self, images: Images) -> Tensor:
        """Return the logits."""
        return self.supernet.mixture(images, self.arch_weights)


def whole_mixture_losses(
    supernet: SuperNetwork,
    arch_weights: Encoding,
    images: Images,
    labels: Labels,
    strengths: Sequence[float],
    attack: PGD,
    runtime: Runtime,
    timed: Timer,
) -> Losses:
    """Attack the mixture at every strength; return the clean loss and theirs, (1+S,), differentiable in H."""
    arch_weights = spread(arch_weights)
    with sharing(len(labels)) as share:
        images, labels = runtime.images(share.of(images)), share.of(labels).to(runtime.device)
        inputs = [images]
        if strengths:
            frozen = Mixture(supernet, arch_weights.detach())
            with timed("attacks on the mixture"):
                noises = real_noises(frozen, images, labels, strengths, attack, runtime)
            inputs += [images + noise for noise in noises.unbind(1)]
        losses = [functional.cross_entropy(supernet.mixture(x, arch_weights), labels) for x in inputs]
        return total(share.weighted(torch.stack(losses)))
