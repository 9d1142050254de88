"""Checks that attack: the curve over strengths, and one strength looked at closely."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from wsrnas.attacks import FGSM, PGD, Attack, BlackBox, RandomNoise, Square, Transfer
from wsrnas.attacks.objectives import cross_entropy
from wsrnas.evaluation.checks.subject import Subject
from wsrnas.evaluation.checks.verdict import Finding, found, skipped
from wsrnas.evaluation.statistics import mcnemar, wilson_interval
from wsrnas.evaluation.verify import eight_bit
from wsrnas.rng import stream
from wsrnas.types import format_strength

LADDER = (2 / 255, 8 / 255, 0.06, 0.12, 0.25, 0.5, 1.0)
CURVE_CHECKS = ("accuracy-rises-with-strength", "above-chance-at-half", "not-broken-at-one")
CLOSE_CHECKS = (
    "more-steps-help", "restarts-help", "loss-matters", "loss-still-moving", "fgsm-beats-pgd",
    "black-box-beats-white-box", "rounding-undoes-attack",
)  # fmt: skip


class Attacks:
    """Runs attacks on the subject and remembers what survived."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        side = subject.images[0].numel() ** 0.5
        self.scale = 1.0 if subject.norm == "Linf" else side / 2

    def adversarial(self, attack: Attack, rows: Tensor, *purpose: str) -> Tensor:
        """Attack the images of the rows."""
        subject, parts = self.subject, []
        for start, chosen in enumerate(rows.split(subject.batch_size)):
            generator = stream(subject.seed, "check", attack.name, f"{attack.eps:.6g}", start, *purpose)
            images, labels = subject.images[chosen].to(subject.device), subject.labels[chosen].to(subject.device)
            parts.append(attack(subject.model, images, labels, generator).cpu())
        return torch.cat(parts) if parts else subject.images[:0]

    def right(self, images: Tensor, rows: Tensor) -> Tensor:
        """Return which images of the rows are classified correctly in a fresh pass."""
        if len(rows) == 0:
            return torch.zeros(0, dtype=torch.bool)
        return self.subject.logits(images).argmax(1) == self.subject.labels[rows]

    def survivors(self, attack: Attack, rows: Tensor, *purpose: str) -> Tensor:
        """Return the rows that stay right under the attack."""
        return rows[self.right(self.adversarial(attack, rows, *purpose), rows)]


def curve(attacks: Attacks) -> tuple[list[Finding], float, Tensor]:
    """Attack all images at every strength of the ladder; returns the strength that leaves nearest to 70 % of it."""
    subject = attacks.subject
    every = torch.arange(len(subject.labels))
    count, strengths = len(every), [step * attacks.scale for step in LADDER]
    clean = attacks.right(subject.images, every)
    results = [clean]
    for strength in strengths:
        attack = PGD(eps=strength, norm=subject.norm, steps=10, keep="best")
        results.append(attacks.right(attacks.adversarial(attack, every), every))
    accuracy = [float(right.double().mean()) for right in results]
    shown = ", ".join(f"{format_strength(s)}: {100 * a:.0f} %" for s, a in zip([0.0, *strengths], accuracy))
    rises = [
        (strengths[k], accuracy[k + 1] - accuracy[k])
        for k in range(1, len(strengths))
        if accuracy[k + 1] - accuracy[k] > 0.03
        and mcnemar(int((results[k + 1] & ~results[k]).sum()), int((results[k] & ~results[k + 1]).sum())) < 0.01
    ]
    majority = float(subject.labels.bincount().max()) / count
    low, _ = wilson_interval(int(results[-2].sum()), count)
    half, whole = accuracy[-2], accuracy[-1]
    findings = [found("accuracy-rises-with-strength", bool(rises), f"PGD-10 accuracy {shown}")]
    if subject.norm == "Linf":
        findings += [
            found("above-chance-at-half", low > majority, f"{100 * half:.1f} % right, chance {100 * majority:.1f} %"),
            found("not-broken-at-one", whole > 0.05, f"{100 * whole:.1f} % right"),
        ]
    else:
        findings += skipped(CURVE_CHECKS[1:], "defined for Linf")
    inner = list(zip(strengths[:-2], accuracy[1:-2]))
    middle = min(inner, key=lambda pair: abs(pair[1] - 0.7 * accuracy[0]))[0]
    return findings, middle, clean


