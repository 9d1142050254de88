"""Attacks that look for the nearest adversarial image: one run serves all strengths, and checks the others."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

import torch
from torch import Tensor

from wsrnas.attacks.norms import Ball
from wsrnas.evaluation.protocols.base import Setting
from wsrnas.evaluation.record import EXAMPLES, AnyAttack, Record
from wsrnas.evaluation.scoring import Tally, batches, craft, examples, keep, score
from wsrnas.evaluation.verify import RADIUS_ROUNDING
from wsrnas.types import Norm


def reach(images: Tensor, norm: Norm) -> float:
    """Return a radius that holds all valid images (B,C,H,W): 1, or √(C·H·W) in L2."""
    return 1.0 if norm == "Linf" else math.sqrt(images[0].numel())


class Nearest:
    """The nearest adversarial images that one attack found, looked for once and projected to every strength asked."""

    def __init__(self, setting: Setting, label: str, attack: AnyAttack) -> None:
        self._setting, self._label, self._attack = setting, label, attack
        self._due = float(attack.passes)
        self._found: list[Tensor] | None = None
        self._broken_gradients = False

    def passes_due(self) -> float:
        """Return the passes of the search the first time it is asked for, then 0."""
        due, self._due = self._due, 0.0
        return due

    def within(self, strength: float) -> Record:
        """Return which images have an adversarial image within a strength, each verified as for any other attack.

        distance(x) ≤ ε implies broken at ε; an image whose nearest one is farther is tried at the edge of its ball.
        """
        setting, count = self._setting, len(self._setting.labels)
        tally, kept = Tally(), list[tuple[int, Tensor, Tensor]]()
        for (rows, _), found in zip(batches(list(range(count)), setting.batch_size), self._search()):
            moved = Ball(setting.images[rows], strength, setting.norm).project(found)
            wrong = score(setting, tally, None, self._label, strength, rows, moved)
            kept += examples(setting, rows, moved, wrong, EXAMPLES - len(kept))
        keep(setting, self._label, strength, kept)
        tally.broken_gradients = self._broken_gradients
        return Record(attack=self._label, strength=strength, indices=list(range(count)), **asdict(tally))

    def _search(self) -> list[Tensor]:
        if self._found is None:
            setting, radius = self._setting, reach(self._setting.images, self._setting.norm)
            self._found = []
            for rows, start in batches(list(range(len(setting.labels))), setting.batch_size):
                model = setting.copies.fresh()
                self._found.append(craft(setting, model, self._label, self._attack, radius, rows, start))
                self._broken_gradients |= model.broken_gradients
        return self._found


def cross_check(
    setting: Setting, records: list[Record], before: dict[str, Tensor], survives: Tensor
) -> dict[str, dict[str, Any]]:
    """Return, for every attack that minimises, how its curve agrees with that of the attacks at fixed strength.

    `distance` is that of the nearest adversarial image it found for each image: 0 where the model errs without noise,
    None beyond the largest strength. At each strength: `accuracy` by it alone; `broken_by_it_alone`, images that the
    others had left until then; `missed_by_it`, images broken by others although it found nothing as near; `agreement`,
    the share of all images that are neither.

    Args:
        before: by label, (images, strengths): right just before that attack joined at that strength.
        survives: (images, strengths): right after all attacks.
    """
    found: dict[str, dict[str, Any]] = {}
    for label, right in before.items():
        own = {record.strength: record for record in records if record.attack == label}
        if not own:
            continue
        distance = torch.where(setting.clean_correct, torch.inf, 0.0).double()
        columns = []
        for strength in setting.strengths:
            if strength > 0:
                broken = torch.tensor(own[strength].broken)
                distance = torch.where(
                    broken, torch.tensor(own[strength].distance).double().minimum(distance), distance
                )
            columns.append(distance <= strength + RADIUS_ROUNDING)
        within = torch.stack(columns, dim=1)
        alone, missed = (right & within).sum(0), (~survives & ~within).sum(0)
        found[label] = {
            "distance": [None if math.isinf(one) else one for one in distance.tolist()],
            "accuracy": (~within).double().mean(0).tolist(),
            "broken_by_it_alone": alone.tolist(),
            "missed_by_it": missed.tolist(),
            "agreement": (1 - (alone + missed).double() / len(setting.labels)).tolist(),
        }
    return found
