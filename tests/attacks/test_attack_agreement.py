"""Our attacks beside foolbox, torchattacks, ART and pyautoattack, on the same trained network and images.

All adversarial images are scored here, by the same forward pass. "Not weaker": our robust accuracy is at most 0.5
points above the peer's, plus two standard deviations of the paired difference, √(images on which they disagree)/n.
"""

import importlib

import pytest
import torch
from tests.attacks.peers import STRENGTHS, attack_with, compare, right

from wsrnas.attacks import APGD, FGSM, PGD, AutoAttack, RandomNoise, Square, TargetedAPGD, Transfer


@pytest.mark.slow
@pytest.mark.parametrize("norm", ["Linf", "L2"])
def test_foolbox(digits, foolbox, norm):
    eps, attacks = STRENGTHS[norm], foolbox.attacks
    model = foolbox.PyTorchModel(digits.model, bounds=(0, 1), device="cpu")
    fast, iterated = (
        (attacks.LinfFastGradientAttack(), attacks.LinfProjectedGradientDescentAttack)
        if norm == "Linf"
        else (attacks.L2FastGradientAttack(), attacks.L2ProjectedGradientDescentAttack)
    )
    _, one_step, _ = fast(model, digits.images, digits.labels, epsilons=eps)
    compare(digits, attack_with(digits, FGSM(eps=eps, norm=norm)), one_step)
    torch.manual_seed(0)
    many = iterated(steps=20, abs_stepsize=2.5 * eps / 20)
    _, iterates, _ = many(model, digits.images, digits.labels, epsilons=eps)
    compare(digits, attack_with(digits, PGD(eps=eps, norm=norm)), iterates)


@pytest.mark.slow
@pytest.mark.parametrize("norm", ["Linf", "L2"])
def test_foolbox_random_noise(digits, foolbox, norm):
    model = foolbox.PyTorchModel(digits.model, bounds=(0, 1), device="cpu")
    names = {
        "Linf": "LinfRepeatedAdditiveUniformNoiseAttack",
        "L2": "L2ClippingAwareRepeatedAdditiveGaussianNoiseAttack",
    }
    torch.manual_seed(0)
    repeated = getattr(foolbox.attacks, names[norm])(repeats=10)
    _, noisy, _ = repeated(model, digits.images, digits.labels, epsilons=2 * STRENGTHS[norm])
    compare(digits, attack_with(digits, RandomNoise(eps=2 * STRENGTHS[norm], norm=norm)), noisy)


@pytest.mark.slow
@pytest.mark.parametrize("norm", ["Linf", "L2"])
def test_torchattacks(digits, torchattacks, norm):
    eps, model = STRENGTHS[norm], digits.model
    step = 2.5 * eps / 20
    pgd = (
        torchattacks.PGD(model, eps=eps, alpha=step, steps=20)
        if norm == "Linf"
        else torchattacks.PGDL2(model, eps=eps, alpha=step, steps=20)
    )
    torch.manual_seed(0)
    compare(digits, attack_with(digits, PGD(eps=eps, norm=norm)), pgd(digits.images, digits.labels))
    for loss in ("ce", "dlr"):
        peer = torchattacks.APGD(model, norm=norm, eps=eps, steps=20, loss=loss, seed=0)
        ours = attack_with(digits, APGD(eps=eps, norm=norm, steps=20, loss=loss))
        compare(digits, ours, peer(digits.images, digits.labels))
    if norm == "Linf":
        fast = torchattacks.FGSM(model, eps=eps)
        compare(digits, attack_with(digits, FGSM(eps=eps)), fast(digits.images, digits.labels))


@pytest.mark.slow
@pytest.mark.parametrize("norm", ["Linf", "L2"])
def test_art(digits, art, norm):
    eps, order = STRENGTHS[norm], (float("inf") if norm == "Linf" else 2)
    classification = importlib.import_module("art.estimators.classification")
    model = classification.PyTorchClassifier(
        digits.model, torch.nn.CrossEntropyLoss(), (1, 8, 8), 10, clip_values=(0.0, 1.0), device_type="cpu"
    )
    images, labels = digits.images.numpy(), digits.labels.numpy()
    flags = [(parameter, parameter.requires_grad) for parameter in digits.model.parameters()]
    fast = art.FastGradientMethod(model, norm=order, eps=eps, batch_size=500)
    iterated = art.ProjectedGradientDescent(
        model,
        norm=order,
        eps=eps,
        eps_step=2.5 * eps / 20,
        max_iter=20,
        num_random_init=1,
        batch_size=500,
        verbose=False,
    )
    one_step = torch.from_numpy(fast.generate(images, labels))
    iterates = torch.from_numpy(iterated.generate(images, labels))
    digits.model.eval()
    for parameter, flag in flags:
        parameter.requires_grad_(flag)
        parameter.grad = None
    compare(digits, attack_with(digits, FGSM(eps=eps, norm=norm)), one_step)
    compare(digits, attack_with(digits, PGD(eps=eps, norm=norm)), iterates)


