"""The contract of every attack; a new class is found and tested unasked."""

import pytest
import torch
from tests.contracts import concrete

import wsrnas.attacks
from wsrnas.attacks import PGD, Attack, GradientError
from wsrnas.errors import InputError

ATTACKS = concrete(Attack)
# Fewer steps than the defaults, so that the tests are quick; an attack not named here runs with its defaults.
QUICK = {
    "APGD": {"steps": 8, "restarts": 2},
    "AutoAttack": {"steps": 3, "queries": 10},
    "BlackBox": {"rounds": 1, "epochs": 1},
    "FMN": {"steps": 8, "classes": 3, "closing": 4},
    "PGD": {"steps": 4},
    "RandomNoise": {"draws": 3},
    "RayS": {"flips": 12, "bisections": 3},
    "SmoothedPGD": {"steps": 4, "draws": 2},
    "Square": {"queries": 40},
    "TargetedAPGD": {"steps": 5},
}


@pytest.fixture(params=ATTACKS, ids=lambda cls: cls.__name__)
def make(request, build):
    """Build the attack for a norm, a strength and a number of classes."""

    def attack(eps=0.05, norm="Linf", classes=10):
        settings = dict(QUICK.get(request.param.__name__, {}))
        if request.param.__name__ == "Transfer":
            settings = {"sources": (build(classes),), "attack": PGD(eps=0.5, norm=norm, steps=3)}
        return request.param(eps=eps, norm=norm, **settings)

    attack.cls = request.param
    return attack


def seeded(seed=7):
    return torch.Generator().manual_seed(seed)


def lengths(noise, norm):
    return noise.flatten(1).abs().amax(1) if norm == "Linf" else noise.double().flatten(1).norm(dim=1)


def test_every_attack_is_found_exported_and_final():
    named = {
        "FGSM",
        "PGD",
        "APGD",
        "TargetedAPGD",
        "FMN",
        "Square",
        "Transfer",
        "BlackBox",
        "RandomNoise",
        "AutoAttack",
    }
    assert named <= {cls.__name__ for cls in ATTACKS}
    for cls in ATTACKS:
        assert cls.__name__ in wsrnas.attacks.__all__
        assert cls.__final__ is True
        assert cls.__dataclass_params__.frozen


@pytest.mark.parametrize("norm", ["Linf", "L2"])
@pytest.mark.parametrize("classes", [2, 3, 10])
def test_stays_in_the_ball_and_in_valid_pixels(make, build, batch, norm, classes):
    images, labels = batch(classes)
    kept = images.clone()
    eps = 0.05 if norm == "Linf" else 0.5
    adversarial = make(eps, norm, classes)(build(classes), images, labels, seeded())
    assert adversarial.shape == images.shape
    assert adversarial.dtype == images.dtype
    assert not adversarial.requires_grad
    assert adversarial.min() >= 0
    assert adversarial.max() <= 1
    assert lengths(adversarial - images, norm).max() <= eps + 1e-6
    assert torch.equal(images, kept)


@pytest.mark.parametrize("train", [False, True])
def test_leaves_the_model_as_it_was(make, build, batch, train):
    model, (images, labels) = build(10).train(train), batch(10)
    model[2].eval()
    parameters = list(model.parameters())
    parameters[1].requires_grad_(False)
    parameters[0].grad = torch.ones_like(parameters[0])
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    buffers = {name: id(buffer) for name, buffer in model.named_buffers()}
    modes = [module.training for module in model.modules()]
    flags = [parameter.requires_grad for parameter in parameters]
    make()(model, images, labels, seeded())
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())
    assert buffers == {name: id(buffer) for name, buffer in model.named_buffers()}
    assert modes == [module.training for module in model.modules()]
    assert flags == [parameter.requires_grad for parameter in parameters]
    assert torch.equal(parameters[0].grad, torch.ones_like(parameters[0]))
    assert all(parameter.grad is None for parameter in parameters[1:])


