"""Attacks that look for the nearest adversarial image: one run serves all strengths, and checks the others."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

import torch
from torch import Tensor

from wsrnas.attacks import Attack
from wsrnas.evaluation.protocols.base import Setting
from wsrnas.evaluation.protocols.scoring import (
    Batch,
    Tally,
    answers,
    craft,
    examples,
    keep,
    merged,
    own_batches,
    plainly,
    score,
)
from wsrnas.evaluation.record import Record
from wsrnas.evaluation.verify import RADIUS_ROUNDING, distances
from wsrnas.runtime import processes
from wsrnas.types import Norm


def reach(images: Tensor, norm: Norm) -> float:
    """Return a radius that holds all valid images (B,C,H,W): 1, or √(C·H·W) in L2."""
    return 1.0 if norm == "Linf" else math.sqrt(images[0].numel())


class Nearest:
    """The nearest adversarial images that one attack found, looked for once for all strengths.

    `distance` (B,) holds how far they are, once `within` was called: 0 where the model errs without noise, inf where
    none was found.
    """

    def __init__(self, setting: Setting, label: str, attack: Attack) -> None:
        self._setting, self._label, self._attack = setting, label, attack
        self._everything = list(range(len(setting.labels)))
        self._due = float(attack.passes)
        self._found: list[Tensor] | None = None
        self._broken_gradients = False
        self.distance = torch.zeros(len(setting.labels), dtype=torch.float64)

    def passes_due(self) -> float:
        """Return the passes of the search the first time it is asked for, then 0; also where an earlier run made it."""
        due, self._due = self._due, 0.0
        return due

    def within(self, strength: float) -> Record:
        """Return which images break within a strength, each verified as for any other attack.

        distance(x) ≤ ε implies broken at ε; where the nearest one is farther the attack tries what it can in the ball.
        """
        if self._found is None:
            self._found = self._search()
        found = self._found
        scored = processes.gather(lambda: self._within_here(strength, found))
        tally, kept = merged(sorted((batch for found in scored for batch in found), key=lambda batch: batch.start))
        keep(self._setting, self._label, strength, kept)
        tally.broken_gradients |= self._broken_gradients
        known = [None if math.isinf(one) else one for one in self.distance.tolist()]
        return Record(attack=self._label, strength=strength, indices=self._everything, nearest=known, **asdict(tally))

    def _within_here(self, strength: float, nearest: list[Tensor]) -> list[Batch]:
        """Score this process's batches, whose nearest images are given."""
        setting, attack, scored = self._setting, self._attack.at(strength), list[Batch]()
        for (rows, start), found in zip(own_batches(self._everything, setting.batch_size), nearest):
            model, tally = setting.copies.fresh(), Tally()
            given = [part.to(setting.device) for part in (setting.images[rows], setting.labels[rows], found)]
            with plainly(self._label, len(rows)):
                moved = attack.from_nearest(model, *given).cpu().contiguous()
            wrong = score(setting, tally, model, self._label, strength, rows, moved)
            scored.append(Batch(start=start, tally=tally, kept=examples(setting, rows, moved, wrong)))
        return scored

    def resumed(self, record: Record) -> Record:
        """Take the distances from a record that was finished before, and return it."""
        known = [math.inf if one is None else one for one in record.nearest or []]
        self.distance = torch.tensor(known, dtype=torch.float64)
        return record

    def _search(self) -> list[Tensor]:
        """Look for the nearest images of this process's batches; note how far those of all processes are."""
        found = list[Tensor]()
        for parts, broken_gradients in processes.gather(lambda: self._search_here(found)):
            for rows, distance in parts:
                self.distance[rows] = distance
            self._broken_gradients |= broken_gradients
        self.distance[~self._setting.clean_correct] = 0.0
        return found

    def _search_here(self, into: list[Tensor]) -> tuple[list[tuple[Tensor, Tensor]], bool]:
        setting, parts, broken_gradients = self._setting, list[tuple[Tensor, Tensor]](), False
        for rows, start in own_batches(self._everything, setting.batch_size):
            model, radius = setting.copies.fresh(), reach(setting.images, setting.norm)
            found = craft(setting, model, self._label, self._attack, radius, rows, start)
            wrong = answers(setting, setting.copies.fresh(), found).argmax(1) != setting.labels[rows]
            far = distances(setting.images[rows], found, setting.norm)
            parts.append((rows, torch.where(wrong, far, torch.inf)))
            into.append(found)
            broken_gradients |= model.broken_gradients
        return parts, broken_gradients


def cross_check(
    setting: Setting, records: list[Record], before: dict[str, Tensor], survives: Tensor
) -> dict[str, dict[str, Any]]:
    """Return, for every attack that minimises, how its curve agrees with that of the attacks at fixed strength.

    `distance` is how far away it found an adversarial image of each image, None where it found none. At each strength:
    `accuracy`, the share of images for which that is farther than the strength; `broken_by_it_alone`, images that it
    broke and the others had left until then; `missed_by_it`, images broken by others although it found nothing as near;
    `agreement`, the share of all images that are neither.

    Args:
        before: by label, (images, strengths): right just before that attack joined at that strength.
        survives: (images, strengths): right after all attacks.
    """
    found: dict[str, dict[str, Any]] = {}
    for label, right in before.items():
        own = {record.strength: record for record in records if record.attack == label}
        if not own:
            continue
        known = next(iter(own.values())).nearest or []
        distance = torch.tensor([math.inf if one is None else one for one in known], dtype=torch.float64)
        strengths = torch.tensor(setting.strengths, dtype=torch.float64)
        within = distance[:, None] <= strengths + RADIUS_ROUNDING
        never = [False] * len(setting.labels)
        broken = torch.tensor([own[one].broken if one in own else never for one in setting.strengths]).T
        alone, missed = (right & broken).sum(0), (~survives & ~within & ~broken).sum(0)
        found[label] = {
            "distance": known,
            "accuracy": (~within).double().mean(0).tolist(),
            "broken_by_it_alone": alone.tolist(),
            "missed_by_it": missed.tolist(),
            "agreement": (1 - (alone + missed).double() / len(setting.labels)).tolist(),
        }
    return found