def closely(attacks: Attacks, strength: float, clean: Tensor, others: Sequence[nn.Module]) -> list[Finding]:
    """At one strength: do more steps, restarts, another loss, one step, or no gradient at all break more images?"""
    subject, norm = attacks.subject, attacks.subject.norm
    every = clean.nonzero().flatten()
    count, at = max(len(clean), 1), f"at {format_strength(strength)}"
    base = PGD(eps=strength, norm=norm, steps=20, keep="best")
    moved = attacks.adversarial(base, every)
    right = attacks.right(moved, every)
    left, broken = every[right], ~right
    longer = attacks.survivors(PGD(eps=strength, norm=norm, steps=60, keep="best"), left, "longer")
    again = attacks.survivors(PGD(eps=strength, norm=norm, steps=20, restarts=3), left, "restarts")
    other = attacks.survivors(PGD(eps=strength, norm=norm, steps=20, loss="margin", keep="best"), left, "margin")
    white = torch.tensor(sorted({*longer.tolist()} & {*again.tolist()} & {*other.tolist()}), dtype=torch.int64)
    single = attacks.survivors(FGSM(eps=strength, norm=norm), white)
    square = attacks.survivors(Square(eps=strength, norm=norm, queries=300), white)
    noise = attacks.survivors(RandomNoise(eps=strength, norm=norm, draws=20), white)
    substitute = attacks.survivors(
        BlackBox(eps=strength, norm=norm, rounds=2, max_images=512, seed_images=subject.images), white
    )
    standing = {*square.tolist()} & {*noise.tolist()} & {*substitute.tolist()}
    if others:
        inner = PGD(eps=strength, norm=norm, steps=20)
        transfer = Transfer(eps=strength, norm=norm, sources=tuple(others), attack=inner)
        standing &= {*attacks.survivors(transfer, white).tolist()}
    blind = len(white) - len(standing)
    names = ["Square-300", "random noise", "a substitute trained on the model's answers"]
    names += [f"noise from {len(others)} other models"] if others else []
    tried = f"{', '.join(names[:-1])} and {names[-1]}"
    missing = "" if others else "; noise from other models was not tried, none were given (others)"

    def more(kept: Tensor, start: Tensor) -> float:
        return (len(start) - len(kept)) / count

    pgd = f"PGD-20 leaves {100 * len(left) / count:.1f} % right {at}"
    rounded, inside = eight_bit(subject.images[every], moved, strength, norm)
    undone = broken & inside & attacks.right(rounded, every)
    share = float(undone.sum()) / max(int(broken.sum()), 1)
    rising, rise = _still_rising(attacks, strength, left)
    blind_share = blind / count
    return [
        found("more-steps-help", more(longer, left) > 0.1, f"{pgd}, PGD-60 {100 * len(longer) / count:.1f} %"),
        found("restarts-help", more(again, left) > 0.1, f"{pgd}, 3 more starts {100 * len(again) / count:.1f} %"),
        found("loss-matters", more(other, left) > 0.15, f"{pgd}, with a margin loss {100 * len(other) / count:.1f} %"),
        found("loss-still-moving", rising, rise),
        found("fgsm-beats-pgd", more(single, white) > 0.03, f"FGSM breaks {len(white) - len(single)} of {len(white)} "
              f"images that survive all PGD attacks {at}"),
        found("black-box-beats-white-box", blind_share > 0.03 and blind >= 4, f"{tried} "
              f"break {blind} of {len(white)} images that survive all PGD attacks {at}{missing}"),
        found("rounding-undoes-attack", int(broken.sum()) >= 10 and share > 0.5, f"{100 * share:.0f} % of "
              f"{int(broken.sum())} adversarial images are right again after rounding {at}"),
    ]  # fmt: skip


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
