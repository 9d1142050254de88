"""Models that change their input in place, keep it, or reuse their output: measured as if written out of place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from tests.evaluation.around import Around
from torch import Tensor, nn

import wsrnas.attacks
from wsrnas.attacks import ATTACKS, PGD, Attack, GradientError, RandomNoise, build_attack, read_attacks
from wsrnas.evaluation import evaluate
from wsrnas.rng import stream
from wsrnas.training.losses import TrainingLoss
from wsrnas.training.losses.fast import FastAT
from wsrnas.training.losses.multi import MultiStrength
from wsrnas.training.losses.pgd import PGDTraining
from wsrnas.training.losses.standard import Standard
from wsrnas.training.losses.trades import TRADES

QUICK = {
    "apgd-ce": "steps=4",
    "apgd-dlr": "steps=4",
    "apgd-t": "steps=3:classes=2",
    "autoattack": "steps=2:queries=5",
    "fgsm": "loss=ce",
    "fmn": "steps=4:classes=2:closing=2",
    "papernot": "rounds=1:epochs=1",
    "pgd": "steps=3",
    "random-noise": "draws=3",
    "rays": "flips=6:bisections=2",
    "smoothed-pgd": "steps=3:draws=2",
    "square": "queries=12",
    "transfer": "attack=fgsm",
}
LOSSES: list[TrainingLoss] = [
    Standard(), PGDTraining(eps=0.1, steps=2), FastAT(eps=0.1), TRADES(eps=0.1, steps=2),
    MultiStrength(strengths=(0.05, 0.1), steps=2),
]  # fmt: skip
Change = Callable[[nn.Module, Tensor], Tensor]


class Identity(torch.autograd.Function):
    """Rounds; its gradient passes by, as when `.data` is rounded."""

    @staticmethod
    def forward(context: Any, images: Tensor) -> Tensor:
        return images.round()

    @staticmethod
    def backward(context: Any, *gradients: Any) -> Any:
        return gradients[0]


def rounds_data(model: nn.Module, images: Tensor) -> Tensor:
    images.data.round_()
    return model(images)


def blackens_a_view(model: nn.Module, images: Tensor) -> Tensor:
    images[:, :, 0].zero_()
    return model(images)


def takes_other_memory(model: nn.Module, images: Tensor) -> Tensor:
    if images.requires_grad:
        return model(images * 2)
    return model(images.set_(images * 2))


def without_first_row(images: Tensor) -> Tensor:
    return torch.cat([torch.zeros_like(images[:, :, :1]), images[:, :, 1:]], dim=2)


PAIRS: dict[str, tuple[Change, Change]] = {
    "round_": (lambda f, x: f(x.round_()), lambda f, x: f(x.round())),
    "mul_": (lambda f, x: f(x.mul_(0.5)), lambda f, x: f(x * 0.5)),
    "clamp_": (lambda f, x: f(x.clamp_(0.2, 0.8)), lambda f, x: f(x.clamp(0.2, 0.8))),
    "sub_ and div_": (lambda f, x: f(x.sub_(0.3).div_(0.5)), lambda f, x: f((x - 0.3) / 0.5)),
    "levels": (
        lambda f, x: f(x.mul_(7).round_().div_(7) + 0 * x),
        lambda f, x: f((x * 7).round() / 7 + 0 * ((x * 7).round() / 7)),
    ),
    ".data": (rounds_data, lambda f, x: f(Identity.apply(x))),
    "a view": (blackens_a_view, lambda f, x: f(without_first_row(x))),
    "set_": (takes_other_memory, lambda f, x: f(x * 2)),
}


@pytest.fixture(params=PAIRS)
def pair(request: pytest.FixtureRequest, undefended: nn.Module) -> tuple[nn.Module, nn.Module]:
    """A model that changes its input, and the same one written out of place."""
    within, beside = PAIRS[request.param]
    return Around(undefended, within), Around(undefended, beside)


def measured(model: nn.Module, digits: Any, **settings: Any) -> list[list[float]]:
    found = evaluate(model, digits.images[:40], digits.labels[:40], [0, 0.1, 0.3], **settings)
    return [found.accuracy, found.raw_accuracy, found.accuracy_eight_bit]


def test_the_strict_numbers_are_those_of_the_model_written_out_of_place(
    pair: tuple[nn.Module, nn.Module], digits: Any
) -> None:
    for attacks in ("pgd:steps=3,square:queries=20,fmn:steps=10", "random-noise,square:queries=30"):
        within, beside = (measured(model, digits, attacks=attacks, batch_size=16) for model in pair)
        assert within == beside


def test_an_attacked_image_does_not_pass_for_the_clean_one(undefended: nn.Module, digits: Any) -> None:
    rounds = Around(undefended, lambda f, x: f(x.round_()))
    clean, weak, strong = measured(rounds, digits, attacks="square:queries=100")[0]
    assert strong < weak < clean


def test_the_released_numbers_are_those_of_the_model_written_out_of_place(
    pair: tuple[nn.Module, nn.Module], digits: Any
) -> None:
    within, beside = (measured(model, digits, protocol="released") for model in pair)
    assert within == beside


@pytest.mark.parametrize("name", ATTACKS.names())
def test_every_attack_finds_what_it_finds_out_of_place(
    name: str, pair: tuple[nn.Module, nn.Module], undefended: nn.Module, digits: Any
) -> None:
    images, labels = digits.images[:12], digits.labels[:12]
    kept, found = images.clone(), []
    for model in pair:
        config = read_attacks(f"{name}:{QUICK[name]}")[0]
        attack = build_attack(config, eps=0.2, sources=(model, undefended))
        found.append(attack(model, images, labels, stream(0, "attack")))
        assert torch.equal(images, kept)
    assert torch.equal(*found)


def test_every_attack_has_a_name_and_is_tried_here() -> None:
    assert set(QUICK) == set(ATTACKS.names())
    exported = {getattr(wsrnas.attacks, name) for name in wsrnas.attacks.__all__}
    kinds = {kind for kind in exported if isinstance(kind, type) and issubclass(kind, Attack)}
    assert {kind for _, kind in ATTACKS.items()} == kinds - {Attack}


def test_images_that_are_one_expanded_image(undefended: nn.Module, digits: Any) -> None:
    images, labels = digits.images[:1].expand(6, 1, 8, 8), digits.labels[:1].expand(6)
    rounds = Around(undefended, lambda f, x: f(x.round_()))
    moved = RandomNoise(eps=0.2)(rounds, images, labels, stream(0, "attack"))
    assert torch.equal(moved, RandomNoise(eps=0.2)(rounds, images.contiguous(), labels, stream(0, "attack")))


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.name)
@pytest.mark.parametrize("change", ["round_", "sub_ and div_", ".data"])
def test_training_losses_and_their_gradients(change: str, loss: TrainingLoss, digit_network: Any, digits: Any) -> None:
    images, labels = digits.train_images[:16], digits.train_labels[:16]
    kept, found = images.clone(), []
    for within in PAIRS[change]:
        model = Around(digit_network(), within).train()
        value, _ = loss(model, images, labels, stream(0, "loss"))
        value.backward()
        found.append((value.item(), [parameter.grad for parameter in model.parameters()]))
        assert torch.equal(images, kept)
    assert found[0][0] == found[1][0]
    assert all(torch.equal(one, other) for one, other in zip(found[0][1], found[1][1]))


class Keeping(nn.Module):
    """Keeps the last images and blackens them when the next ones come."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        self.last: Tensor | None = None

    def forward(self, images: Tensor) -> Tensor:
        if self.last is not None:
            self.last.data.zero_()
        self.last = images
        return self.model(images)


