"""PGD, Auto-PGD and the losses against slow loops written from the papers' text, pixel by pixel."""

import math

import pytest
import torch
from torch import nn

from wsrnas.attacks import APGD, PGD
from wsrnas.attacks.apgd import checkpoints
from wsrnas.attacks.norms import Ball
from wsrnas.attacks.objectives import (
    Goal,
    difference_of_logits_ratio,
    margin,
    targeted_dlr,
)


def network():
    with torch.random.fork_rng():
        torch.manual_seed(4)
        return nn.Sequential(nn.Flatten(), nn.Linear(12, 8), nn.Tanh(), nn.Linear(8, 4)).double()


def batch():
    generator = torch.Generator().manual_seed(9)
    return torch.rand(3, 3, 2, 2, generator=generator).double(), torch.tensor([0, 3, 1])


def gradient_of(model, pixels, label, sign):
    leaf = torch.tensor(pixels, dtype=torch.float64).reshape(1, 3, 2, 2).requires_grad_(True)
    loss = -torch.log_softmax(model(leaf), dim=1)[0, label] * sign
    return torch.autograd.grad(loss, leaf)[0].flatten().tolist(), float(loss.detach())


def step_and_project(clean, point, gradient, step, eps, norm):
    length = math.sqrt(sum(g * g for g in gradient))
    moved = []
    for pixel, slope in zip(point, gradient):
        direction = (slope > 0) - (slope < 0) if norm == "Linf" else slope / length
        moved.append(pixel + step * direction)
    return project(clean, moved, eps, norm)


def project(clean, point, eps, norm):
    noise = [pixel - start for pixel, start in zip(point, clean)]
    if norm == "Linf":
        noise = [min(max(value, -eps), eps) for value in noise]
    else:
        length = math.sqrt(sum(value * value for value in noise))
        noise = [value * min(1.0, eps / length) if length else 0.0 for value in noise]
    return [min(max(start + value, 0.0), 1.0) for start, value in zip(clean, noise)]


@pytest.mark.parametrize("norm", ["Linf", "L2"])
@pytest.mark.parametrize("random_start", [False, True])
@pytest.mark.parametrize("targeted", [False, True])
def test_pgd_is_the_loop_of_the_text(norm, random_start, targeted):
    model, (images, labels) = network(), batch()
    attack = PGD(eps=0.3, norm=norm, steps=6, random_start=random_start)
    targets = (labels + 1) % 4 if targeted else None
    generator = torch.Generator().manual_seed(2)
    starts = Ball(images, 0.3, norm).sample(torch.Generator().manual_seed(2), spread=True) if random_start else images
    expected = []
    for index in range(3):
        clean, point = images[index].flatten().tolist(), starts[index].flatten().tolist()
        for _ in range(6):
            label, sign = (int(targets[index]), -1.0) if targeted else (int(labels[index]), 1.0)
            gradient, _ = gradient_of(model, point, label, sign)
            point = step_and_project(clean, point, gradient, 2.5 * 0.3 / 6, 0.3, norm)
        expected.append(torch.tensor(point, dtype=torch.float64).reshape(3, 2, 2))
    adversarial = attack(model, images, labels, generator, targets=targets)
    assert torch.allclose(adversarial, torch.stack(expected), atol=1e-7)


@pytest.mark.parametrize("norm", ["Linf", "L2"])
def test_auto_pgd_is_algorithm_1(norm):
    """One image, the highest loss reached; the image is right throughout, so the best iterate is the top one."""
    model, (images, labels) = network(), batch()
    eps, steps = 0.01, 40
    labels = model(images).argmax(1)
    for index in range(3):
        clean, label = images[index].flatten().tolist(), int(labels[index])
        start = Ball(images[index : index + 1], eps, norm).sample(torch.Generator().manual_seed(2))
        point = old = start.flatten().tolist()
        gradient, loss = gradient_of(model, point, label, 1.0)
        top, top_gradient, top_loss = point, gradient, loss
        eta, rises, last, top_before, halved_before = 2 * eps, 0, 0, loss, True
        for k in range(1, steps + 1):
            z = step_and_project(clean, point, gradient, eta, eps, norm)
            alpha = 1.0 if k == 1 else 0.75
            mixed = [p + alpha * (zz - p) + (1 - alpha) * (p - o) for p, zz, o in zip(point, z, old)]
            old, point = point, project(clean, mixed, eps, norm)
            gradient, new_loss = gradient_of(model, point, label, 1.0)
            rises, loss = rises + (new_loss > loss), new_loss
            if loss > top_loss:
                top, top_gradient, top_loss = point, gradient, loss
            if k in checkpoints(steps):
                halve = rises <= 0.75 * (k - last) or (not halved_before and top_loss <= top_before)
                if halve:
                    eta, point, gradient, loss = eta / 2, top, top_gradient, top_loss
                rises, last, top_before, halved_before = 0, k, top_loss, halve
        attack = APGD(eps=eps, norm=norm, steps=steps)
        chosen = slice(index, index + 1)
        adversarial = attack(model, images[chosen], labels[chosen], torch.Generator().manual_seed(2))
        assert int(model(adversarial).argmax(1)) == label
        assert torch.allclose(adversarial.flatten(), torch.tensor(top, dtype=torch.float64), atol=1e-6)


def test_checkpoints_are_those_of_the_paper():
    assert checkpoints(100) == [22, 41, 57, 70, 80, 87, 93, 99]


def test_losses_are_their_formulas():
    logits = torch.tensor([[4.0, 1.0, 3.0, -2.0, 0.5], [0.1, 0.2, 0.3, 0.4, 0.5]])
    labels, targets = torch.tensor([0, 1]), torch.tensor([2, 4])
    assert torch.allclose(margin(logits, labels), torch.tensor([-1.0, 0.3]))
    assert torch.allclose(difference_of_logits_ratio(logits, labels), torch.tensor([-1.0 / 3.0, 0.3 / 0.2]))
    expected = torch.tensor([-1.0 / (4.0 - 0.75), 0.3 / (0.5 - 0.25)])
    assert torch.allclose(targeted_dlr(logits, labels, targets), expected)


def test_losses_adapt_to_few_classes():
    logits, labels, targets = torch.tensor([[2.0, 1.0, 0.5]]), torch.tensor([0]), torch.tensor([1])
    assert torch.allclose(targeted_dlr(logits, labels, targets), torch.tensor([-1.0]))
    assert torch.allclose(difference_of_logits_ratio(logits[:, :2], labels), torch.tensor([-1.0]))
    assert torch.allclose(difference_of_logits_ratio(logits, labels), torch.tensor([-1.0 / 1.5]))


def test_dlr_ignores_shift_and_scale():
    logits, labels = torch.randn(5, 6, generator=torch.Generator().manual_seed(0)), torch.arange(5)
    moved = difference_of_logits_ratio(1000.0 * logits - 7.0, labels)
    assert torch.allclose(difference_of_logits_ratio(logits, labels), moved, atol=1e-4)


def test_goals():
    logits = torch.tensor([[2.0, 1.0], [0.0, 1.0]])
    labels = torch.tensor([0, 0])
    assert Goal(labels=labels).reached(logits).tolist() == [False, True]
    assert Goal(labels=labels, targeted=True).reached(logits).tolist() == [True, False]
    untargeted, targeted = (Goal(labels=labels, targeted=flag).objective("ce")(logits) for flag in (False, True))
    assert torch.equal(untargeted, -targeted)
