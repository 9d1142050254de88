"""Two strengths looked at closely: does anything else break images that the usual attack leaves?"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from wsrnas.attacks import PGD, TargetedAPGD
from wsrnas.attacks.objectives import cross_entropy
from wsrnas.evaluation.checks.attacking import Attacks
from wsrnas.evaluation.checks.ladder import Curve
from wsrnas.evaluation.checks.rivals import Rivals
from wsrnas.evaluation.checks.samples import enough
from wsrnas.evaluation.checks.verdict import Finding, found
from wsrnas.evaluation.verify import eight_bit
from wsrnas.types import Images, format_strength

CLOSE_CHECKS = (
    "more-steps-help", "restarts-help", "loss-matters", "loss-still-moving", "rounding-undoes-attack",
    "fgsm-beats-pgd", "smoothing-helps", "black-box-beats-white-box",
)  # fmt: skip


def closely(attacks: Attacks, curve: Curve, others: Sequence[nn.Module]) -> tuple[list[Finding], Images]:
    """Look at the middle of the curve, where attacks can differ most, and late on it, where no image should be left.

    Returns the findings and the images attacked in the middle.
    """
    middle, late = curve.middle(), curve.late()
    findings, white, moved = _white(attacks, middle, curve.clean)
    rivals = Rivals(attacks, max(max(middle, late) / attacks.scale, 0.1), others)
    outcomes = [rivals.against(white, middle, late=False, thorough=late == middle)]
    if late != middle:
        outcomes.append(rivals.against(_left_late(attacks, late, curve.clean), late, late=True, thorough=True))
    return [*findings, *rivals.findings(outcomes, len(curve.clean))], moved


def _white(attacks: Attacks, strength: float, clean: Tensor) -> tuple[list[Finding], Tensor, Images]:
    """Do more steps, restarts or another loss break more images than PGD-20? Returns findings and who survives all."""
    subject, norm = attacks.subject, attacks.subject.norm
    every = clean.nonzero().flatten()
    count, at = max(len(clean), 1), f"at {format_strength(strength)}"
    moved = attacks.adversarial(PGD(eps=strength, norm=norm, steps=20, keep="best"), every)
    right = attacks.right(moved, every)
    left, broken = every[right], ~right
    longer = attacks.survivors(PGD(eps=strength, norm=norm, steps=60, keep="best"), left, "longer")
    again = attacks.survivors(PGD(eps=strength, norm=norm, steps=20, restarts=3), left, "restarts")
    other = attacks.survivors(PGD(eps=strength, norm=norm, steps=20, loss="margin", keep="best"), left, "margin")
    white = torch.tensor(sorted({*longer.tolist()} & {*again.tolist()} & {*other.tolist()}), dtype=torch.int64)

    def more(kept: Tensor, share: float) -> bool:
        return enough(len(left) - len(kept), count, share)

    pgd = f"PGD-20 leaves {100 * len(left) / count:.1f} % right {at}"
    rounded, inside = eight_bit(subject.images[every], moved, strength, norm)
    undone = broken & inside & attacks.right(rounded, every)
    share = float(undone.sum()) / max(int(broken.sum()), 1)
    rising, rise = _still_rising(attacks, strength, left)
    findings = [
        found("more-steps-help", more(longer, 0.1), f"{pgd}, PGD-60 {100 * len(longer) / count:.1f} %"),
        found("restarts-help", more(again, 0.1), f"{pgd}, 3 more starts {100 * len(again) / count:.1f} %"),
        found("loss-matters", more(other, 0.15), f"{pgd}, with a margin loss {100 * len(other) / count:.1f} %"),
        found("loss-still-moving", rising, rise),
        found("rounding-undoes-attack", int(broken.sum()) >= 10 and share > 0.5, f"{100 * share:.0f} % of "
              f"{int(broken.sum())} adversarial images are right again after rounding {at}"),
    ]  # fmt: skip
    return findings, white, moved if len(moved) else subject.images


def _left_late(attacks: Attacks, strength: float, clean: Tensor) -> Tensor:
    """Return the rows that survive PGD at a late strength: plain, with a margin loss, restarted, and targeted."""
    norm, left = attacks.subject.norm, clean.nonzero().flatten()
    for attack, purpose in (
        (PGD(eps=strength, norm=norm, steps=20, keep="best"), "late"),
        (PGD(eps=strength, norm=norm, steps=20, loss="margin", keep="best"), "late, margin"),
        (PGD(eps=strength, norm=norm, steps=20, restarts=3), "late, restarts"),
        (TargetedAPGD(eps=strength, norm=norm, steps=25, classes=3), "late, targeted"),
    ):
        left = attacks.survivors(attack, left, purpose)
    return left


def _still_rising(attacks: Attacks, strength: float, left: Tensor) -> tuple[bool, str]:
    """Whether the last quarter of PGD's steps still brings a fifth of the whole rise of the loss, on survivors."""
    subject = attacks.subject
    if len(left) < 10:
        return False, f"only {len(left)} images survive, too few to watch the loss"
    labels, losses = subject.labels[left], []
    for steps in (0, 15, 20):
        step_size = 2.5 * strength / 20
        images = subject.images[left]
        if steps:
            attack = PGD(
                eps=strength, norm=subject.norm, steps=steps, step_size=step_size, random_start=False, keep="best"
            )
            images = attacks.adversarial(attack, left)
        losses.append(float(cross_entropy(subject.logits(images), labels).median()))
    start, late, end = losses
    share = (end - late) / max(end - start, 1e-12)
    evidence = f"median loss {start:.3g} at the start, {late:.3g} after 15 steps, {end:.3g} after 20"
    return end - start > 1e-6 and share > 0.2, evidence
