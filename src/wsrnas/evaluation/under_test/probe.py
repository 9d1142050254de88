"""What a few forward passes show of a model before it is attacked: the form of its logits, what they depend on."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from wsrnas.attacks.victim import refuses_gradients, trainable, untouched
from wsrnas.evaluation.under_test.copies import Copies, unlike
from wsrnas.evaluation.under_test.lock import predict
from wsrnas.models.module import Counted
from wsrnas.rng import stream
from wsrnas.types import Images, Logits

SIZES = (1, 2, 5, 20, 101)
"""Batch sizes at which answers are compared; besides them the last batch, and a whole one in another order."""
JITTER = 4 / 255
"""Random changes of every pixel under which some logit of some image must move."""
JITTERED = 64
_ROUNDING = 16 * 2.0**-24


@torch.no_grad()
def probe(copies: Copies, images: Images, logits: Logits, *, batch_size: int, device: torch.device) -> dict[str, Any]:
    """Return facts about a model; `logits` are its first answers to the images, in batches of `batch_size`.

    - `probabilities`: the outputs are what comes out of a softmax or a sigmoid.
    - `classes_predicted`: how many different classes it names.
    - `batch_dependent_at`: the first way of cutting batches in which an image gets another answer, else None.
    - `remembers`: whether images moved by random noise of `JITTER` get another answer after the images themselves.
    - `gradient_aware`: whether an image gets another answer when a gradient of images or weights is asked for.
    - `still_under_noise`: share of images whose logits stay exactly the same under that noise.
    """
    jittered = images[:JITTERED]
    noise = torch.rand(jittered.shape, generator=stream(0, "evaluate", "jitter")) * 2 - 1
    moved, model = (jittered + JITTER * noise).clamp(0, 1), copies.fresh()
    predict(model, jittered, batch_size=len(jittered), device=device)
    after = predict(model, moved, batch_size=len(moved), device=device)
    before = predict(copies.fresh(), moved, batch_size=len(moved), device=device)
    return {
        "probabilities": looks_like_probabilities(logits),
        "classes_predicted": int(logits.argmax(1).unique().numel()),
        "batch_dependent_at": _batch_dependence(copies, images, logits, batch_size, device),
        "remembers": bool(unlike(before, after).any()),
        "gradient_aware": _gradient_aware(copies, jittered, device),
        "still_under_noise": float((after == logits[: len(after)]).all(1).double().mean()),
    }


def _gradient_aware(copies: Copies, images: Images, device: torch.device) -> bool:
    """Ask as a training would, weights unfrozen, and as an attack does; functions are never asked for gradients."""
    if isinstance(copies.model, Counted):
        return False
    plain = predict(copies.fresh(), images, batch_size=len(images), device=device)
    for of_weights in (True, False):
        model = copies.fresh()
        try:
            with untouched(model), torch.enable_grad():
                trainable(model, of_weights)
                watched = model(images.to(device).requires_grad_(not of_weights))
        except RuntimeError as error:
            if not refuses_gradients(error):
                raise
            continue
        if bool(unlike(plain, watched).any()):
            return True
    return False


def looks_like_probabilities(logits: Logits) -> bool:
    """Tell whether outputs (B,K) are those of a softmax, at any temperature, or of a sigmoid.

    A softmax: all rows with the same sum, and none below 0 or, if it was scaled and shifted, nearly all with the same
    smallest number. A sigmoid: all in [0,1], and some near an end of it. Sums are the same if they differ by little
    beside the outputs themselves or by what rounding does: a large number added to all logits makes no probabilities.
    """
    low, high = logits.min(), logits.max()
    sums, least = logits.double().sum(1), logits.amin(1)
    apart = float(sums.max() - sums.min())
    if bool(low >= -1e-6):
        ends = bool(high <= 1 + 1e-6) and bool(((logits < 0.02) | (logits > 0.98)).any())
        at_one = float((sums - 1).abs().max()) <= 2e-3
        rounding = _ROUNDING * float(sums.mean())
        alike = apart <= max(1e-3 * float(high - low), rounding)
        return ends or at_one or (len(logits) > 1 and float(high) > 0 and alike)
    bottomed = float((least <= low + 0.02 * (high - low)).double().mean())
    return len(logits) >= 8 and apart <= 1e-3 * float(high - low) and bottomed > 0.9


def _batch_dependence(
    copies: Copies, images: Images, logits: Logits, batch_size: int, device: torch.device
) -> str | None:
    def answers(part: Images) -> Logits:
        return predict(copies.fresh(), part, batch_size=len(part), device=device)

    sizes = {min(size, batch_size, len(images)) for size in (*SIZES, len(images) % batch_size or 1)}
    for size in sorted(sizes):
        try:
            found = answers(images[:size])
        except (RuntimeError, ValueError):
            return f"batches of {size}, which it refuses"
        if bool(unlike(logits, _padded(found, logits)).any()):
            return f"batches of {size}"
    whole = images[:batch_size].flip(0)
    if bool(unlike(logits, _padded(answers(whole).flip(0), logits)).any()):
        return f"batches of {len(whole)} in another order"
    return None


def _padded(answers: Tensor, logits: Tensor) -> Tensor:
    """Fill up the answers to the first images with the known ones, so that both are judged by the same spread."""
    return torch.cat([answers, logits[len(answers) :]])
