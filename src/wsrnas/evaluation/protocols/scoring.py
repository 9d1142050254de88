"""One attack on one batch at a time: verified, and scored by a copy of the model that has seen nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from itertools import islice
from typing import TypeAlias

import torch
from torch import Tensor, nn

from wsrnas.attacks import GradientError
from wsrnas.errors import InputError
from wsrnas.evaluation.inputs import checked_logits
from wsrnas.evaluation.protocols.base import Setting
from wsrnas.evaluation.record import EXAMPLES, AnyAttack, Record
from wsrnas.evaluation.under_test.copies import unlike
from wsrnas.evaluation.under_test.guard import Guarded
from wsrnas.evaluation.verify import check_noise, eight_bit
from wsrnas.rng import stream
from wsrnas.runtime import processes
from wsrnas.types import Images, Labels, Logits


@dataclass(kw_only=True)
class Tally:
    """What was seen so far of one attack at one strength."""

    broken: list[bool] = field(default_factory=list)
    broken_eight_bit: list[bool] = field(default_factory=list)
    distance: list[float] = field(default_factory=list)
    remembering: int = 0
    broken_gradients: bool = False


Example: TypeAlias = tuple[int, Tensor, Tensor]
"""Position, clean image and adversarial image."""


@dataclass(frozen=True, kw_only=True)
class Batch:
    """What was seen of the batch that starts at one place of a record's images, and a few of its images."""

    start: int
    tally: Tally
    kept: list[Example]


def attacked(setting: Setting, label: str, attack: AnyAttack, strength: float, indices: list[int]) -> Record:
    """Attack some images at one strength in batches, each on a fresh copy of the model, and verify every result.

    Where an attacked copy turns out to remember, everything is done again with copies that are renewed at every call.
    Several processes share the batches, whole, so that each is the same whoever works on it.

    Raises:
        InputError: the attack does not apply to the model, fails on it, or leaves its ball.
    """
    own = partial(_attacked_here, setting, label, attack, strength, indices)
    scored = sorted((batch for found in processes.gather(own) for batch in found), key=lambda batch: batch.start)
    caught = next((batch for batch in scored if batch.tally.remembering), None)
    if caught is not None and setting.steady and not setting.copies.renew:
        setting.copies.renew = True
        again = attacked(setting, label, attack, strength, indices)
        return replace(again, remembering=caught.tally.remembering)
    tally, kept = merged(scored)
    keep(setting, label, strength, kept)
    return Record(attack=label, strength=strength, indices=indices, **asdict(tally))


def _attacked_here(setting: Setting, label: str, attack: AnyAttack, strength: float, indices: list[int]) -> list[Batch]:
    """Attack and score this process's batches, up to one that shows that the model remembers."""
    found: list[Batch] = []
    for rows, start in own_batches(indices, setting.batch_size):
        model, tally = setting.copies.fresh(), Tally()
        moved = craft(setting, model, label, attack, strength, rows, start)
        wrong = score(setting, tally, model, label, strength, rows, moved)
        found.append(Batch(start=start, tally=tally, kept=examples(setting, rows, moved, wrong)))
        if tally.remembering and setting.steady and not setting.copies.renew:
            break
    return found


def own_batches(indices: list[int], size: int) -> Iterator[tuple[Tensor, int]]:
    """Yield those of `batches` that are this process's: every n-th of n processes, whole."""
    return islice(batches(indices, size), processes.rank(), None, processes.size())


def merged(scored: list[Batch]) -> tuple[Tally, list[Example]]:
    """Return what was seen in all batches of a record, in their order, and the first images that were kept."""
    tally, kept = Tally(), list[Example]()
    for batch in scored:
        tally.broken += batch.tally.broken
        tally.broken_eight_bit += batch.tally.broken_eight_bit
        tally.distance += batch.tally.distance
        tally.remembering += batch.tally.remembering
        tally.broken_gradients |= batch.tally.broken_gradients
        kept += batch.kept
    return tally, kept[:EXAMPLES]


