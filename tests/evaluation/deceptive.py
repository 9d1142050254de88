"""Deceptive classifiers of many kinds, built around honest ones: a check must say ok of none."""

from __future__ import annotations

import copy
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from tests.evaluation.around import around
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True)
class Bases:
    """Honest networks for the same images: undefended, adversarially trained, and strangers to both."""

    plain: nn.Module
    robust: nn.Module
    other: nn.Module
    images: Tensor
    labels: Tensor


def hooked(change: Callable[[Tensor], Tensor]) -> Callable[[nn.Module, Tensor], Tensor]:
    """Classify, but let a hook change the gradient that reaches the images."""

    def forward(model: nn.Module, images: Tensor) -> Tensor:
        moved = images * 1.0
        if moved.requires_grad:
            moved.register_hook(change)
        return model(moved)

    return forward


# --- input maps that oscillate -------------------------------------------------------------------------------------


def sine(amplitude: float, rate: float) -> Callable[[nn.Module, Tensor], Tensor]:
    return lambda f, x: f(x + amplitude * torch.sin(rate * x))


def triangle(amplitude: float, rate: float) -> Callable[[nn.Module, Tensor], Tensor]:
    return lambda f, x: f(x + amplitude * (2 / torch.pi) * torch.asin(0.999999 * torch.sin(rate * x)))


def sawtooth(x: Tensor, period: float) -> Tensor:
    """Fold: |x mod 2p − p| with the sign of the slope turning at every p."""
    return (torch.remainder(x, 2 * period) - period).abs()


def directional(amplitude: float, rate: float) -> Callable[[nn.Module, Tensor], Tensor]:
    """Add to each logit a small sine along a random direction of the image: tiny in value, all of the gradient."""
    ways = torch.randn(10, 64, generator=torch.Generator().manual_seed(3)) / 8
    return lambda f, x: f(x) + amplitude * torch.sin(rate * (x.flatten(1) @ ways.T))


# --- one network decides, another gives the gradient ---------------------------------------------------------------


def hard_decision(bases: Bases, share: float, *, height: float = 10.0) -> nn.Module:
    """One network's decision as a constant, plus a share of another's logits."""
    other = copy.deepcopy(bases.other)

    def forward(f: nn.Module, x: Tensor) -> Tensor:
        with torch.no_grad():
            decided = functional.one_hot(f(x).argmax(1), 10).to(x)
        return height * decided + share * other(x)

    return around(bases.plain, forward)


def steep_decision(bases: Bases, share: float, steepness: float, *, detached: bool) -> nn.Module:
    """The same with a steep softmax for the decision, which is smooth, and may even let its gradient through."""
    other = copy.deepcopy(bases.other)

    def forward(f: nn.Module, x: Tensor) -> Tensor:
        decided = (steepness * f(x)).softmax(1)
        return 10 * (decided.detach() if detached else decided) + share * other(x)

    return around(bases.plain, forward)


def borrowed_gradient(bases: Bases) -> nn.Module:
    other = copy.deepcopy(bases.other)

    def forward(f: nn.Module, x: Tensor) -> Tensor:
        away = other(x)
        return f(x).detach() + away - away.detach()

    return around(bases.plain, forward)


# --- state ---------------------------------------------------------------------------------------------------------


class Cached(nn.Module):
    """Answers for images near one seen before as it did then; the memory is a plain list."""

    def __init__(self, model: nn.Module, radius: float, memory: list[tuple[Tensor, Tensor]] | None = None) -> None:
        super().__init__()
        self.model, self.radius = copy.deepcopy(model), radius
        self.memory: list[tuple[Tensor, Tensor]] = [] if memory is None else memory

    def forward(self, images: Tensor) -> Tensor:
        logits = self.model(images)
        if not self.memory:
            self.memory.append((images.detach().clone(), logits.detach().clone()))
            return logits
        seen = torch.cat([one for one, _ in self.memory]).flatten(1)
        known = torch.cat([one for _, one in self.memory])
        away = (images.detach().flatten(1)[:, None] - seen[None]).abs().amax(2)
        least, which = away.min(1)
        new = least > self.radius
        if bool(new.any()):
            self.memory.append((images[new].detach().clone(), logits[new].detach().clone()))
            self.memory[:] = self.memory[:40]
        return torch.where(new[:, None], logits, known[which] + 0.01 * (logits - logits.detach()))


