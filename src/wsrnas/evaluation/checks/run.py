"""`check`: all checks of a classifier, cheapest first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from wsrnas.attacks.victim import untouched
from wsrnas.errors import at_least
from wsrnas.evaluation.checks.gradients import broken_in_use, gradients
from wsrnas.evaluation.checks.handed_over import any_size, askable, given_pixels, logits_alone
from wsrnas.evaluation.checks.memory import Witness
from wsrnas.evaluation.checks.outputs import output_form, usefulness, wanted_pixels
from wsrnas.evaluation.checks.stability import stability
from wsrnas.evaluation.checks.subject import BATCH, Subject
from wsrnas.evaluation.checks.under_attack import under_attack
from wsrnas.evaluation.checks.verdict import Finding, Verdict, found, skipped
from wsrnas.evaluation.inputs import checked_classes, checked_images, checked_labels, checked_others
from wsrnas.evaluation.under_test.copies import Copies
from wsrnas.evaluation.under_test.guard import Guarded
from wsrnas.evaluation.under_test.lock import checked_device, model_device, on_device
from wsrnas.models.module import as_module
from wsrnas.progress import progress as show_progress
from wsrnas.types import Norm

POINTS = 64


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

    The model is examined as it is handed over (its train/eval mode included), on copies, so that it is left as it was.
    The checks are those of AutoAttack, of the indicators of attack failure and of the evaluation check-list of Carlini
    et al. (2019), and others that look at memory, at batches and at the boundary between classes; each has a name in
    `FLAGS`. The checks that attack cost some 700 passes for each of the `attacked` images, and the training of a small
    student; the rest costs 100.

    Args:
        model: any `nn.Module` (TorchScript and float64 too) or function from images to logits.
        images: (B,C,H,W), best some 100 to 256 test images; the verdict says what fewer can show.
        labels: (B,), classes counted from 0.
        norm: the norm of the attacks.
        limit: use the first so many images.
        attacked: run the checks that attack on the first so many of those; 0 leaves these checks out.
        others: other models of the same classes; noise made on them should break no more images than gradients do.
        device: where to run; default: where the model is.

    Raises:
        InputError: images or labels that nothing can be made of; labels the model has no logit for; a model with
            layers that were never initialised, that cannot classify the images, or takes batches of some sizes only.
    """
    at_least(1, limit=limit)
    at_least(0, attacked=attacked)
    images = images if isinstance(images, Tensor) else torch.as_tensor(images)
    if images.ndim != 4 or len(images) == 0 or not torch.isfinite(images.float()).all():
        checked_images(images)
    labels = checked_labels(labels, len(images))[:limit].cpu()
    chosen = checked_device(device)
    network = on_device(askable(model), chosen)
    place = chosen or model_device(network, images.device)
    dress, plain, findings = given_pixels(images[:limit].to("cpu"))
    for one in dress:
        network = one(network)
    some = plain[torch.arange(BATCH) % len(plain)].to(place)
    network, about_output = logits_alone(network, some[:8])
    others = [on_device(as_module(other), place) for other in others]
    copies = Copies(network)
    with torch.no_grad(), untouched(network):
        copies.check(some[:8], Guarded(network)(some[:8]))
        for batch in (some, some[:5]):
            any_size(copies.fresh(), batch)
    guard = copies.fresh()
    subject = Subject(
        copies=copies, guard=guard, model=guard, images=plain, labels=labels, norm=norm, seed=seed, device=place
    )
    with show_progress("check", 5, quiet=not progress) as bar:
        findings = [*findings, about_output]
        return _examine(subject, findings, attacked, others, lambda note: bar.advance(1, note=note))


def _examine(
    subject: Subject,
    findings: list[Finding],
    attacked: int,
    others: Sequence[nn.Module],
    advance: Callable[[str], object],
) -> Verdict:
    points = subject.points(POINTS, "stability")
    witness = Witness.of(subject, points)
    with subject.as_is():
        logits = subject.logits(subject.images)
        everything = torch.cat([logits, subject.logits(points)])
    if not torch.isfinite(everything).all():
        bad = int((~torch.isfinite(everything)).any(1).sum())
        nan = found("nan-output", True, f"NaN or infinity for {bad} of {len(everything)} images and points around them")
        return _verdict(subject, [*findings, nan])
    findings.append(found("nan-output", False, "all logits are finite"))
    checked_classes(subject.labels, logits.shape[1])
    checked_others(others, subject.images[:2].to(subject.device), logits.shape[1])
    findings += stability(subject, points)
    advance("stability")
    as_given = subject
    if not any(one.name in ("input-0-255", "normalisation-outside-model") for one in findings):
        with subject.in_eval():
            dress, about_pixels = wanted_pixels(subject)
        findings += about_pixels
        subject = subject if dress is None else subject.dressed(dress)
    with subject.in_eval():
        logits = subject.logits(subject.images)
        around = subject.logits(subject.points(POINTS, "form", spread=1.0))
        findings += output_form(logits, around) + usefulness(subject, logits)
        advance("outputs")
        findings += gradients(subject, logits)
        advance("gradients")
        attacks, moved = under_attack(subject, findings, attacked, others, advance)
        findings = broken_in_use(subject, findings + attacks)
    random = any(one.name == "random-output" and one.state == "flag" for one in findings)
    if random:
        findings += skipped(("changes-with-use",), "outputs are random, so answers cannot be compared")
    else:
        findings.append(witness.compare(as_given, moved))
    return _verdict(subject, findings)


def _verdict(subject: Subject, findings: list[Finding]) -> Verdict:
    return Verdict(tuple(findings), images=len(subject.labels), norm=subject.norm)