def batches(indices: list[int], size: int) -> Iterator[tuple[Tensor, int]]:
    """Yield positions of images batch by batch, and where each batch starts."""
    for start in range(0, len(indices), size):
        yield torch.tensor(indices[start : start + size]), start


def craft(
    setting: Setting, model: Guarded, label: str, attack: AnyAttack, strength: float, rows: Tensor, start: int
) -> Images:
    """Return adversarial images of one batch on the CPU; the attack gets copies of images and labels.

    Raises:
        InputError: the attack does not apply to the model, or fails on it.
    """
    generator = stream(setting.seed, "evaluate", label, f"{strength:.8g}", start)
    given = setting.images[rows].to(setting.device), setting.labels[rows].to(setting.device)
    with plainly(label, len(rows)):
        return attack.at(strength)(model, *given, generator).detach().cpu().contiguous()


@contextmanager
def plainly(label: str, count: int) -> Iterator[None]:
    """Say in one sentence that an attack does not apply to a model, or that the model cannot take its batches."""
    try:
        yield
    except GradientError as error:
        raise InputError(f"attack {label} does not apply: {error}; or evaluate with suite='queries'") from error
    except (RuntimeError, TypeError, IndexError) as error:
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        message = f"attack {label}: failed on a batch of {count} images ({reason})"
        raise InputError(
            f"{message}; the model must be differentiable and take batches of any size up to batch_size"
        ) from error


def score(
    setting: Setting, tally: Tally, model: Guarded | None, label: str, strength: float, rows: Tensor, moved: Images
) -> Tensor:
    """Verify adversarial images and classify them, also rounded to 8 bits, by a fresh copy; return which are wrong.

    `model`, the copy that was attacked, is asked too: where it says something else it remembers what it has seen.

    Raises:
        InputError: an image outside its ball, logits that are no numbers, or weights that changed on the way.
    """
    images, labels = setting.images[rows], setting.labels[rows]
    found = check_noise(images, moved, strength, setting.norm, attack=label)
    fresh = setting.copies.fresh()
    logits = answers(setting, fresh, moved)
    wrong = logits.argmax(1) != labels
    rounded, inside = eight_bit(images, moved, strength, setting.norm)
    tally.broken += wrong.tolist()
    tally.broken_eight_bit += (wrong & inside & misclassified(setting, fresh, rounded, labels)).tolist()
    tally.distance += [float(distance) for distance in found]
    if model is not None:
        tally.remembering += int(unlike(logits, answers(setting, model, moved)).sum())
        tally.broken_gradients |= model.broken_gradients
        setting.copies.refuse_changed(model)
    setting.copies.refuse_changed(fresh)
    return wrong


@torch.no_grad()
def answers(setting: Setting, model: nn.Module, images: Images) -> Logits:
    """Return the logits of adversarial images on the CPU.

    Raises:
        InputError: the model gave NaN logits, or something else than logits.
    """
    output = model(images.to(setting.device))
    return checked_logits(output, len(images), where="the model's output on adversarial images").float().cpu()


def misclassified(setting: Setting, model: nn.Module, images: Images, labels: Labels) -> Tensor:
    """Return which adversarial images are misclassified."""
    return answers(setting, model, images).argmax(1) != labels


def examples(setting: Setting, rows: Tensor, moved: Images, wrong: Tensor) -> list[Example]:
    """Return a few images that were right and now are wrong."""
    chosen = (wrong & setting.clean_correct[rows]).nonzero().flatten().tolist()[:EXAMPLES]
    return [(int(rows[row]), setting.images[rows[row]], moved[row]) for row in chosen]


def keep(setting: Setting, label: str, strength: float, kept: list[Example]) -> None:
    """Write a few adversarial images for the report."""
    if kept:
        clean, adversarial = torch.stack([one[1] for one in kept]), torch.stack([one[2] for one in kept])
        setting.store.write_examples(label, strength, [one[0] for one in kept], clean, adversarial)
