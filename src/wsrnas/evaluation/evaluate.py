"""`evaluate`: one call from tensors to a robustness curve one can trust."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from wsrnas.errors import refuse
from wsrnas.evaluation.folder.store import Store
from wsrnas.evaluation.folder.summary import set_aside, write_summary
from wsrnas.evaluation.inputs import checked_classes, checked_images, checked_labels, checked_others
from wsrnas.evaluation.protocols import Curve, Protocol, Setting, Strict, as_protocol
from wsrnas.evaluation.result import Evaluation, intervals
from wsrnas.evaluation.statistics import images_for_interval
from wsrnas.evaluation.strengths import Strengths, read_strengths, spell
from wsrnas.evaluation.suites import Asked, chosen_attacks
from wsrnas.evaluation.under_test.copies import Copies
from wsrnas.evaluation.under_test.guard import Guarded
from wsrnas.evaluation.under_test.lock import checked_device, digest, locked, model_device, model_hash, on_device
from wsrnas.evaluation.under_test.look import first_answers, look_at
from wsrnas.models.module import Counted, Wrapped, as_module
from wsrnas.progress import progress as show_progress
from wsrnas.runs.lock import held
from wsrnas.runtime import processes
from wsrnas.types import Norm

SEEDS = 150
"""Images that an attacker without any knowledge but these starts from, as in Papernot's black box."""


def evaluate(
    model: Any,
    images: Tensor,
    labels: Tensor,
    strengths: Strengths,
    *,
    protocol: str | Protocol = "strict",
    norm: Norm = "Linf",
    seed: int = 0,
    attacks: Asked | None = None,
    suite: str = "standard",
    others: Sequence[nn.Module] = (),
    batch_size: int | None = None,
    device: str | torch.device | None = None,
    every_image: bool = False,
    interval: float | None = None,
    out: str | Path | None = None,
    progress: bool = False,
) -> Evaluation:
    """Measure accuracy under attack at every strength; the caller's model is left as it was.

    strict: acc(ε) = mean over images of min over attacks, nested over strengths, every adversarial image verified.
    released: PGD-20 with BatchNorm in train mode, for comparison with printed numbers (see `Released`).

    Several processes (torchrun, srun; a `Runtime` made before) share the batches; all return what one would return.

    Args:
        model: images in [0,1] to logits, an `nn.Module` or (strict) any function; normalisation inside.
        images: (B,C,H,W), floats in [0,1].
        labels: (B,), classes counted from 0.
        strengths: ascending radii in pixel units of [0,1], such as ``[0, 8/255]`` or ``"0,2/255,8/255"``; 0 is clean.
        protocol: "strict" or "released", or an object of `protocols` with settings of its own.
        norm: the norm of the strengths, "Linf" or "L2".
        seed: of all random starts.
        attacks: by label, in a list or by name (``"pgd:steps=50,fgsm"``); the first gives the raw curve. Default: the
            suite.
        suite: a name of `suites.SUITES`.
        others: models of the same classes, which the attack ``transfer`` is crafted on.
        batch_size: default: the protocol's, 128; in the released protocol 25, where it changes the result.
        device: where to attack; default: where the model is. A copy of the model is moved, not the model.
        every_image: run every attack on every image, for comparable columns per attack (strict; slower).
        interval: the widest 95 % interval wanted, as ± fraction; too few images are then refused.
        out: folder whose `eval/<protocol>/` keeps a file per attack and strength; a rerun skips finished ones. Other
            strengths join the curve that was finished there, other settings get a place of their own below it.
        progress: show a progress bar.

    Raises:
        InputError: bad images, labels, strengths or settings, a model that returns something else than finite logits
            or changes while it is measured, an attack that does not apply or leaves its ball, or `out` made with
            another model or in use.
    """
    chosen = _chosen(protocol, batch_size, every_image)
    images = checked_images(images)
    home, images = images.device, images.cpu()
    labels = checked_labels(labels, len(images)).cpu()
    wanted, spelling = read_strengths(strengths, norm=norm)
    if interval is not None and len(images) < (needed := images_for_interval(interval)):
        remedy = f"pass {needed} images or ask for a wider interval"
        refuse("images", expected=f"{needed} for an interval of ±{interval:g}", got=len(images), remedy=remedy)
    where = checked_device(device)
    network = on_device(as_module(model), where)
    place = where or model_device(network, home)
    sources = [on_device(as_module(other), place) for other in others]
    known = chosen_attacks(attacks, suite, norm, others=sources, images=images[:SEEDS])
    used = chosen.accepted(None if attacks is None else known, known)
    processes.together(lambda: _refuse_idle(len(images)))
    with locked(network):
        copies, guarded = Copies(network), Guarded(network)
    logits = processes.first(lambda: first_answers(network, guarded, images, chosen.batch_size, place))
    chosen.check(network, norm)
    with locked(network), held(None if out is None else Path(out) / "eval", argument="out"):
        before = model_hash(network)
        identity: dict[str, Any] = {
            "model": before,
            "images": digest(images),
            "labels": digest(labels),
            "norm": norm,
            "seed": seed,
            "attacks": chosen.described(used),
            **chosen.identity(),
        }
        if isinstance(network, Wrapped):  # a function has no weights to be known by
            identity["predictions"] = digest(logits.argmax(1))
        store = Store(out, chosen.name, identity)
        if (earlier := store.finished()) is not None:
            wanted = tuple(sorted({*wanted, *earlier.strengths}))
            spelling = spell(wanted, {**earlier.spelling, **spelling})
        checked_classes(labels, logits.shape[1])
        checked_others(sources, images[:2].to(place), logits.shape[1])
        asked = _queries(network)
        look = partial(look_at, copies, guarded, images, logits, batch_size=chosen.batch_size, device=place)
        steady, facts, reason = processes.first(look)
        copies.do_without(reason)
        copies.renew = steady and facts["remembers"]
        clean_correct = logits.argmax(1) == labels
        units = len(images) * len(wanted) * len(identity["attacks"])
        with show_progress(f"evaluate ({chosen.name})", units, quiet=not progress) as bar:
            setting = Setting(
                copies=copies,
                images=images,
                labels=labels,
                strengths=wanted,
                norm=norm,
                seed=seed,
                batch_size=chosen.batch_size,
                device=place,
                clean_correct=clean_correct,
                store=store,
                steady=steady,
                text=spelling.__getitem__,
                advance=bar.advance,
            )
            curve = chosen.measure(setting, used)
        facts = {
            **curve.facts,
            **facts,
            "scored_on_a_fresh_copy": not copies.reason or copies.reason,
            "state_hash_before": before,
            "state_hash_after": model_hash(network),
            "eval_mode": True,
            "float32": True,
            "same_output_twice": steady,
        }
        if isinstance(network, Counted):
            facts["queries"] = sum(processes.gather(lambda: _queries(network) - (0 if processes.is_first() else asked)))
        settings = {"suite": suite if attacks is None and used else None, "place": store.name, **identity}
        result = _result(chosen, setting, curve, facts, settings, classes=int(logits.shape[1]))
        store.finish(result)
        if out is not None:
            processes.first(lambda: _write(result, out))
    return result


