"""FMN against its algorithm written out image by image, and what a call at one strength does with a run at another."""

import math

import pytest
import torch
from torch import nn

from wsrnas.attacks import FMN


def one_image(model, image, label, *, steps, norm):
    """Algorithm 1 of Pintor et al., in plain numbers where that is possible."""
    noise, radius, best, best_length = torch.zeros_like(image), math.inf, None, math.inf
    farthest = torch.maximum(image, 1 - image)
    farthest = float(farthest.max() if norm == "Linf" else farthest.norm())
    for step in range(steps):
        leaf = (image + noise).requires_grad_(True)
        logits = model(leaf[None])[0]
        others = torch.cat([logits[:label], logits[label + 1 :]])
        loss = others.max() - logits[label]
        (gradient,) = torch.autograd.grad(loss, leaf)
        wrong = float(loss.detach()) > 0
        length = float(noise.abs().max() if norm == "Linf" else noise.norm())
        if wrong and length < best_length:
            best, best_length = image + noise, length
        turn = (1 + math.cos(math.pi * step / steps)) / 2
        gamma, size = 0.001 + (0.05 - 0.001) * turn, 0.01 + 0.99 * turn
        if wrong:
            radius = min((1 - gamma) * radius, best_length)
        elif best is None:
            slope = gradient.abs().sum() if norm == "Linf" else gradient.norm()
            radius = length + abs(float(loss.detach())) / float(slope)
        else:
            radius = (1 + gamma) * radius
        radius = min(radius, farthest)
        noise = noise + size * gradient / gradient.norm()
        if norm == "Linf":
            noise = noise.clamp(-radius, radius)
        elif float(noise.norm()) > radius:
            noise = noise * (radius / float(noise.norm()))
        noise = (image + noise).clamp(0, 1) - image
    with torch.no_grad():
        logits = model((image + noise)[None])[0]
    length = float(noise.abs().max() if norm == "Linf" else noise.norm())
    if int(logits.argmax()) != label and length < best_length:
        best = image + noise
    return image + noise if best is None else best


@pytest.mark.parametrize("norm", ["Linf", "L2"])
def test_the_batch_is_the_loop_over_images(norm, build, batch):
    model, (images, labels) = build(4), batch(4)
    with torch.no_grad():
        labels[0] = (model(images[:1]).argmax(1) + 1) % 4  # wrong without noise
    found = FMN(eps=1.0 if norm == "Linf" else 11.0, norm=norm, steps=12)(model, images, labels)
    for row in range(len(images)):
        expected = one_image(model, images[row], int(labels[row]), steps=12, norm=norm)
        assert torch.allclose(found[row], expected, atol=2e-5)
    assert torch.equal(found[0], images[0])


def test_more_classes_find_nothing_farther(digits):
    images, labels = digits.images[:50], digits.labels[:50]

    def distance(attack):
        moved = attack(digits.model, images, labels)
        with torch.no_grad():
            wrong = digits.model(moved).argmax(1) != labels
        return torch.where(wrong, (moved - images).flatten(1).abs().amax(1), torch.inf)

    one, several = distance(FMN(eps=1.0, steps=20)), distance(FMN(eps=1.0, steps=20, classes=5))
    assert torch.all(several <= one + 1e-6)
    assert float((several < one - 1e-4).float().mean()) > 0.05


def test_a_run_at_a_larger_strength_serves_a_smaller_one(digits):
    images, labels = digits.images[:60], digits.labels[:60]
    nearest = FMN(eps=1.0, steps=30)(digits.model, images, labels)
    distance = (nearest - images).flatten(1).abs().amax(1)
    for strength in (0.05, 0.1):
        attack = FMN(eps=strength, steps=30)
        moved = attack.from_nearest(digits.model, images, labels, nearest)
        assert torch.equal(moved, attack(digits.model, images, labels))
        within = distance <= strength
        assert torch.equal(moved[within], nearest[within])
        assert float((moved - images).abs().max()) <= strength + 1e-6


def test_closing_breaks_images_whose_nearest_one_lies_a_little_outside(digits):
    images, labels = digits.images[:200], digits.labels[:200]
    found = FMN(eps=1.0, steps=15)(digits.model, images, labels)
    generator = torch.Generator().manual_seed(0)
    # A careless search: right in where it goes, but a tenth too far and not straight.
    nearest = (images + 1.1 * (found - images) * torch.rand(images.shape, generator=generator).round()).clamp(0, 1)

    def left(closing):
        moved = FMN(eps=0.09, closing=closing).from_nearest(digits.model, images, labels, nearest)
        with torch.no_grad():
            return digits.model(moved).argmax(1) == labels

    projected, closed = left(0), left(20)
    assert torch.all(closed <= projected)
    assert int(closed.sum()) < int(projected.sum())


def test_two_classes_and_targets(build, batch):
    model, (images, labels) = build(2), batch(2)
    several = FMN(eps=1.0, steps=10, classes=9)
    assert torch.equal(several(model, images, labels), FMN(eps=1.0, steps=10)(model, images, labels))
    moved = several(model, images, labels, targets=1 - labels)
    with torch.no_grad():
        assert torch.equal(model(moved).argmax(1), 1 - labels)


def test_a_flat_model_stays_where_it_is(batch):
    images, labels = batch(3)
    flat = nn.Sequential(nn.Flatten(), nn.Linear(108, 3))
    nn.init.zeros_(flat[1].weight)
    with torch.no_grad():
        flat[1].bias.copy_(torch.tensor([1.0, 0.0, 0.0]))
    moved = FMN(eps=1.0, steps=5)(flat, images, torch.zeros_like(labels))
    assert torch.isfinite(moved).all()
