"""Running attacks on the subject, and who survives them."""

from __future__ import annotations

import torch
from torch import Tensor

from wsrnas.attacks import Attack
from wsrnas.evaluation.checks.subject import Subject
from wsrnas.rng import stream
from wsrnas.types import Images


class Attacks:
    """Runs attacks on the subject and says what survived.

    `scale` turns a radius in pixel units of [0,1] into one of the subject's norm that leaves about as much room.
    """

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        side = subject.images[0].numel() ** 0.5
        self.scale = 1.0 if subject.norm == "Linf" else side / 2

    def adversarial(self, attack: Attack, rows: Tensor, *purpose: str) -> Images:
        """Attack the images of the rows."""
        subject, parts = self.subject, []
        for start, chosen in enumerate(rows.split(subject.batch_size)):
            if len(chosen) == 0:
                continue
            generator = stream(subject.seed, "check", attack.name, f"{attack.eps:.6g}", start, *purpose)
            images, labels = subject.images[chosen].to(subject.device), subject.labels[chosen].to(subject.device)
            parts.append(attack(subject.model, images, labels, generator).cpu())
        return torch.cat(parts) if parts else subject.images[:0]

    def right(self, images: Images, rows: Tensor) -> Tensor:
        """Return which images of the rows are classified correctly in a fresh pass."""
        if len(rows) == 0:
            return torch.zeros(0, dtype=torch.bool)
        return self.subject.logits(images).argmax(1) == self.subject.labels[rows]

    def survivors(self, attack: Attack, rows: Tensor, *purpose: str) -> Tensor:
        """Return the rows that stay right under the attack."""
        return rows[self.right(self.adversarial(attack, rows, *purpose), rows)]