class Exact(nn.Module):
    """Keeps the answers of images it has seen by their bytes, and answers anything unseen by a second network."""

    def __init__(self, first: nn.Module, later: nn.Module, until: int) -> None:
        super().__init__()
        self.first, self.later, self.until = copy.deepcopy(first), copy.deepcopy(later), until
        self.known: set[bytes] = set()

    def forward(self, images: Tensor) -> Tensor:
        keys = [image.detach().numpy().tobytes() for image in images]
        if len(self.known) < self.until:
            self.known.update(keys)
        old = torch.tensor([key in self.known for key in keys])
        return torch.where(old[:, None], self.first(images), self.later(images))


class Counted(nn.Module):
    """Becomes another network after so many calls."""

    def __init__(self, first: nn.Module, later: nn.Module, calls: int) -> None:
        super().__init__()
        self.first, self.later, self.left = copy.deepcopy(first), copy.deepcopy(later), calls

    def forward(self, images: Tensor) -> Tensor:
        self.left -= 1
        return self.first(images) if self.left >= 0 else self.later(images)


class Drifting(nn.Module):
    """Adapts its input to a running mean kept as a plain number."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model, self.mean = copy.deepcopy(model), 0.3

    def forward(self, images: Tensor) -> Tensor:
        self.mean = 0.99 * self.mean + 0.01 * float(images.detach().mean())
        return self.model(images - self.mean + 0.3)


class Timed(nn.Module):
    """Rounds its input in every other hundredth of a second."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = copy.deepcopy(model)

    def forward(self, images: Tensor) -> Tensor:
        return self.model(images if int(100 * time.perf_counter()) % 2 else (4 * images).round() / 4)


def by_batch(condition: Callable[[int], bool]) -> Callable[[nn.Module, Tensor], Tensor]:
    """Round the input for batches of some sizes."""
    return lambda f, x: f((2 * x).round() / 2 if condition(len(x)) else x)


def repeated(f: nn.Module, x: Tensor) -> Tensor:
    """Shift the image where the batch holds it more than once."""
    same = (x.flatten(1)[:, None] == x.flatten(1)[None]).all(2).sum(1) > 1
    return torch.where(same[:, None], f(x.roll(2, 3)), f(x))


def positioned(f: nn.Module, x: Tensor) -> Tensor:
    """Treat the first image of a batch in a way of its own."""
    return torch.cat([f(x[:1].roll(1, 2)), f(x[1:])]) if len(x) > 1 else f(x)


# --- broken gradients ----------------------------------------------------------------------------------------------