def test_restores_the_model_when_it_fails(make, build, batch):
    images, labels = batch(10)
    model = build(10).train()

    def broken(module, arguments, output):
        raise RuntimeError("broken")

    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    model[-1].register_forward_hook(broken)
    if make.cls.__name__ == "Transfer":
        pytest.skip("a transfer attack never asks the attacked model")
    with pytest.raises(RuntimeError, match="broken"):
        make()(model, images, labels, seeded())
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())
    assert all(parameter.requires_grad for parameter in model.parameters())


def test_randomness_comes_from_the_generator_only(make, build, batch):
    model, (images, labels) = build(10), batch(10)
    attack = make()
    torch.manual_seed(0)
    state = torch.get_rng_state()
    first = attack(model, images, labels, seeded())
    assert torch.equal(state, torch.get_rng_state())
    torch.manual_seed(1)
    assert torch.equal(first, attack(model, images, labels, seeded()))
    assert torch.equal(attack(model, images, labels), attack(model, images, labels))


def test_strength_zero_is_the_identity(make, build, batch):
    images, labels = batch(10)
    adversarial = make(0.0)(build(10), images, labels, seeded())
    assert torch.equal(adversarial, images)
    assert adversarial.data_ptr() != images.data_ptr()


@pytest.mark.parametrize("context", [torch.no_grad, torch.inference_mode], ids=["no_grad", "inference_mode"])
def test_works_where_gradients_are_switched_off(make, build, batch, context):
    model, (images, labels) = build(10), batch(10)
    attack = make()
    expected = attack(model, images, labels, seeded())
    with context():
        inside = attack(model, images.clone(), labels.clone(), seeded())
    assert torch.equal(expected, inside)


def test_perturb_is_the_call_without_the_checks(make, build, batch):
    model, (images, labels) = build(10), batch(10)
    called = make()(model, images, labels, seeded())
    assert torch.equal(called, make().perturb(model, images, labels, seeded()))


def test_keeps_the_memory_format(make, build, batch):
    model, (images, labels) = build(10), batch(10)
    adversarial = make()(
        model.to(memory_format=torch.channels_last),
        images.contiguous(memory_format=torch.channels_last),
        labels,
        seeded(),
    )
    assert adversarial.is_contiguous(memory_format=torch.channels_last)


def test_keeps_float64(make, build, batch):
    if make.cls.__name__ in ("Transfer", "AutoAttack"):
        pytest.skip("the sources, and the library, compute in float32")
    images, labels = batch(10)
    adversarial = make()(build(10).double(), images.double(), labels, seeded())
    assert adversarial.dtype == torch.float64
    assert (adversarial - images).abs().max() <= 0.05 + 1e-9


def test_targets_are_followed_or_refused(make, build, batch):
    model, (images, labels) = build(3), batch(3)
    attack, targets = make(classes=3), (labels + 1) % 3
    if not attack.targetable:
        with pytest.raises(InputError, match=r"targets: expected none, .* is untargeted.*use APGD"):
            attack(model, images, labels, seeded(), targets=targets)
        return
    adversarial = attack(model, images, labels, seeded(), targets=targets)
    assert lengths(adversarial - images, "Linf").max() <= 0.05 + 1e-6


def test_at_changes_the_strength_and_nothing_else(make):
    attack = make(0.05)
    stronger = attack.at(0.1)
    assert stronger.eps == 0.1
    assert stronger.at(0.05) == attack
    assert attack.passes >= 0
    assert attack.name


def test_empty_batches_come_back_empty(make, build, batch):
    images, labels = batch(10)
    assert make()(build(10), images[:0], labels[:0]).shape == (0, 3, 6, 6)


def test_one_image_is_enough(make, build, batch):
    images, labels = batch(10)
    assert make()(build(10), images[:1], labels[:1], seeded()).shape == (1, 3, 6, 6)


def test_gradient_attacks_say_when_there_is_no_gradient(make, build, batch):
    images, labels = batch(10)
    network = build(10)

    def plain(batch_of_images):
        return network(batch_of_images).detach()

    attack = make()
    if attack.needs_gradient:
        with pytest.raises(GradientError, match=r"depend differentiably on the images.*gradient-free attack"):
            attack(plain, images, labels, seeded())
    else:
        assert attack(plain, images, labels, seeded()).shape == images.shape
