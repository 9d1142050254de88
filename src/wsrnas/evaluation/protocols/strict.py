"""The strict protocol: the worst case over attacks, image by image, nested over strengths, every image verified."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, TypeGuard, final

import torch
from torch import Tensor, nn

from wsrnas.attacks import Attack
from wsrnas.evaluation.closing import Closing
from wsrnas.evaluation.protocols.base import Curve, Protocol, Setting
from wsrnas.evaluation.protocols.minimum_norm import Nearest, cross_check
from wsrnas.evaluation.protocols.scoring import attacked
from wsrnas.evaluation.record import AnyAttack, Record, verified
from wsrnas.evaluation.result import Evaluation
from wsrnas.evaluation.suites import describe
from wsrnas.evaluation.text import percent
from wsrnas.types import Norm


@final
@dataclass(frozen=True, kw_only=True)
class Strict(Protocol):
    """survives(x, ε_k) = survives(x, ε_{k−1}) ∧ no attack breaks x at ε_k; survives(x, 0): x is right without noise.

    Strengths ascend; the first attack sees all images, each later one those that are left. Parameters and buffers are
    locked, attacks and scores are made on fresh copies in eval mode, and every adversarial image is verified. The raw
    curve is the first attack alone on all images, each strength on its own, so that a rise with strength, which nesting
    hides, can be seen. An attack that looks for the nearest adversarial image runs once for all strengths.

    Args:
        every_image: let every attack see every image, for comparable columns per attack; slower.
    """

    every_image: bool = False

    name: ClassVar[str] = "strict"
    believed: ClassVar[bool] = True
    explanation: ClassVar[str] = (
        "Strict: weights and buffers locked, the worst case over all attacks image by image; an image broken at one "
        "strength counts as broken at every larger one; every adversarial image was checked to lie inside its ball and "
        "to be misclassified in a fresh pass. Believe this one."
    )

    def accepted(self, attacks: dict[str, AnyAttack] | None, suite: dict[str, AnyAttack]) -> dict[str, AnyAttack]:
        """Return the attacks asked for, or the suite's."""
        return suite if attacks is None else attacks

    def described(self, attacks: dict[str, AnyAttack]) -> dict[str, str]:
        """Return the settings of every attack."""
        return {label: describe(attack) for label, attack in attacks.items()}

    def check(self, model: nn.Module, norm: Norm) -> None:
        """Accept every model and norm."""

    def identity(self) -> dict[str, Any]:
        """Return the batch size, on which random starts depend, and what each attack saw."""
        return {**super().identity(), "every_image": self.every_image}

    def measure(self, setting: Setting, attacks: dict[str, AnyAttack]) -> Curve:
        """Attack at every strength in ascending order."""
        count, shape = len(setting.labels), (len(setting.labels), len(setting.strengths))
        curve = Curve(
            survives=torch.zeros(shape, dtype=torch.bool),
            survives_eight_bit=torch.zeros(shape, dtype=torch.bool),
            per_attack={label: [] for label in attacks},
        )
        alive, alive_eight_bit = setting.clean_correct.clone(), setting.clean_correct.clone()
        nearest = {label: Nearest(setting, label, attack) for label, attack in attacks.items() if minimises(attack)}
        before = {label: torch.ones(shape, dtype=torch.bool) for label in nearest}
        records: list[Record] = []
        for column, strength in enumerate(setting.strengths):
            broke: dict[str, int] = {}
            for position, (label, attack) in enumerate(attacks.items()):
                everything = position == 0 or self.every_image or label in nearest
                chosen = torch.ones_like(alive) if everything else alive
                if isinstance(attack, Closing) and not everything:
                    chosen = attack.chosen(alive, [one.distance for one in nearest.values()], strength, broke)
                seen = chosen.nonzero().flatten()
                if label in nearest:
                    before[label][:, column] = alive
                if strength == 0:
                    left = float(setting.clean_correct.double().mean())
                else:
                    record = recorded(setting, label, attack, strength, seen, nearest.get(label))
                    records.append(record)
                    curve.passes += passes(attack, len(seen), count, nearest.get(label))
                    broken = torch.tensor(record.broken, dtype=torch.bool)
                    broke[label] = int(alive[seen[broken]].sum())
                    alive[seen[broken]] = False
                    alive_eight_bit[seen[torch.tensor(record.broken_eight_bit, dtype=torch.bool)]] = False
                    left = float((~broken if everything else alive).sum()) / count
                setting.advance(count, note=f"{label} at {setting.text(strength)}")
                curve.per_attack[label].append(left)
                if position == 0:
                    curve.raw_accuracy.append(left)
            curve.survives[:, column], curve.survives_eight_bit[:, column] = alive, alive_eight_bit
        curve.facts = verified(records, setting.norm)
        curve.facts["minimum_norm"] = cross_check(setting, records, before, curve.survives)
        return curve

    def columns(self, result: Evaluation) -> list[str]:
        """Return the worst case and its interval, the first attack alone, the 8-bit curve, and every attack."""
        return [
            *super().columns(result),
            "raw % (first attack alone)",
            "8-bit %",
            *(f"{one} %" for one in result.attacks),
        ]

    def cells(self, result: Evaluation, row: int) -> list[str]:
        """Return the cells below `columns` for one strength."""
        beside = [result.raw_accuracy[row], result.accuracy_eight_bit[row]]
        return [
            *super().cells(result, row),
            *map(percent, beside),
            *(percent(v[row]) for v in result.per_attack.values()),
        ]

    def attack_note(self, result: Evaluation) -> str:
        """Say which images each attack saw."""
        if result.settings.get("every_image"):
            return super().attack_note(result)
        return (
            "the first attack sees all images, each later one only those still right; what it does not see counts as "
            "broken"
        )


def minimises(attack: AnyAttack) -> TypeGuard[Attack]:
    """Tell whether one run of the attack serves every strength."""
    return isinstance(attack, Attack) and attack.minimises


def passes(attack: AnyAttack, seen: int, count: int, nearest: Nearest | None) -> float:
    """Return the network passes per evaluated image of one attack at one strength, its scoring included."""
    crafted = attack.passes if nearest is None else nearest.passes_due()
    return (crafted + 3) * seen / count


def recorded(
    setting: Setting, label: str, attack: AnyAttack, strength: float, seen: Tensor, nearest: Nearest | None
) -> Record:
    """Return the stored result of one attack at one strength, or run it and store it."""
    indices = [int(i) for i in seen]
    record = setting.store.read(label, strength, indices)
    if record is None:
        record = attacked(setting, label, attack, strength, indices) if nearest is None else nearest.within(strength)
        setting.store.write(record)
    elif nearest is not None:
        nearest.resumed(record)
    if record.remembering and setting.steady:
        setting.copies.renew = True
    return record