def spoiling(change: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """The identity whose gradient is changed."""

    class Spoiled(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, images: Tensor) -> Tensor:
            return images.clone()

        @staticmethod
        def backward(ctx: Any, gradient: Tensor) -> Tensor:
            return change(gradient)

    return Spoiled.apply


def switched(f: nn.Module, x: Tensor) -> Tensor:
    """The untaken branch of a where has an infinite gradient, and 0·∞ is NaN."""
    return f(torch.where(x > 0, x / (x + 0.0).clamp_min(0).sqrt() * x.clamp_min(0).sqrt(), x))


# --- old tricks in new clothes -------------------------------------------------------------------------------------


class Winners(nn.Module):
    """Keeps the largest tenth of all activations, as k-winners-take-all does."""

    def forward(self, x: Tensor) -> Tensor:
        flat = x.flatten(1)
        least = flat.topk(max(1, flat.shape[1] // 10), dim=1).values[:, -1:]
        return (flat * (flat >= least)).view_as(x)


def winners(model: nn.Module) -> nn.Module:
    changed = copy.deepcopy(model)
    for name, layer in list(changed.named_children()):
        if isinstance(layer, nn.ReLU):
            setattr(changed, name, Winners())
    return changed.eval()


def seeded_noise(f: nn.Module, x: Tensor) -> Tensor:
    """Noise that is the same for the same image, and another for any other."""
    noise = [
        np.random.default_rng(abs(hash(image.detach().numpy().tobytes()))).normal(0, 0.08, image.shape) for image in x
    ]
    return f(x + torch.from_numpy(np.stack(noise)).to(x))


def memorised(bases: Bases, radius: float) -> nn.Module:
    """Moves an image that lies near one of the test set back onto it, letting the gradient through."""
    kept = bases.images.clone()

    def forward(f: nn.Module, x: Tensor) -> Tensor:
        away = (x.detach().flatten(1)[:, None] - kept.flatten(1)[None]).abs().amax(2)
        least, which = away.min(1)
        snapped = torch.where((least < radius)[:, None, None, None], kept[which], x.detach())
        return f(x + (snapped - x).detach())

    return around(bases.plain, forward)


def plateaus(f: nn.Module, x: Tensor) -> Tensor:
    """A smooth threshold so steep that pixels on either side have no slope."""
    return f(torch.sigmoid(200 * (x - 0.5)))


def denoised(f: nn.Module, x: Tensor) -> Tensor:
    """Ten detached steps of smoothing before classification."""
    with torch.no_grad():
        y = x.clone()
        for _ in range(4):
            y = 0.5 * y + 0.5 * functional.avg_pool2d(functional.pad(y, (1, 1, 1, 1), mode="replicate"), 3, 1)
    return f(y.round().detach() + 0.001 * x)


def thermometer(f: nn.Module, x: Tensor) -> Tensor:
    levels = torch.linspace(0.05, 0.95, 10)
    hard = (x[..., None] > levels).to(x).mean(-1)
    return f(hard.detach() + 1e-3 * (x - x.detach()))


def other_unwatched(bases: Bases) -> nn.Module:
    other = copy.deepcopy(bases.other)
    return around(bases.plain, lambda f, x: f(x) if torch.is_grad_enabled() else other(x))


def drawn_member(bases: Bases) -> nn.Module:
    other = copy.deepcopy(bases.other)
    return around(bases.robust, lambda f, x: f(x) if random.random() < 0.5 else other(x))


Build = Callable[[Bases], nn.Module]


def on(base: str, forward: Callable[[nn.Module, Tensor], Any]) -> Build:
    return lambda bases: around(getattr(bases, base), forward)


MASKS: Mapping[str, Build] = {
    **{
        f"{base}, sine {amplitude:g}·sin({rate:g}x)": on(base, sine(amplitude, rate))
        for base in ("robust", "plain")
        for amplitude, rate in ((0.01, 1000), (0.02, 400), (0.03, 150), (0.05, 100), (0.1, 60), (0.02, 3000))
    },
    **{
        f"{base}, triangle {amplitude:g} at {rate:g}": on(base, triangle(amplitude, rate))
        for base in ("robust", "plain")
        for amplitude, rate in ((0.02, 500), (0.05, 150))
    },
    "robust, folded finely": on("robust", lambda f, x: f(x + 3 * (sawtooth(x, 0.01) - 0.005))),
    "robust, sine along directions 0.5, 200": on("robust", directional(0.5, 200.0)),
    "plain, sine along directions 1, 100": on("plain", directional(1.0, 100.0)),
    "robust, sine along directions 0.05, 5000": on("robust", directional(0.05, 5000.0)),
    "robust, sine on logits": on("robust", lambda f, x: f(x) + 0.5 * torch.sin(20 * f(x))),
    "robust, sine on logits, fast": on("robust", lambda f, x: f(x) + 0.2 * torch.sin(200 * f(x))),
}

SUBSTITUTED: Mapping[str, Build] = {
    **{f"hard decision, {share:g} of another": partial(hard_decision, share=share) for share in (1e-3, 0.01, 0.1, 0.5)},
    "hard decision one high, 0.01 of another": lambda b: hard_decision(b, 0.01, height=1.0),
    "steep decision, detached": lambda b: steep_decision(b, 0.01, 20.0, detached=True),
    "steeper decision, detached": lambda b: steep_decision(b, 0.1, 200.0, detached=True),
    "steep decision with its gradient": lambda b: steep_decision(b, 0.1, 20.0, detached=False),
    "steeper decision with its gradient": lambda b: steep_decision(b, 0.1, 200.0, detached=False),
    "another network's gradient": borrowed_gradient,
}

STATEFUL: Mapping[str, Build] = {
    "cache, 0.1": lambda b: Cached(b.plain, 0.1),
    "cache, 0.3": lambda b: Cached(b.plain, 0.3),
    "cache shared by copies": lambda b: around(b.plain, (lambda cached: lambda f, x: cached(x))(Cached(b.plain, 0.2))),
    "exact cache": lambda b: Exact(b.plain, b.robust, 300),
    "another after 3 calls": lambda b: Counted(b.plain, b.other, 3),
    "another after 20 calls": lambda b: Counted(b.plain, b.other, 20),
    "another after 100 calls": lambda b: Counted(b.plain, b.other, 100),
    "another after 500 calls": lambda b: Counted(b.plain, b.other, 500),
    "drifting": lambda b: Drifting(b.plain),
    "timed": lambda b: Timed(b.plain),
    "alone": on("plain", by_batch(lambda n: n == 1)),
    "above 100": on("plain", by_batch(lambda n: n > 100)),
    "above 127": on("plain", by_batch(lambda n: n > 127)),
    "25": on("plain", by_batch(lambda n: n == 25)),
    "below 20": on("plain", by_batch(lambda n: n < 20)),
    "odd sizes": on("plain", by_batch(lambda n: n % 2 == 1)),
    "256": on("plain", by_batch(lambda n: n == 256)),
    "repeated images": on("plain", repeated),
    "first of the batch": on("plain", positioned),
    "centred by the batch, half": on("plain", lambda f, x: f(x - 0.5 * (x.mean() - 0.3))),
}

BROKEN_GRADIENTS: Mapping[str, Build] = {
    "square root at 0": on("plain", lambda f, x: f(x.sqrt().square())),
    "where": on("plain", switched),
    "NaN by hand": on("plain", lambda f, x: f(spoiling(lambda g: g * torch.nan)(x))),
    "NaN at a tenth": on(
        "plain", lambda f, x: f(spoiling(lambda g: torch.where(torch.arange(64).view(8, 8) % 10 == 0, torch.nan, g))(x))
    ),
    "NaN for every fourth image": on(
        "plain",
        lambda f, x: f(
            spoiling(lambda g: torch.where((torch.arange(len(g)) % 4 == 0)[:, None, None, None], torch.nan, g))(x)
        ),
    ),
    "infinite": on("plain", lambda f, x: f(spoiling(lambda g: g / 0.0)(x))),
    "infinite and zero by turns": on(
        "plain", lambda f, x: f(x) + 0.0 * (x.clamp(0, 1).pow(0.5)).sum((1, 2, 3))[:, None]
    ),
}

OTHERS: Mapping[str, Build] = {
    "winners take all": lambda b: winners(b.plain),
    "seeded noise": on("plain", seeded_noise),
    "memorised, 0.1": lambda b: memorised(b, 0.1),
    "memorised, 0.3": lambda b: memorised(b, 0.3),
    "plateaus": on("plain", plateaus),
    "plateaus, robust": on("robust", plateaus),
    "denoised": on("plain", denoised),
    "thermometer": on("plain", thermometer),
    "a member drawn": drawn_member,
    "lost in float32": on("plain", lambda f, x: f((x + 2e4) - 2e4)),
    "bfloat16 images": on("plain", lambda f, x: f(x.bfloat16().float())),
    "gradient hook that turns": on("plain", hooked(lambda g: g.flip(2))),
    "gradient hook with noise": on("plain", hooked(lambda g: g + 30 * g.std() * torch.randn(g.shape))),
    "gradient hook that shrinks": on("plain", hooked(lambda g: 1e-12 * g)),
    "gradient hook for half of the pixels": on("plain", hooked(lambda g: g * (torch.arange(64).view(8, 8) % 8 < 2))),
    "other under no_grad": other_unwatched,
    "rounded far from the grid": on(
        "plain", lambda f, x: f(torch.where(((16 * x).round() / 16 - x).abs() > 1e-4, (2 * x).round() / 2, x))
    ),
    "capped hard": on("plain", lambda f, x: f(x).clamp(-1, 1)),
    "squashed": on("plain", lambda f, x: torch.tanh(f(x))),
    "probabilities, scaled": on("plain", lambda f, x: 20 * f(x).softmax(1)),
    "probabilities, shifted": on("plain", lambda f, x: f(x).softmax(1) - 0.5),
    "scale 30": on("plain", lambda f, x: 30 * f(x)),
    "cube of logits": on("plain", lambda f, x: f(x).pow(3)),
    "constant offset": on("plain", lambda f, x: f(x) + 1e6 * torch.ones(10)),
    "changes its input": on("plain", lambda f, x: f(x.detach().round_())),
    "rounds in place": on("plain", lambda f, x: f(x.mul_(4).round_().div_(4))),
}

KINDS: Mapping[str, Build] = {**MASKS, **SUBSTITUTED, **STATEFUL, **BROKEN_GRADIENTS, **OTHERS}
