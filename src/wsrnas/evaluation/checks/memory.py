"""Whether the model's answers change with what it has seen, with how often it was called, or with time."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from wsrnas.evaluation.checks.subject import Subject
from wsrnas.evaluation.checks.verdict import Finding, found
from wsrnas.evaluation.under_test.copies import unlike
from wsrnas.types import Images, Logits


@dataclass(frozen=True, kw_only=True)
class Witness:
    """What a copy that had seen nothing said at the start; compared at the end with copies used and unused."""

    points: Images
    said: Logits

    @classmethod
    def of(cls, subject: Subject, points: Images) -> Witness:
        """Ask a fresh copy before anybody else is asked."""
        with torch.no_grad(), subject.as_is():
            return cls(points=points, said=subject.logits(points, model=subject.fresh()))

    def compare(self, subject: Subject, attacked: Images) -> Finding:
        """Ask again, after everything: a copy that was used throughout and one that was not.

        Args:
            attacked: images that the used copy has seen, among them adversarial ones.
        """
        unused = subject.fresh()
        with subject.as_is():
            novel = subject.points(len(self.points), "at the end")
            pairs = {
                "images seen at the start": (self.said, subject.logits(self.points)),
                "the same, from a copy that has seen nothing": (self.said, subject.logits(self.points, model=unused)),
                "images never seen": (subject.logits(novel, model=subject.fresh()), subject.logits(novel)),
                "attacked images": (subject.logits(attacked, model=subject.fresh()), subject.logits(attacked)),
            }
        shares = {name: float(unlike(*pair).double().mean()) for name, pair in pairs.items()}
        worst = max(shares, key=shares.__getitem__)
        seen = f"{100 * shares[worst]:.0f} % of {worst} get another answer" if shares[worst] else "no answer changed"
        reason = f"; no copy that had seen nothing could be asked: {subject.copies.reason}"
        alone = reason if subject.copies.reason else ""
        return found("changes-with-use", shares[worst] > 0, f"{seen} at the end of all checks{alone}")
