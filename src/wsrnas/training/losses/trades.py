"""TRADES: a clean loss and a divergence, weighed against each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from wsrnas.attacks import Ball, Victim
from wsrnas.attacks.draws import normal
from wsrnas.attacks.victim import own_copy, untouched
from wsrnas.errors import refuse
from wsrnas.training.losses.base import (
    AdversarialLoss,
    Attacked,
    AttackMode,
    batchnorm_mode,
    check_mode,
    check_radius,
    check_steps,
)
from wsrnas.types import Images, Labels, Logits

START_STD = 0.001


@dataclass(frozen=True, kw_only=True)
class TRADES(AdversarialLoss):
    """min_θ CE(f(x), y) + β · max_{‖x'−x‖≤ε} KL(f(x) ‖ f(x')) (Zhang et al., ICML 2019, Eq. 5 and Algorithm 1).

    The inner maximum starts at x + 0.001·N(0, I) and takes signed gradient steps on the divergence. Gradients of the
    outer minimum flow through both f(x) and f(x'), as in the authors' code; the returned logits are those of x'.
    `beta` is their 1/λ: 6 in the paper's main result, 1 for "TRADES-1".

    Differs from the authors' code: x passes the network once, not twice. Differs from AdvRush's: there the second
    argument of the divergence is f(x) again, which makes the robust term zero.
    """

    name: ClassVar[str] = "trades"
    eps: float = 8 / 255
    beta: float = 6.0
    steps: int = 10
    step_size: float | None = None
    attack_mode: AttackMode = "eval"

    def __post_init__(self) -> None:
        check_radius(self.eps, "eps", "Linf")
        check_steps(self.steps, self.step_size)
        check_mode(self.attack_mode)
        if not self.beta > 0:
            remedy = "use the loss 'standard' instead"
            refuse("loss.settings.beta", expected="a weight > 0", got=self.beta, remedy=remedy)

    @property
    def passes(self) -> int:
        """The reference, a forward and a backward pass per attack step, and both again for x and x'."""
        return 1 + 2 * self.steps + 4

    def largest_strength(self) -> float | None:
        """Return ε."""
        return self.eps

    def attacked(self, model: nn.Module, images: Images, labels: Labels, generator: torch.Generator) -> Attacked:
        """Return the images x' of largest divergence."""
        step_size = 2.5 * self.eps / self.steps if self.step_size is None else self.step_size
        with batchnorm_mode(model, self.attack_mode):
            return maximise_divergence(
                model, images, eps=self.eps, steps=self.steps, step_size=step_size, generator=generator
            )

    def objective(
        self, model: nn.Module, images: Images, attacked: Attacked, labels: Labels
    ) -> tuple[Float[Tensor, ""], Logits]:
        """Return the clean cross-entropy plus β times the divergence."""
        clean = model(own_copy(images)).float()
        logits = model(attacked).float()
        return functional.cross_entropy(clean, labels) + self.beta * divergences(clean, logits).mean(), logits


def divergences(clean: Logits, perturbed: Logits) -> Float[Tensor, "B"]:
    """KL(p ‖ q) = Σ_c p_c (log p_c − log q_c) of each image, p = softmax(clean), q = softmax(perturbed)."""
    log_p = functional.log_softmax(clean.float(), dim=1)
    log_q = functional.log_softmax(perturbed.float(), dim=1)
    return (log_p.exp() * (log_p - log_q)).sum(dim=1)


def maximise_divergence(
    model: nn.Module, images: Images, *, eps: float, steps: int, step_size: float, generator: torch.Generator
) -> Images:
    """x' ← Π_ε(x' + η₁·sign ∇ₓ' KL(f(x) ‖ f(x'))) from x + 0.001·N(0, I) (TRADES, Algorithm 1, lines 5-9).

    Leaves the model as the attacks do: no gradient of a parameter is computed, buffers and modes are as before.
    """
    victim, ball = Victim(model, checked=False), Ball(images, eps, "Linf")
    with untouched(model), torch.no_grad():
        clean = victim.predict(images)
        start = normal(images.shape, generator)
        adversarial = ball.project(images + START_STD * start.to(images))
        for _ in range(steps):
            gradient, _, _ = victim.climb(adversarial, lambda logits: divergences(clean, logits))
            adversarial = ball.climb(adversarial, gradient, step_size)
    return adversarial
