"""`check`: all checks of a classifier, cheapest first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from wsrnas.attacks import GradientError
from wsrnas.attacks.victim import untouched
from wsrnas.errors import InputError, refuse
from wsrnas.evaluation.checks.gradients import gradients
from wsrnas.evaluation.checks.outputs import given_pixels, output_form, stability, usefulness, wanted_pixels
from wsrnas.evaluation.checks.strengths import CLOSE_CHECKS, CURVE_CHECKS, Attacks, closely, curve
from wsrnas.evaluation.checks.subject import LogitsOnly, Subject, pick_logits
from wsrnas.evaluation.checks.verdict import Finding, Verdict, found, skipped
from wsrnas.evaluation.inputs import checked_classes, checked_images, checked_labels, checked_logits
from wsrnas.evaluation.lock import checked_device, model_device, on_device
from wsrnas.models.module import as_module
from wsrnas.progress import progress as show_progress
from wsrnas.types import Norm


def check(
    model: Any,
    images: Tensor,
    labels: Tensor,
    *,
    norm: Norm = "Linf",
    seed: int = 0,
    limit: int = 256,
    attacked: int = 128,
    others: Sequence[nn.Module] = (),
    device: str | torch.device | None = None,
    progress: bool = False,
) -> Verdict:
    """Look for signs that a classifier's measured robustness is an illusion.

    The model is examined as it is handed over (its train/eval mode included) and left as it was. The checks are those
    of AutoAttack, of the indicators of attack failure and of the evaluation check-list of Carlini et al. (2019); each
    has a name in `FLAGS`. The checks that attack cost some 500 passes for each of the `attacked` images, and the
    training of a small substitute; the rest costs 40.

    Args:
        model: any `nn.Module` or function from images to logits.
        images: (B,C,H,W), some 100 to 256 test images; at least 16.
        labels: (B,), classes counted from 0.
        norm: the norm of the attacks.
        limit: use the first so many images.
        attacked: run the checks that attack on the first so many of those; 0 leaves these checks out.
        others: other models of the same classes; noise made on them should break no more images than gradients do.
        device: where to run; default: where the model is.

    Raises:
        InputError: images or labels that nothing can be made of; labels the model has no logit for.
    """
    images = images if isinstance(images, Tensor) else torch.as_tensor(images)
    if images.ndim != 4 or len(images) == 0 or not torch.isfinite(images.float()).all():
        checked_images(images)
    labels = checked_labels(labels, len(images))[:limit].cpu()
    if len(labels) < 16:
        raise InputError(f"images: expected at least 16 for the checks to mean anything, got {len(labels)}; pass more")
    chosen = checked_device(device)
    network = on_device(as_module(model), chosen)
    place = chosen or model_device(network, images.device)
    network, plain, findings = given_pixels(network, images[:limit].to("cpu"))
    others = [on_device(as_module(other), place) for other in others]
    subject = Subject(model=network, images=plain, labels=labels, norm=norm, seed=seed, device=place)
    with show_progress("check", 5, quiet=not progress) as bar:
        return _examine(subject, findings, attacked, others, lambda note: bar.advance(1, note=note))


def _examine(
    subject: Subject, findings: list[Finding], attacked: int, others: Sequence[nn.Module], advance: Any
) -> Verdict:
    with subject.as_is(), torch.no_grad():
        output = subject.model(subject.images[:8].to(subject.device))
    picked = pick_logits(output, 8)
    findings.append(found("tuple-output", picked is not output, f"the model returns a {type(output).__name__}"))
    if picked is not output:
        subject = replace(subject, model=LogitsOnly(subject.model))
    with subject.as_is():
        try:
            logits = _checked(subject)
        except FloatingPointError as error:
            return _verdict(subject, [*findings, found("nan-output", True, str(error))])
    findings.append(found("nan-output", False, "all logits are finite"))
    checked_classes(subject.labels, logits.shape[1])
    _same_classes(others, subject, logits.shape[1])
    findings += stability(subject)
    advance("stability")
    with subject.in_eval():
        if not any(one.name in ("input-0-255", "normalisation-outside-model") for one in findings):
            model, about_pixels = wanted_pixels(subject)
            findings += about_pixels
            subject = replace(subject, model=model)
    with subject.in_eval():
        logits = _checked(subject)
        findings += output_form(logits) + usefulness(subject, logits)
        advance("outputs")
        findings += gradients(subject, logits)
        advance("gradients")
        flags = {one.name for one in findings if one.state == "flag"}
        reason = _why_not(flags) if attacked > 0 else "left out (attacked=0)"
        if reason:
            findings += skipped((*CURVE_CHECKS, *CLOSE_CHECKS), reason)
        else:
            part = replace(subject, images=subject.images[:attacked], labels=subject.labels[:attacked])
            findings += _attack(part, others, advance)
    return _verdict(subject, findings)


def _attack(subject: Subject, others: Sequence[nn.Module], advance: Any) -> list[Finding]:
    attacks = Attacks(subject)
    try:
        findings, strength, clean = curve(attacks)
        advance("curve")
        findings += closely(attacks, strength, clean, others)
        advance("attacks")
    except GradientError as error:
        return skipped((*CURVE_CHECKS, *CLOSE_CHECKS), str(error))
    return findings


@torch.no_grad()
def _same_classes(others: Sequence[nn.Module], subject: Subject, classes: int) -> None:
    images = subject.images[:2].to(subject.device)
    for position, other in enumerate(others):
        with untouched(other):
            answers = checked_logits(other.eval()(images), len(images), where=f"others[{position}]")
        if answers.shape[1] != classes:
            refuse(f"others[{position}]", expected=f"a model of the same {classes} classes", got=answers.shape[1])


def _why_not(flags: set[str]) -> str:
    if "random-output" in flags:
        return "outputs are random, so attacks cannot be compared"
    if "constant-classifier" in flags:
        return "the model is constant"
    if "non-differentiable" in flags and "zero-gradient" not in flags:
        return "there is no gradient to attack with"
    return ""


def _checked(subject: Subject) -> Tensor:
    logits = subject.logits(subject.images)
    if not torch.isfinite(logits).all():
        bad = int((~torch.isfinite(logits)).any(1).sum())
        raise FloatingPointError(f"NaN or infinity for {bad} of {len(logits)} images")
    return checked_logits(logits, len(subject.images))


def _verdict(subject: Subject, findings: list[Finding]) -> Verdict:
    return Verdict(tuple(findings), images=len(subject.labels), norm=subject.norm)