class OneBuffer(nn.Module):
    """Hands out the same memory for every answer where no gradient is wanted."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        self.out = torch.zeros(0)

    def forward(self, images: Tensor) -> Tensor:
        logits = self.model(images)
        if logits.requires_grad or len(logits) != len(self.out):
            self.out = torch.zeros_like(logits).detach()
            return logits if logits.requires_grad else self.out.copy_(logits)
        return self.out.copy_(logits)


class OwnBackward(nn.Module):
    """Asks for the gradient of its own input, by `backward()` and `.grad`, which a leaf has."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: Tensor) -> Tensor:
        with torch.enable_grad():
            images.requires_grad_(True)
            self.model(images).logsumexp(1).sum().backward()
            assert images.grad is not None
            step = 0.01 * images.grad.sign()
        return self.model(images - step.detach())


@pytest.mark.parametrize("wrapped", [Keeping, OneBuffer], ids=lambda kind: kind.__name__)
def test_models_that_keep_images_or_reuse_their_answer(
    wrapped: Callable[[nn.Module], nn.Module], undefended: nn.Module, digits: Any
) -> None:
    attacks = "pgd:steps=3,papernot:rounds=1:epochs=1,square:queries=20"
    assert measured(wrapped(undefended), digits, attacks=attacks, batch_size=10) == measured(
        undefended, digits, attacks=attacks, batch_size=10
    )


def test_a_model_that_needs_the_gradient_of_its_input(undefended: nn.Module, digits: Any) -> None:
    images, labels = digits.images[:8], digits.labels[:8]
    moved = PGD(eps=0.2, steps=3)(OwnBackward(undefended), images, labels, stream(0, "attack"))
    assert float((moved - images).abs().max()) == pytest.approx(0.2, abs=1e-6)
    assert not images.requires_grad


@pytest.mark.parametrize(
    "refuses", [lambda f, x: f(torch.from_numpy(x.numpy())), lambda f, x: f(x.requires_grad_(False))]
)
def test_a_model_that_refuses_images_with_a_gradient_has_none(
    refuses: Change, undefended: nn.Module, digits: Any
) -> None:
    with pytest.raises(GradientError, match="refuses images that ask for a gradient"):
        PGD(eps=0.1)(Around(undefended, refuses), digits.images[:4], digits.labels[:4])


def test_an_attack_that_moves_the_images_in_place_is_still_held_to_its_ball(undefended: nn.Module, digits: Any) -> None:
    from wsrnas.errors import InputError

    class Careless:
        """Moves the images it was given, far out of the ball."""

        norm, name, needs_gradient, passes, eps = "Linf", "careless", False, 0, 0.0

        def at(self, eps: float) -> Careless:
            return self

        def __call__(self, model: Any, images: Any, labels: Any, generator: Any = None) -> Any:
            return images.add_(0.5).clamp_(0, 1)

    with pytest.raises(InputError, match=r"attack careless: expected Linf noise <= 0\.1"):
        evaluate(undefended, digits.images[:8], digits.labels[:8], [0.1], attacks=[Careless()])
