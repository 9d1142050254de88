"""How right a network is at every strength, image by image."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional

from wsrnas import rng
from wsrnas.attacks.base import Attack
from wsrnas.attacks.victim import untouched
from wsrnas.data import Split
from wsrnas.runtime import Runtime
from wsrnas.runtime.processes import all_sum
from wsrnas.runtime.shares import sharing
from wsrnas.spaces.base import NetworkConfig, SearchSpace
from wsrnas.spaces.genotype import Genotype


def sees_nothing(network: nn.Module, images: Tensor) -> bool:
    """Return whether no output depends on the images: cells without a way through them are in some spaces.

    Such a network guesses; there is nothing to attack, and no gradient to attack with.
    """
    with untouched(network), torch.enable_grad():
        leaf = images[:2].detach().clone().requires_grad_(True)
        logits = network.eval()(leaf)
        if not logits.requires_grad:
            return True
        (gradient,) = torch.autograd.grad(logits.sum(), [leaf], allow_unused=True)
    return gradient is None


def blind(space: SearchSpace, genotype: Genotype, sizes: NetworkConfig) -> bool:
    """Return whether the network of a genotype sees nothing, whatever its weights."""
    with rng.fixed_global_seed(0, "blind"):
        return sees_nothing(space.build(genotype, sizes), torch.rand(2, *sizes.image_shape))


class Unmoved(nn.Module):
    """A network that sees nothing, with a gradient of 0 at the images in place of none: no attack moves them."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        """Return the network's logits."""
        logits: Tensor = self.network(images)
        return logits + 0 * images.flatten(1).sum(dim=1, keepdim=True)


def attackable(network: nn.Module, images: Tensor) -> nn.Module:
    """Return the network itself, or one with the same logits that can be attacked where it sees nothing."""
    return Unmoved(network) if sees_nothing(network, images) else network


@dataclass(frozen=True, eq=False)
class Scores:
    """Losses (1+S,) per image, index 0 clean, and whether each image is right at each strength (N, 1+S).

    An image counts at a strength only if it stayed right at every smaller one.
    """

    losses: Float[Tensor, "S"]
    right: Bool[Tensor, "N S"]

    @property
    def wide(self) -> float:
        """Return the accuracy over all strengths above 0, on average."""
        return float(self.right[:, 1:].float().mean())


def score(
    network: nn.Module,
    split: Split,
    strengths: tuple[float, ...],
    attack: Attack,
    *,
    images: int | None = None,
    batch_size: int = 256,
    runtime: Runtime,
    generator_for: Callable[[int, int], torch.Generator],
) -> Scores:
    """Attack a network in evaluation mode at every strength, on the first `images` of a split.

    `generator_for` hands out the random numbers of a batch at a strength, both by their places.
    """
    network.eval()
    wanted = len(split) if images is None else min(images, len(split))
    total, seen, right, blind = torch.zeros(1 + len(strengths)), 0, [], False
    for index, (batch, labels) in enumerate(split.batches(batch_size, device=runtime.device)):
        batch, labels = batch[: wanted - seen], labels[: wanted - seen]
        blind = blind if seen else sees_nothing(network, runtime.images(batch))
        seen += len(labels)
        with sharing(len(labels)) as share:
            batch, labels = runtime.images(share.of(batch)), share.of(labels).to(runtime.device)
            alive, columns = torch.ones_like(labels, dtype=torch.bool), []
            for place, strength in enumerate((0.0, *strengths)):
                shifted = batch
                if strength and not blind:
                    shifted = attack.at(strength).perturb(network, batch, labels, generator_for(index, place))
                with torch.no_grad():
                    logits = network(shifted).float()
                if share.counted:
                    total[place] += functional.cross_entropy(logits, labels, reduction="sum").cpu()
                alive = alive & (logits.argmax(dim=1) == labels)
                columns.append(alive)
            right.append(share.joined(torch.stack(columns, dim=1)).cpu())
        if seen >= wanted:
            break
    return Scores(all_sum(total) / seen, torch.cat(right))


def score_draws(seed: int, runtime: Runtime) -> Callable[[int, int], torch.Generator]:
    """Return the random numbers that a label of this seed is measured with."""
    return lambda index, place: rng.stream(seed, "short", "score", index, place, device=runtime.device)


def scoring_passes(images: int, strengths: int, attack: Attack) -> int:
    """Return what `score` costs: an attack and a forward pass per strength, and one for the clean images."""
    return images * (strengths * (attack.passes + 1) + 1)
