"""The strict protocol: the worst case over attacks, image by image, nested over strengths, every image verified."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from wsrnas.attacks import GradientError
from wsrnas.errors import InputError
from wsrnas.evaluation.inputs import checked_logits
from wsrnas.evaluation.record import EXAMPLES, AnyAttack, Record, Store
from wsrnas.evaluation.verify import check_noise, eight_bit
from wsrnas.rng import stream
from wsrnas.types import Images, Labels, Norm, format_strength


@dataclass(kw_only=True)
class Curve:
    """What a protocol measured: per image and strength, and per attack."""

    survives: Tensor
    survives_eight_bit: Tensor
    raw_accuracy: list[float] = field(default_factory=list)
    per_attack: dict[str, list[float]] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    passes: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What is evaluated and how, for both protocols. Images and labels are on the CPU, where facts are checked."""

    model: nn.Module
    images: Images
    labels: Labels
    strengths: tuple[float, ...]
    norm: Norm
    seed: int
    batch_size: int
    device: torch.device
    clean_correct: Tensor
    store: Store
    advance: Callable[..., None]


def strict_curve(setting: Setting, attacks: dict[str, AnyAttack], *, every_image: bool = False) -> Curve:
    """Attack at every strength in ascending order: the first attack all images, each later one the survivors.

    survives(x, ε_k) = survives(x, ε_{k−1}) ∧ no attack breaks x at ε_k, where survives(x, 0) is: x is right without
    noise. The raw curve is the first attack alone on all images, each strength on its own, so that a rise with
    strength, which nesting hides, can be seen.
    """
    count, shape = len(setting.labels), (len(setting.labels), len(setting.strengths))
    curve = Curve(
        survives=torch.zeros(shape, dtype=torch.bool),
        survives_eight_bit=torch.zeros(shape, dtype=torch.bool),
        per_attack={label: [] for label in attacks},
    )
    alive, alive_eight_bit = setting.clean_correct.clone(), setting.clean_correct.clone()
    records: list[Record] = []
    for column, strength in enumerate(setting.strengths):
        for position, (label, attack) in enumerate(attacks.items()):
            everything = position == 0 or every_image
            seen = torch.arange(count) if everything else alive.nonzero().flatten()
            if strength == 0:
                left = float(setting.clean_correct.double().mean())
            else:
                record = recorded_attack(setting, label, attack, strength, seen)
                records.append(record)
                curve.passes += (attack.passes + 2) * len(seen) / count
                broken = torch.tensor(record.broken, dtype=torch.bool)
                alive[seen[broken]] = False
                alive_eight_bit[seen[torch.tensor(record.broken_eight_bit, dtype=torch.bool)]] = False
                left = float((~broken).sum()) / count
            setting.advance(count, note=f"{label} at {format_strength(strength)}")
            curve.per_attack[label].append(left)
            if position == 0:
                curve.raw_accuracy.append(left)
        curve.survives[:, column], curve.survives_eight_bit[:, column] = alive, alive_eight_bit
    curve.facts = _facts(records, setting.norm)
    return curve


def recorded_attack(setting: Setting, label: str, attack: AnyAttack, strength: float, seen: Tensor) -> Record:
    """Return the stored result of one attack at one strength, or run it and store it."""
    indices = [int(i) for i in seen]
    record = setting.store.read(label, strength, indices)
    if record is None:
        record = _run(setting, label, attack.at(strength), strength, indices)
        setting.store.write(record)
    return record


def _run(setting: Setting, label: str, attack: AnyAttack, strength: float, indices: list[int]) -> Record:
    broken: list[bool] = []
    broken_eight_bit: list[bool] = []
    distance: list[float] = []
    kept: list[tuple[int, Tensor, Tensor]] = []
    for start in range(0, len(indices), setting.batch_size):
        rows = torch.tensor(indices[start : start + setting.batch_size])
        images, labels = setting.images[rows], setting.labels[rows]
        generator = stream(setting.seed, "evaluate", label, f"{strength:.8g}", start)
        try:
            there = images.to(setting.device), labels.to(setting.device)
            moved = attack(setting.model, *there, generator).detach().cpu().contiguous()
        except GradientError as error:
            raise InputError(f"attack {label} does not apply: {error}; or evaluate with suite='black-box'") from error
        found = check_noise(images, moved, strength, setting.norm, attack=label)
        wrong = misclassified(setting, moved, labels)
        rounded, inside = eight_bit(images, moved, strength, setting.norm)
        wrong_eight_bit = wrong & inside & misclassified(setting, rounded, labels)
        broken += wrong.tolist()
        broken_eight_bit += wrong_eight_bit.tolist()
        distance += [float(d) for d in found]
        for row in (wrong & setting.clean_correct[rows]).nonzero().flatten().tolist()[: EXAMPLES - len(kept)]:
            kept.append((int(rows[row]), images[row], moved[row]))
    if kept:
        clean, adversarial = torch.stack([k[1] for k in kept]), torch.stack([k[2] for k in kept])
        setting.store.write_examples(label, strength, [k[0] for k in kept], clean, adversarial)
    return Record(
        attack=label,
        strength=strength,
        indices=indices,
        broken=broken,
        broken_eight_bit=broken_eight_bit,
        distance=distance,
    )


@torch.no_grad()
def misclassified(setting: Setting, images: Images, labels: Labels, *, model: nn.Module | None = None) -> Tensor:
    """Return which images are misclassified in a fresh forward pass, by another `model` than the setting's if given.

    Raises:
        InputError: the model gave NaN logits on adversarial images.
    """
    output = (model or setting.model)(images.to(setting.device))
    logits = checked_logits(output, len(images), where="the model's output on adversarial images")
    return logits.argmax(1).cpu() != labels


def _facts(records: list[Record], norm: Norm) -> dict[str, Any]:
    broken = sum(sum(record.broken) for record in records)
    rounded = sum(sum(record.broken_eight_bit) for record in records)
    farthest = max((max(r.distance, default=0.0) / r.strength for r in records), default=0.0)
    return {
        "adversarial_images_checked": sum(len(record.indices) for record in records),
        "outside_ball": 0,
        "outside_pixel_range": 0,
        "largest_distance_over_strength": farthest,
        "misclassified_in_a_fresh_pass": broken,
        "misclassified_after_8_bit_rounding": rounded,
        "share_surviving_8_bit_rounding": rounded / broken if broken else None,
        "norm": norm,
    }
