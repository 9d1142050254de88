"""A small student of the model's answers: its gradients owe nothing to those that the model may hide."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from wsrnas.attacks.black_box import small_substitute
from wsrnas.evaluation.checks.subject import Subject
from wsrnas.rng import fixed_global_seed, stream
from wsrnas.types import Images

_POINTS, _PASSES, _BATCH, _RATE = 1536, 12, 64, 2e-3
_SHARPNESS = 4.0


def distilled(subject: Subject, strength: float) -> nn.Module:
    """Return a small network, in eval mode, trained on the model's answers to images, to noise on them and mixtures.

    min_F mean_i CE(softmax(z(x_i)·τ), F(x_i)), τ such that the median margin becomes 4: neither the scale of the logits
    nor one-hot outputs keep anything from the student.

    Args:
        strength: radius in pixel units up to which points lie around the images.
    """
    images, answers = _lessons(subject, strength)
    with fixed_global_seed(subject.seed, "student"):
        student = small_substitute(images.shape[1], answers.shape[1]).to(subject.device)
    optimiser = torch.optim.Adam(student.parameters(), lr=_RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, max_lr=_RATE, total_steps=_PASSES * -(-len(images) // _BATCH)
    )
    generator = stream(subject.seed, "lessons")
    with torch.enable_grad():
        for _ in range(_PASSES):
            for rows in torch.randperm(len(images), generator=generator).split(_BATCH):
                optimiser.zero_grad()
                logits = student(images[rows].to(subject.device))
                functional.cross_entropy(logits, answers[rows].to(subject.device)).backward()
                optimiser.step()
                schedule.step()
    return student.eval().requires_grad_(False)


def _lessons(subject: Subject, strength: float) -> tuple[Images, Tensor]:
    """Return points and the model's answers to them as probabilities."""
    generator = stream(subject.seed, "points of the lessons")
    chosen = torch.randint(0, len(subject.images), (max(_POINTS - len(subject.images), 0),), generator=generator)
    others = torch.randint(0, len(subject.images), (len(chosen),), generator=generator)
    share = 0.5 * torch.rand(len(chosen), 1, 1, 1, generator=generator).square()
    width = strength * torch.rand(len(chosen), 1, 1, 1, generator=generator)
    signs = torch.randint(0, 2, (len(chosen), *subject.images.shape[1:]), generator=generator) * 2.0 - 1.0
    mixed = (1 - share) * subject.images[chosen] + share * subject.images[others]
    points = torch.cat([subject.images, (mixed + width * signs).clamp(0, 1)])
    logits = subject.logits(points)
    top = logits.topk(2, dim=1).values
    sharpness = _SHARPNESS / (top[:, 0] - top[:, 1]).median().clamp_min(1e-12)
    return points, (logits * sharpness).softmax(1)