def _write(result: Evaluation, out: str | Path) -> None:
    """Write the curve and the summary beside it."""
    result.save(out)
    set_aside(out, result)
    write_summary(out)


def _queries(network: nn.Module) -> int:
    return network.queries.count if isinstance(network, Counted) else 0


def _refuse_idle(images: int) -> None:
    if images < (count := processes.size()):
        expected = f"one or more for each of the {count} processes"
        refuse("images", expected=expected, got=images, remedy="use fewer processes")


def _chosen(protocol: str | Protocol, batch_size: int | None, every_image: bool) -> Protocol:
    chosen = as_protocol(protocol)
    if every_image and isinstance(chosen, Strict):
        chosen = replace(chosen, every_image=True)
    return chosen if batch_size is None else replace(chosen, batch_size=batch_size)


def _result(
    protocol: Protocol, setting: Setting, curve: Curve, facts: dict[str, Any], settings: dict[str, Any], *, classes: int
) -> Evaluation:
    accuracy, low, high = intervals(curve.survives)
    return Evaluation(
        protocol=protocol.name,
        norm=setting.norm,
        seed=setting.seed,
        strengths=list(setting.strengths),
        strengths_text=[setting.text(strength) for strength in setting.strengths],
        accuracy=accuracy,
        ci_low=low,
        ci_high=high,
        raw_accuracy=curve.raw_accuracy,
        accuracy_eight_bit=curve.survives_eight_bit.double().mean(0).tolist(),
        survives=curve.survives,
        clean_correct=setting.clean_correct,
        per_attack=curve.per_attack,
        attacks=settings["attacks"],
        classes=classes,
        majority=float(setting.labels.bincount().max()) / len(setting.labels),
        verified=facts,
        settings=settings,
        passes=curve.passes,
    )
