"""The same work the way the released code does it: what `bench speed` compares with.

Every edge looks up the heaviest operation of its row of H at every forward pass, attacks differentiate with respect to
all weights, every strength is attacked from the beginning, images are kept channels first. Numbers are those of the
fast way up to the order of float additions.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from wsrnas.fast import use_fast_paths
from wsrnas.spaces.darts_network import DartsSuperNetwork, MixedCell
from wsrnas.types import Choice, Encoding, Images, Labels, Logits, Losses, Noises

Module = TypeVar("Module", bound=nn.Module)
Batches = Iterable[tuple[Tensor, Tensor]]


class PlainSubNetwork(nn.Module):
    """A sub-network of a DARTS super-network (a copy of it, channels first), its operations looked up at every pass.

    Differs from the released code: edges that an architecture does not have are skipped, where it has all fourteen.
    """

    def __init__(self, supernet: DartsSuperNetwork, choice: Choice, arch_weights: Encoding) -> None:
        super().__init__()
        self.supernet, self.choice, self.arch_weights = plain_copy(supernet), choice, arch_weights

    def forward(self, images: Images) -> Logits:
        """Return the logits (B, classes)."""
        whole = self.supernet
        before_last, last = whole.stem(whole.normalize(images))
        for cell in whole.cells:
            assert isinstance(cell, MixedCell)
            before_last, last = last, self._cell(cell, before_last, last)
        logits: Tensor = whole.classifier(last.mean(dim=(2, 3)))
        return logits

    def _cell(self, cell: MixedCell, before_last: Tensor, last: Tensor) -> Tensor:
        first = self.supernet.rows if cell.reduction else 0
        nodes = {i: layer(features) for i, (layer, features) in enumerate(zip(cell.preprocess, (before_last, last)))}
        for row, (source, target) in enumerate(cell.wiring):
            heaviest = int(self.arch_weights[first + row].argmax())
            if self.choice[first + row] < 0:
                continue
            candidates = cell.edges[row]
            assert isinstance(candidates, nn.ModuleList)
            output = candidates[heaviest](nodes[source])
            nodes[target] = nodes[target] + output if target in nodes else output
        empty = torch.zeros_like(next(iter(nodes[i] for i in cell.nodes if i in nodes)))
        return torch.cat([nodes.get(i, empty) for i in cell.nodes], dim=1)


def plain_copy(network: Module) -> Module:
    """Return a copy with every fast path closed and channels first."""
    copied = copy.deepcopy(network)
    use_fast_paths(copied, False)
    for tensor in (*copied.parameters(), *copied.buffers()):
        tensor.data = tensor.data.contiguous()
    return copied


def pgd(model: nn.Module, images: Images, labels: Labels, eps: float, steps: int, step_size: float | None) -> Images:
    """Return PGD's images from the clean ones, every step a backward pass through all weights."""
    size = 2.5 * eps / steps if step_size is None else step_size
    current = images.clone()
    for _ in range(steps):
        current = current.detach().requires_grad_(True)
        model.zero_grad()
        functional.cross_entropy(model(current), labels, reduction="sum").backward()
        assert current.grad is not None
        moved = current.detach() + size * current.grad.sign()
        current = torch.min(torch.max(moved, images - eps), images + eps).clamp(0.0, 1.0)
    model.zero_grad()
    return current.detach()


def train(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    batches: Batches,
    *,
    eps: float,
    steps: int,
    step_size: float | None,
    clip: float | None,
    attack_mode: str = "train",
) -> None:
    """Train adversarially on the batches."""
    for images, labels in batches:
        model.train(attack_mode == "train")
        adversarial = pgd(model, images, labels, eps, steps, step_size)
        model.train()
        optimizer.zero_grad()
        loss = functional.cross_entropy(model(adversarial), labels)
        loss.backward()
        if clip is not None:
            nn.utils.clip_grad_norm_(model.parameters(), clip)
        optimizer.step()


def noises(
    model: nn.Module, images: Images, labels: Labels, strengths: Sequence[float], steps: int, ratio: float | None
) -> Noises:
    """Return δ_ε of every strength, (B,N,C,H,W), one attack after another; a step is `ratio` of the strength."""
    moved = [
        pgd(model, images, labels, eps, steps, None if ratio is None else ratio * eps) - images for eps in strengths
    ]
    return torch.stack(moved, dim=1)


@torch.no_grad()
def losses(model: nn.Module, images: Images, labels: Labels, noise: Noises) -> Losses:
    """Return Σ cross-entropy of the clean images and of every noise, (1+S,)."""
    shifted = [images, *(images + one for one in noise.unbind(1))]
    return torch.stack([functional.cross_entropy(model(one), labels, reduction="sum") for one in shifted])
