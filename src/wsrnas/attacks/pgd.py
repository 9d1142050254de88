"""Projected gradient descent on the noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, final

import torch
from torch import Tensor

from wsrnas.attacks.base import Attack
from wsrnas.attacks.best import Best
from wsrnas.attacks.norms import Ball
from wsrnas.attacks.objectives import Goal, LossName, check_loss
from wsrnas.attacks.victim import Model, Victim, untouched
from wsrnas.errors import refuse


@final
@dataclass(frozen=True, kw_only=True)
class PGD(Attack):
    """Repeat x' ← Π(x' + a·sign(∇_x' L)), Π projecting to the ball and to [0,1]; g/‖g‖₂ replaces the sign in L2.

    Args:
        steps: gradient steps per restart.
        step_size: a, in pixel units; 2.5·eps/steps when None. `at` scales an explicit one with eps.
        random_start: begin at a uniform draw from the ball, instead of at the clean images. In L2 the direction and the
            length are uniform: from the surface, where a draw by volume lies, L2 steps end 1 to 2 points weaker.
        restarts: independent starts; with more than one the best final image is kept.
        loss: "ce", "margin" or "dlr".
        keep: "last" returns the last iterate, as the paper does; "best" returns for each image the iterate that is
            misclassified, or else has the highest loss, and costs one forward pass more.

    Source: Madry et al., Towards deep learning models resistant to adversarial attacks, ICLR 2018.
    Differs from the paper: nothing. Differs from the released code of Wsr-NAS: random start by default.
    """

    steps: int = 20
    step_size: float | None = None
    random_start: bool = True
    restarts: int = 1
    loss: LossName = "ce"
    keep: Literal["last", "best"] = "last"

    def _check(self) -> None:
        check_loss(self.loss)
        for argument, count in (("steps", self.steps), ("restarts", self.restarts)):
            if count < 1:
                refuse(argument, expected="a whole number >= 1", got=count)
        if self.step_size is not None and not self.step_size > 0:
            refuse("step_size", expected="a number > 0", got=self.step_size, remedy="leave it out for 2.5*eps/steps")
        if self.restarts > 1 and not self.random_start:
            refuse("restarts", expected="1 without random_start", got=self.restarts, remedy="set random_start=True")
        if self.keep not in ("last", "best"):
            refuse("keep", expected="last or best", got=self.keep)

    def rescaled(self, factor: float) -> dict[str, Any]:
        """Return the step size, where it is explicit."""
        return {} if self.step_size is None else {"step_size": self.step_size * factor}

    @property
    def name(self) -> str:
        """PGD and its number of steps."""
        return f"PGD-{self.steps}"

    @property
    def passes(self) -> int:
        """Forward and backward at every step, and one forward per restart where final images are compared."""
        return self.restarts * (2 * self.steps + (1 if self._compares else 0))

    @property
    def _compares(self) -> bool:
        return self.restarts > 1 or self.keep == "best"

    @property
    def starts_clean(self) -> bool:
        """Whether it is one path from the clean images, so that its first gradient is the same at every strength."""
        return not self.random_start and not self._compares

    def over(self, model: Model, images: Tensor, labels: Tensor, strengths: Sequence[float]) -> list[Tensor]:
        """Return what `at(strength).perturb` returns for every strength > 0; the first gradient is taken once.

        For an attack that `starts_clean` on a model without random layers: one forward and one backward pass less for
        each strength after the first.

        Raises:
            InputError: the attack does not start at the clean images.
        """
        if not self.starts_clean:
            refuse("attack", expected="PGD without random_start, keeping the last", got=repr(self))
        attacks = [self.at(strength) for strength in strengths]
        with torch.inference_mode(False), torch.no_grad(), untouched(model):
            clean, victim = images.detach(), Victim(model, checked=False)
            objective = Goal(labels=labels).objective(self.loss)
            first, _, _ = victim.climb(clean, objective)
            found = []
            for attack in attacks:
                ball = Ball(clean, attack.eps, self.norm)
                current = ball.climb(clean, first, attack._length)
                for _ in range(self.steps - 1):
                    current = ball.climb(current, victim.climb(current, objective)[0], attack._length)
                found.append(ball.project(current))
        return found

    @property
    def _length(self) -> float:
        return 2.5 * self.eps / self.steps if self.step_size is None else self.step_size

    def _craft(self, victim: Victim, ball: Ball, goal: Goal, generator: torch.Generator) -> Tensor:
        objective = goal.objective(self.loss)
        step_size = self._length
        best, current = Best(ball.images), ball.images
        for _ in range(self.restarts):
            current = ball.sample(generator, spread=True) if self.random_start else ball.images
            for _ in range(self.steps):
                gradient, losses, logits = victim.climb(current, objective)
                if self.keep == "best":
                    best.offer(current, losses, logits, goal)
                current = ball.climb(current, gradient, step_size)
            if self._compares:
                logits = victim.predict(current)
                best.offer(current, objective(logits), logits, goal)
        return best.images if self._compares else current
