"""`evaluate`: one call from tensors to a robustness curve one can trust."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, get_args

import torch
from torch import Tensor

from wsrnas.errors import nearest, refuse
from wsrnas.evaluation.inputs import checked_classes, checked_images, checked_labels
from wsrnas.evaluation.lock import checked_device, digest, locked, model_device, model_hash, on_device, predict
from wsrnas.evaluation.protocols.released import DESCRIPTION, LABEL, released_curve
from wsrnas.evaluation.protocols.strict import Setting, strict_curve
from wsrnas.evaluation.record import AnyAttack, Store
from wsrnas.evaluation.result import Evaluation, intervals
from wsrnas.evaluation.statistics import images_for_interval
from wsrnas.evaluation.suites import chosen_attacks, describe
from wsrnas.evaluation.summary import write_summary
from wsrnas.models.module import Wrapped, as_module
from wsrnas.progress import progress as show_progress
from wsrnas.types import Norm, parse_strengths

Protocol = Literal["strict", "released"]
RELEASED_BATCH = 25


def evaluate(
    model: Any,
    images: Tensor,
    labels: Tensor,
    strengths: str | float | int | Iterable[str | float | int],
    *,
    protocol: str = "strict",
    norm: Norm = "Linf",
    seed: int = 0,
    attacks: Mapping[str, AnyAttack] | Sequence[AnyAttack] | None = None,
    suite: str = "standard",
    batch_size: int | None = None,
    device: str | torch.device | None = None,
    every_image: bool = False,
    interval: float | None = None,
    out: str | Path | None = None,
    progress: bool = False,
) -> Evaluation:
    """Measure accuracy under attack at every strength; the caller's model is left as it was.

    strict: acc(ε) = mean over images of min over attacks, nested over strengths, every adversarial image verified.
    released: PGD-20 with BatchNorm in train mode, for comparison with printed numbers (see `released`).

    Args:
        model: images in [0,1] to logits, an `nn.Module` or (strict) any function; normalisation inside.
        images: (B,C,H,W), floats in [0,1].
        labels: (B,), classes counted from 0.
        strengths: ascending radii in pixel units of [0,1], such as ``[0, 8/255]`` or ``"0,2/255,8/255"``; 0 is clean.
        protocol: "strict" or "released".
        norm: the norm of the strengths, "Linf" or "L2".
        seed: of all random starts.
        attacks: by label, or a list; the first gives the raw curve. Default: the suite.
        suite: "fast", "standard", "strong", "autoattack" or "black-box", see `suites.SUITES`.
        batch_size: default 128; in the released protocol 25, where it changes the result.
        device: where to attack; default: where the model is. A copy of the model is moved, not the model.
        every_image: run every attack on every image, for comparable columns per attack (strict; slower).
        interval: the widest 95 % interval wanted, as ± fraction; too few images are then refused.
        out: folder whose `eval/<protocol>/` keeps a file per attack and strength; a rerun skips finished ones.
        progress: show a progress bar.

    Raises:
        InputError: bad images, labels, strengths or settings, a model that returns something else than finite logits
            or changes while it is measured, an attack that does not apply or leaves its ball, or `out` made otherwise.
    """
    known = get_args(Protocol)
    if protocol not in known:
        refuse("protocol", expected="strict or released", got=protocol, remedy=nearest(protocol, known))
    images = checked_images(images)
    home, images = images.device, images.cpu()
    labels = checked_labels(labels, len(images)).cpu()
    wanted = parse_strengths(_floats(strengths), norm=norm)
    if interval is not None and len(images) < (needed := images_for_interval(interval)):
        remedy = f"pass {needed} images or ask for a wider interval"
        refuse("images", expected=f"{needed} for an interval of ±{interval:g}", got=len(images), remedy=remedy)
    batch_size = (RELEASED_BATCH if protocol == "released" else 128) if batch_size is None else batch_size
    if batch_size < 1:
        refuse("batch_size", expected="a whole number >= 1", got=batch_size)
    suite_used = {} if protocol == "released" else chosen_attacks(attacks, suite, norm)
    if protocol == "released" and attacks is not None:
        refuse("attacks", expected="none: the released protocol fixes its attack", got="attacks", remedy="leave it out")
    chosen = checked_device(device)
    network = on_device(as_module(model), chosen)
    place = chosen or model_device(network, home)
    described = {label: describe(attack) for label, attack in suite_used.items()} or {LABEL: DESCRIPTION}
    with locked(network) as still:  # a model that a forward pass changes is refused here, before hours of attacks
        logits = predict(still, images, batch_size=batch_size, device=place)
    with locked(network) as still:
        before = model_hash(still)
        identity = {
            "model": before,
            "images": digest(images),
            "labels": digest(labels),
            "strengths": list(wanted),
            "norm": norm,
            "seed": seed,
            "attacks": described,
            "batch size": batch_size,
            "every_image": every_image,
        }
        if isinstance(still, Wrapped):  # a function has no weights to be known by
            identity["predictions"] = digest(logits.argmax(1))
        store = Store(out, protocol, identity)
        checked_classes(labels, logits.shape[1])
        again = predict(still, images, batch_size=batch_size, device=place)
        clean_correct = logits.argmax(1) == labels
        units = len(images) * len(wanted) * len(described)
        with show_progress(f"evaluate ({protocol})", units, quiet=not progress) as bar:
            setting = Setting(
                model=still,
                images=images,
                labels=labels,
                strengths=wanted,
                norm=norm,
                seed=seed,
                batch_size=batch_size,
                device=place,
                clean_correct=clean_correct,
                store=store,
                advance=bar.advance,
            )
            if protocol == "released":
                curve = released_curve(setting)
            else:
                curve = strict_curve(setting, suite_used, every_image=every_image)
        after = model_hash(still)
    accuracy, low, high = intervals(curve.survives)
    result = Evaluation(
        protocol=protocol,
        norm=norm,
        seed=seed,
        strengths=list(wanted),
        accuracy=accuracy,
        ci_low=low,
        ci_high=high,
        raw_accuracy=curve.raw_accuracy,
        accuracy_eight_bit=curve.survives_eight_bit.double().mean(0).tolist(),
        survives=curve.survives,
        clean_correct=clean_correct,
        per_attack=curve.per_attack,
        attacks=described,
        classes=int(logits.shape[1]),
        majority=float(labels.bincount().max()) / len(labels),
        verified={
            **curve.facts,
            "state_hash_before": before,
            "state_hash_after": after,
            "eval_mode": True,
            "float32": True,
            "same_output_twice": bool(torch.equal(logits, again)),
        },
        settings={"suite": suite if attacks is None and suite_used else None, **identity},
        passes=curve.passes,
    )
    if out is not None:
        result.save(out)
        write_summary(out)
    return result


def _floats(strengths: str | float | int | Iterable[str | float | int]) -> str | list[str | float]:
    if isinstance(strengths, str):
        return strengths
    several = [strengths] if isinstance(strengths, (int, float)) else strengths
    return [one if isinstance(one, str) else float(one) for one in several]
