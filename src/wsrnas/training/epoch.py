"""One epoch of training: shared by the search (on a sub-network) and by `train`."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, MutableMapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Tensor, nn

from wsrnas.errors import InputError
from wsrnas.runtime import Runtime, processes
from wsrnas.runtime.processes import all_sum_flat
from wsrnas.runtime.shares import sharing
from wsrnas.training.losses import AdversarialLoss, TrainingLoss
from wsrnas.training.perturbation import WeightPerturbation

Update: TypeAlias = tuple[Tensor, Tensor]
"""The mean loss per image of one optimiser step, and the logits that it counts accuracy with."""


@dataclass(frozen=True)
class EpochResult:
    """What an epoch measured while training, or the part of it done so far."""

    loss: float = 0.0
    accuracy: float = 0.0
    images: int = 0


class EpochSums:
    """Running sums of an epoch, kept on the device so that no step waits for it."""

    def __init__(self, device: torch.device | str = "cpu") -> None:
        self.values = torch.zeros(3, device=device)

    def add(self, loss: Tensor, logits: Tensor, labels: Tensor) -> None:
        """Count one batch: its mean loss and how many of its images were classified correctly."""
        correct = (logits.detach().argmax(dim=1) == labels).sum().to(self.values)
        self.values += torch.stack([loss.detach() * len(labels), correct, torch.full_like(correct, len(labels))])

    def whole(self) -> Tensor:
        """Return the sums over all processes, on the device."""
        return processes.all_sum(self.values)

    def result(self) -> EpochResult:
        """Return the means over all processes; waits for the device."""
        loss, correct, images = self.whole().tolist()
        return EpochResult(loss / max(images, 1), correct / max(images, 1), round(images))


def train_epoch(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    loss: TrainingLoss,
    batches: Iterable[tuple[Tensor, Tensor]],
    *,
    runtime: Runtime,
    generator_for: Callable[[int], torch.Generator],
    clip: float | None = 5.0,
    perturbation: WeightPerturbation | None = None,
    carried: MutableMapping[str, Tensor] | None = None,
    learning_rate: Callable[[int], float] | None = None,
    first_step: int = 0,
    sums: EpochSums | None = None,
    on_step: Callable[[int], None] | None = None,
) -> EpochResult:
    """Take one optimiser step per batch (images (B,C,H,W) in [0,1], labels (B,)), or as many as the loss asks for.

    `model` may be a sub-network whose weights are part of a larger `optimizer`: parameters that the batch does not
    reach keep ``grad=None``, so neither momentum nor weight decay moves them. Attacks and the loss see the bare module,
    inside the runtime's autocast. Several processes each take their rows of every batch; the step is that of the whole
    batch, and so are BatchNorm's statistics and what the attack draws.

    Args:
        generator_for: the generator of a step, so that a step draws the same whenever it runs.
        clip: largest gradient norm over the parameters of `model`; None does not clip.
        perturbation: of the weights, for an `AdversarialLoss`.
        carried: what the loss keeps from batch to batch; None starts with nothing.
        learning_rate: the rate of a step; None leaves the optimiser's.
        first_step: the number of the first batch, where earlier ones were done before a restart.
        sums: running sums to go on from.
        on_step: called after each batch with its number, to report or save.

    Returns:
        Mean loss per image, accuracy on the images trained on, and their count, over all processes.

    Raises:
        InputError: the loss is no longer finite; the remedy is a smaller learning rate.
    """
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    sums = EpochSums(runtime.device) if sums is None else sums
    carried = {} if carried is None else carried
    model.train()
    for step, (images, labels) in enumerate(batches, start=first_step):
        with sharing(len(labels)) as share:
            images, labels = runtime.images(share.of(images)), share.of(labels).to(runtime.device)
            if learning_rate is not None:
                for group in optimizer.param_groups:
                    group["lr"] = learning_rate(step)
            if perturbation is not None and isinstance(loss, AdversarialLoss):
                updates = perturbation.updates(loss, model, images, labels, generator_for(step))
            else:
                updates = loss.updates(model, images, labels, generator_for(step), carried)
            for value, logits in _inside(runtime.autocast, updates):
                optimizer.zero_grad(set_to_none=True)
                share.weighted(value).backward()
                all_sum_flat([parameter.grad for parameter in parameters if parameter.grad is not None])
                if clip is not None:
                    nn.utils.clip_grad_norm_(parameters, clip)
                optimizer.step()
                if share.counted:
                    sums.add(value, logits, labels)
        if on_step is not None:
            on_step(step)
    optimizer.zero_grad(set_to_none=True)
    result = sums.result()
    processes.together(lambda: _refuse_diverged(result.loss))
    return result


def _refuse_diverged(loss: float) -> None:
    if not math.isfinite(loss):
        raise InputError(
            f"training: the loss became {loss} within this epoch; use a smaller learning rate, a warm-up or gradient "
            "clipping"
        )


def _inside(context: Callable[[], AbstractContextManager[None]], updates: Iterator[Update]) -> Iterator[Update]:
    """Yield updates, each computed inside a context that is left before the caller goes on with it."""
    while True:
        with context():
            update = next(updates, None)
        if update is None:
            return
        yield update
