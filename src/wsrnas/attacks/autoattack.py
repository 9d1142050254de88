"""AutoAttack, the standard ensemble, through the pyautoattack library."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import ClassVar, final

import torch
from torch import Tensor, nn

from wsrnas.attacks.base import Attack
from wsrnas.attacks.draws import draw_seed
from wsrnas.attacks.norms import Ball
from wsrnas.attacks.objectives import Goal
from wsrnas.attacks.victim import Victim
from wsrnas.errors import refuse

_LOG = logging.getLogger(__name__)
# With three classes the library warns of a targeted loss that is not among the parts we let it run.
_LOG.addFilter(lambda record: "targeted DLR" not in record.getMessage())


class _Contiguous(nn.Module):
    """Gives the library what its views need: contiguous images in, contiguous gradients out."""

    def __init__(self, victim: Victim) -> None:
        super().__init__()
        self._victim = victim

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits."""
        copied = images.clone(memory_format=torch.contiguous_format)
        if copied.requires_grad:
            copied.register_hook(torch.Tensor.contiguous)
        return self._victim.logits(copied)


@final
@dataclass(frozen=True, kw_only=True)
class AutoAttack(Attack):
    """APGD-CE, APGD-T, FAB-T and Square in turn, each on what the ones before it did not break.

    The parts adapt to the number of classes: with three, APGD-DLR replaces APGD-T; with two, only APGD-CE, FAB and
    Square run. The library seeds torch's global generator; it is restored afterwards.

    Args:
        steps: iterations of the gradient-based parts; the standard is 100.
        queries: queries of Square; the standard is 5000.
        batch_size: images given to the library at once.

    Source: Croce and Hein, ICML 2020; implementation: pyautoattack.
    Differs from the library: fewer classes than its defaults want are handled, the seed comes from the generator,
    gradients need not be contiguous.
    """

    steps: int = 100
    queries: int = 5000
    batch_size: int = 250

    targetable: ClassVar[bool] = False

    def _check(self) -> None:
        for argument, count in (("steps", self.steps), ("queries", self.queries), ("batch_size", self.batch_size)):
            if count < 1:
                refuse(argument, expected="a whole number >= 1", got=count)

    @property
    def passes(self) -> int:
        """At most, for an image that stands throughout: APGD-CE, nine targets of APGD-T and of FAB-T, Square."""
        return 2 + 2 * self.steps + 9 * 2 * self.steps + 9 * 3 * self.steps + self.queries

    def _craft(self, victim: Victim, ball: Ball, goal: Goal, generator: torch.Generator) -> Tensor:
        from pyautoattack import AutoAttack as Library

        images = ball.images.contiguous()
        first = torch.arange(min(self.batch_size, images.shape[0]), device=images.device)
        # Counts the classes, and refuses a model without a gradient, which the library would meet as an internal error.
        _, _, logits = victim.climb(images[first], goal.subset(first).objective("margin"))
        classes = logits.shape[1]
        seed = draw_seed(generator)
        ensemble = Library(
            _Contiguous(victim).train(not victim.separable),
            attacks=_parts(classes),
            version="custom",
            norm=self.norm,
            eps=self.eps,
            seed=seed,
            device=images.device,
        )
        ensemble.verbose, ensemble.logger = False, _LOG
        ensemble.apgd.n_restarts = ensemble.fab.n_restarts = ensemble.apgd_targeted.n_restarts = 1
        ensemble.apgd.n_iter = ensemble.fab.n_iter = ensemble.apgd_targeted.n_iter = self.steps
        ensemble.square.n_queries = self.queries
        ensemble.apgd_targeted.n_target_classes = ensemble.fab.n_target_classes = min(9, classes - 1)
        with torch.random.fork_rng():
            adversarial, _ = ensemble.run_standard_evaluation(images, goal.labels, batch_size=self.batch_size)
        return adversarial


def _parts(classes: int) -> list[str]:
    if classes >= 4:
        return ["apgd-ce", "apgd-t", "fab-t", "square"]
    return ["apgd-ce", "apgd-dlr", "fab-t", "square"] if classes == 3 else ["apgd-ce", "fab", "square"]
