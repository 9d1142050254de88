"""Auto-PGD: projected gradient ascent with momentum that chooses its own step size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor

from wsrnas.attacks.base import Attack
from wsrnas.attacks.best import Best
from wsrnas.attacks.norms import Ball, per_image, take
from wsrnas.attacks.objectives import Goal, LossName, Objective, at_least_single, check_loss, targeted_dlr
from wsrnas.attacks.victim import Victim
from wsrnas.errors import refuse

_MOMENTUM = 0.75
_RISING = 0.75


def checkpoints(steps: int) -> list[int]:
    """Return the steps at which the step size may be halved: w_j = ⌈p_j·steps⌉.

    p_0 = 0, p_1 = 0.22, p_{j+1} = p_j + max(p_j − p_{j−1} − 0.03, 0.06).
    """
    # In whole hundredths: sums of 0.22, 0.19, … are not exact, and rounding up would turn 57 into 58.
    before, now, found = 0, 22, list[int]()
    while now <= 100:
        found.append(-(-now * steps // 100))
        before, now = now, now + max(now - before - 3, 6)
    return sorted(set(found))


def auto_pgd(
    victim: Victim, ball: Ball, goal: Goal, objective: Objective, start: Tensor, steps: int, best: Best
) -> None:
    """Run Algorithm 1 of Croce and Hein from `start`, offering every iterate to `best`; see `APGD`."""
    current = previous = start
    gradient, losses, logits = victim.climb(current, objective)
    best.offer(current, losses, logits, goal)
    top, top_gradient, top_losses = current, gradient, losses
    step_size = torch.full_like(per_image(losses), 2.0 * ball.eps, dtype=start.dtype)
    rises, top_before, just_halved = torch.zeros_like(losses), losses, torch.ones_like(best.reached)
    marks, last_mark = checkpoints(steps), 0
    for step in range(1, steps + 1):
        inertia = _MOMENTUM if step > 1 else 1.0
        proposal = ball.climb(current, gradient, step_size)
        moved = ball.project(current + inertia * (proposal - current) + (1.0 - inertia) * (current - previous))
        previous, current = current, moved
        if step == steps:
            logits = victim.predict(current)
            best.offer(current, objective(logits), logits, goal)
            return
        gradient, now, logits = victim.climb(current, objective)
        best.offer(current, now, logits, goal)
        rises, losses = rises + (now > losses), now
        higher = losses > top_losses
        top = torch.where(per_image(higher), current, top)
        top_gradient = torch.where(per_image(higher), gradient, top_gradient)
        top_losses = torch.where(higher, losses, top_losses)
        if step in marks:
            if victim.all_won(best.reached):
                return
            halve = (rises <= _RISING * (step - last_mark)) | (~just_halved & (top_losses <= top_before))
            step_size = torch.where(per_image(halve), step_size / 2.0, step_size)
            current = torch.where(per_image(halve), top, current)
            gradient = torch.where(per_image(halve), top_gradient, gradient)
            losses = torch.where(halve, top_losses, losses)
            rises, top_before, just_halved, last_mark = torch.zeros_like(rises), top_losses, halve, step


def _check_counts(**counts: int) -> None:
    for argument, count in counts.items():
        if count < 1:
            refuse(argument, expected="a whole number >= 1", got=count)


@final
@dataclass(frozen=True, kw_only=True)
class APGD(Attack):
    """Auto-PGD on one loss (APGD-CE, APGD-DLR): no step size to choose.

    x_{k+1} = Π(x_k + 0.75·(Π(x_k + η·sign ∇L) − x_k) + 0.25·(x_k − x_{k−1})), η starting at 2ε. At the checkpoints η is
    halved, and the search goes on from the best point, for every image whose loss rose in less than 75 % of the steps
    since the last checkpoint, or whose best loss stood still. Images already won are not attacked again by later
    restarts (unless a layer is in train mode, where the batch must stay whole).

    Args:
        steps: iterations per restart.
        restarts: independent random starts.
        loss: "ce", "dlr" or "margin". DLR becomes the margin when there are two classes.

    Source: Croce and Hein, Reliable evaluation of adversarial robustness with an ensemble of diverse parameter-free
    attacks, ICML 2020, Algorithm 1.
    Differs from the paper: of several misclassified iterates the one with the highest loss is returned; starts are
    uniform in the ball. Differs from its code: nothing else.
    """

    steps: int = 100
    restarts: int = 1
    loss: LossName = "ce"

    def _check(self) -> None:
        check_loss(self.loss)
        _check_counts(steps=self.steps, restarts=self.restarts)

    @property
    def name(self) -> str:
        """APGD and its loss."""
        return f"APGD-{self.loss.upper()}"

    @property
    def passes(self) -> int:
        """One look at the clean images, then forward and backward at every step and a last forward per restart."""
        return 1 + self.restarts * (2 * self.steps + 1)

    def _craft(self, victim: Victim, ball: Ball, goal: Goal, generator: torch.Generator) -> Tensor:
        best, objective = Best(ball.images), goal.objective(self.loss)
        logits = victim.predict(ball.images)
        best.offer(ball.images, objective(logits), logits, goal)
        for _ in range(self.restarts):
            start = ball.sample(generator)
            rows = best.remaining(victim)
            if rows.numel() == 0:
                break
            near, aim = ball.subset(rows), goal.subset(rows)
            part = Best(near.images)
            auto_pgd(victim, near, aim, aim.objective(self.loss), take(start, rows), self.steps, part)
            best.merge(rows, part)
        return best.images


@final
@dataclass(frozen=True, kw_only=True)
class TargetedAPGD(Attack):
    """APGD-T: Auto-PGD towards each of the likeliest wrong classes in turn, on the targeted DLR loss.

    The wrong classes are ranked by their logits on the clean images. The result is an untargeted attack: any wrong
    class wins. Called with `targets`, it aims at those alone, on the DLR loss.

    Args:
        steps: iterations per class and restart.
        classes: how many wrong classes to try; all of them where there are fewer.
        restarts: independent random starts for each class.

    Source: Croce and Hein, ICML 2020, section 4 (APGD-T).
    Differs from the paper: works with two and three classes, on the plain difference z_t − z_y.
    """

    steps: int = 100
    classes: int = 9
    restarts: int = 1

    def _check(self) -> None:
        _check_counts(steps=self.steps, classes=self.classes, restarts=self.restarts)

    @property
    def name(self) -> str:
        """The name the paper uses."""
        return "APGD-T"

    @property
    def passes(self) -> int:
        """As for APGD, for every class tried."""
        return 1 + self.classes * self.restarts * (2 * self.steps + 1)

    def _craft(self, victim: Victim, ball: Ball, goal: Goal, generator: torch.Generator) -> Tensor:
        best = Best(ball.images)
        logits = victim.predict(ball.images)
        best.offer(ball.images, goal.objective("margin")(logits), logits, goal)
        if goal.targeted:
            ranking = goal.labels[:, None]
        else:
            ranking = likeliest_others(logits, goal.labels, self.classes)
        for column in range(ranking.shape[1]):
            for _ in range(self.restarts):
                start = ball.sample(generator)
                rows = best.remaining(victim)
                if rows.numel() == 0:
                    return best.images
                near, aim = ball.subset(rows), goal.subset(rows)
                part, objective = Best(near.images), towards(aim, ranking[rows, column])
                auto_pgd(victim, near, aim, objective, take(start, rows), self.steps, part)
                best.merge(rows, part)
        return best.images


def likeliest_others(logits: Tensor, labels: Tensor, count: int) -> Tensor:
    """Return the wrong classes with the largest logits (B, at most `count`), the likeliest first."""
    wrong = logits.scatter(1, labels[:, None], -torch.inf)
    return wrong.topk(min(count, logits.shape[1] - 1), dim=1).indices


def towards(goal: Goal, targets: Tensor) -> Objective:
    """Return the loss that leads to the `targets` (B,): targeted DLR, or the goal's own where it has a target."""
    if goal.targeted:
        return goal.objective("dlr")
    return lambda logits: targeted_dlr(at_least_single(logits), goal.labels, targets)