@pytest.mark.parametrize("norm", ["Linf", "L2"])
def test_the_parts_of_pyautoattack(digits, library, norm):
    gradient, search = library
    eps, model = STRENGTHS[norm], digits.model
    some = type(digits)(model, digits.images[:120], digits.labels[:120])
    with torch.random.fork_rng():
        for loss in ("ce", "dlr"):
            peer = gradient.APGDAttack(model, n_iter=30, norm=norm, eps=eps, seed=0, loss=loss, device="cpu")
            ours = attack_with(some, APGD(eps=eps, norm=norm, steps=30, loss=loss))
            compare(some, ours, peer.perturb(some.images, some.labels))
        peer = gradient.APGDAttack_targeted(
            model, n_iter=20, norm=norm, eps=eps, seed=0, n_target_classes=4, device="cpu"
        )
        ours = attack_with(some, TargetedAPGD(eps=eps, norm=norm, steps=20, classes=4))
        compare(some, ours, peer.perturb(some.images, some.labels))
        peer = search.SquareAttack(model, norm=norm, n_queries=150, eps=eps, seed=0, resc_schedule=True, device="cpu")
        ours = attack_with(some, Square(eps=eps, norm=norm, queries=150))
        compare(some, ours, peer.perturb(some.images, some.labels), same=False)


def test_autoattack_is_the_library_and_no_stronger_than_its_parts(digits):
    some = type(digits)(digits.model, digits.images[:80], digits.labels[:80])
    eps = STRENGTHS["Linf"]
    ensemble = attack_with(some, AutoAttack(eps=eps, steps=20, queries=60))
    parts = [attack_with(some, APGD(eps=eps, steps=20)), attack_with(some, TargetedAPGD(eps=eps, steps=20))]
    worst = torch.stack([right(some, part) for part in parts]).all(dim=0)
    assert abs(int(right(some, ensemble).sum()) - int(worst.sum())) <= 3


def test_attacks_are_ordered_as_they_should_be(digits):
    eps = STRENGTHS["Linf"]
    accuracy = {
        attack.name: digits.accuracy(attack_with(digits, attack))
        for attack in (
            RandomNoise(eps=eps),
            FGSM(eps=eps),
            PGD(eps=eps, steps=10),
            PGD(eps=eps, steps=40, keep="best", restarts=2, loss="margin"),
            Transfer(eps=eps, sources=(digits.model,), attack=PGD(eps=eps, steps=10)),
        )
    }
    assert accuracy["RandomNoise"] > accuracy["FGSM"] > accuracy["PGD-10"] >= accuracy["PGD-40"]
    assert accuracy["Transfer(PGD-10)"] == accuracy["PGD-10"]
    assert accuracy["RandomNoise"] < digits.accuracy(digits.images)


@pytest.mark.slow
@pytest.mark.parametrize("norm", ["Linf", "L2"])
def test_cifar10(cifar10, foolbox, torchattacks, library, norm):
    """The same comparisons on a small PGD-trained CIFAR-10 network."""
    eps, model = {"Linf": 4 / 255, "L2": 0.5}[norm], cifar10.model
    images, labels, step = cifar10.images, cifar10.labels, 2.5 * eps / 20
    torch.manual_seed(0)
    many = getattr(foolbox.attacks, f"{norm}ProjectedGradientDescentAttack")(steps=20, abs_stepsize=step)
    _, iterates, _ = many(foolbox.PyTorchModel(model, bounds=(0, 1), device="cpu"), images, labels, epsilons=eps)
    ours = attack_with(cifar10, PGD(eps=eps, norm=norm))
    compare(cifar10, ours, iterates)
    peer = (torchattacks.PGD if norm == "Linf" else torchattacks.PGDL2)(model, eps=eps, alpha=step, steps=20)
    compare(cifar10, ours, peer(images, labels))
    gradient, search = library
    with torch.random.fork_rng():
        for loss in ("ce", "dlr"):
            peer = gradient.APGDAttack(model, n_iter=30, norm=norm, eps=eps, seed=0, loss=loss, device="cpu")
            ours = attack_with(cifar10, APGD(eps=eps, norm=norm, steps=30, loss=loss))
            compare(cifar10, ours, peer.perturb(images, labels))
        peer = gradient.APGDAttack_targeted(
            model, n_iter=20, norm=norm, eps=eps, seed=0, n_target_classes=4, device="cpu"
        )
        ours = attack_with(cifar10, TargetedAPGD(eps=eps, norm=norm, steps=20, classes=4))
        compare(cifar10, ours, peer.perturb(images, labels))
        peer = search.SquareAttack(model, norm=norm, n_queries=300, eps=eps, seed=0, resc_schedule=True, device="cpu")
        ours = attack_with(cifar10, Square(eps=eps, norm=norm, queries=300))
        compare(cifar10, ours, peer.perturb(images, labels), same=False)
