"""Targeted attacks, transfer and the black box beside foolbox, torchattacks and the printed algorithm."""

import pytest
import torch
from tests.attacks.peers import STRENGTHS, attack_with, compare, right, seeded

from wsrnas.attacks import APGD, PGD, BlackBox, Transfer
from wsrnas.attacks.norms import Ball


@pytest.mark.parametrize("loss", ["ce", "dlr"])
@pytest.mark.parametrize("norm", ["Linf", "L2"])
def test_apgd_breaks_the_same_images_as_its_authors_from_the_same_start(norm, loss, digits, library, monkeypatch):
    """So what differs between the two at equal settings is the luck of the starts."""
    eps, model = STRENGTHS[norm], digits.model
    rows = torch.nonzero(right(digits, digits.images))[:120, 0]
    images, labels = digits.images[rows], digits.labels[rows]
    start = Ball(images, eps, norm).sample(seeded())
    peer = library[0].APGDAttack(model, n_iter=50, norm=norm, eps=eps, loss=loss, device="cpu")
    peer.init_hyperparam(images)
    _, _, _, theirs = peer.attack_single_run(images, labels, x_init=start)
    monkeypatch.setattr(Ball, "sample", lambda *arguments, **keywords: start)
    ours = APGD(eps=eps, norm=norm, steps=50, loss=loss)(model, images, labels)
    with torch.no_grad():
        mine, peers = (model(moved).argmax(1) == labels for moved in (ours, theirs))
    assert 0.2 < float(mine.float().mean()) < 0.8
    assert int((mine != peers).sum()) <= 1


def compare_targeted(trained, targets, ours, *peers):
    """Check that our targeted images arrive at least as often as each peer's."""
    with torch.no_grad():
        arrived = [trained.model(moved).argmax(1) == targets for moved in (ours, *peers)]
    mine = arrived[0]
    assert 0.05 < float(mine.float().mean()) < 0.95
    for peer in arrived[1:]:
        spread = 200.0 * float((mine != peer).sum()) ** 0.5 / len(peer)
        gain = 100.0 * float(mine.float().mean() - peer.float().mean())
        assert -0.5 - spread <= gain <= 1.0 + spread, f"ours arrives {gain:+.1f} points more often"


@pytest.mark.slow
@pytest.mark.parametrize("norm", ["Linf", "L2"])
def test_targeted_pgd(digits, foolbox, torchattacks, norm):
    eps, model, images = 1.5 * STRENGTHS[norm], digits.model, digits.images
    step, targets = 2.5 * eps / 20, (digits.labels + 1 + torch.arange(len(digits.labels)) % 9) % 10
    ours = PGD(eps=eps, norm=norm)(model, images, digits.labels, seeded(), targets=targets)
    torch.manual_seed(0)
    many = getattr(foolbox.attacks, f"{norm}ProjectedGradientDescentAttack")(steps=20, abs_stepsize=step)
    goal = foolbox.criteria.TargetedMisclassification(targets)
    _, theirs, _ = many(foolbox.PyTorchModel(model, bounds=(0, 1), device="cpu"), images, goal, epsilons=eps)
    library = (torchattacks.PGD if norm == "Linf" else torchattacks.PGDL2)(model, eps=eps, alpha=step, steps=20)
    library.set_mode_targeted_by_label(quiet=True)
    compare_targeted(digits, targets, ours, theirs, library(images, targets))


@pytest.mark.slow
@pytest.mark.parametrize("norm", ["Linf", "L2"])
def test_transfer_is_foolboxs_images_handed_over(digits, foolbox, norm):
    """Crafted on a substitute by foolbox, and by ours: the victim errs on as many."""
    eps = 2 * STRENGTHS[norm]
    with torch.random.fork_rng():
        torch.manual_seed(1)
        source = torch.nn.Sequential(
            torch.nn.Flatten(), torch.nn.Linear(64, 32), torch.nn.ReLU(), torch.nn.Linear(32, 10)
        )
        optimizer = torch.optim.Adam(source.parameters(), lr=1e-2)
        for _ in range(60):
            optimizer.zero_grad()
            loss = torch.nn.functional.cross_entropy(source(digits.images), digits.labels)
            loss.backward()
            optimizer.step()
        torch.manual_seed(0)
        many = getattr(foolbox.attacks, f"{norm}ProjectedGradientDescentAttack")(steps=20, abs_stepsize=2.5 * eps / 20)
        surrogate = foolbox.PyTorchModel(source.eval(), bounds=(0, 1), device="cpu")
        _, theirs, _ = many(surrogate, digits.images, digits.labels, epsilons=eps)
    ours = attack_with(digits, Transfer(eps=eps, norm=norm, sources=(source,), attack=PGD(eps=eps, norm=norm)))
    compare(digits, ours, theirs)


def papernot(trained, settings):
    """Algorithm 1 of Papernot et al. as printed: a fresh substitute each round, one Jacobian row an image."""
    images = trained.images
    with torch.no_grad():
        labels = trained.model(images).argmax(1)
    for number in range(settings.rounds + 1):
        network = settings.substitute(1, 10)
        optimizer = torch.optim.Adam(network.parameters(), lr=settings.learning_rate)
        for _ in range(settings.epochs):
            for rows in torch.randperm(len(images)).split(settings.batch_size):
                optimizer.zero_grad()
                torch.nn.functional.cross_entropy(network(images[rows]), labels[rows]).backward()
                optimizer.step()
        if number == settings.rounds:
            return network.eval()
        added = []
        for image, label in zip(images, labels):
            leaf = image[None].clone().requires_grad_(True)
            network(leaf)[0, label].backward()
            added.append((image[None] + settings.augmentation_step * leaf.grad.sign()).clamp(0, 1))
        with torch.no_grad():
            labels = torch.cat([labels, trained.model(torch.cat(added)).argmax(1)])
        images = torch.cat([images, *added])


def test_the_black_box_is_no_weaker_than_the_printed_algorithm(digits):
    some, eps = type(digits)(digits.model, digits.images[:100], digits.labels[:100]), 2 * STRENGTHS["Linf"]
    box, ours, theirs = BlackBox(eps=eps, rounds=2), 0.0, 0.0
    for seed in range(2):
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            source = papernot(some, box)
        generator = torch.Generator().manual_seed(seed)
        ours += some.accuracy(box(some.model, some.images, some.labels, generator)) / 2
        theirs += some.accuracy(PGD(eps=eps)(source, some.images, some.labels, generator)) / 2
    assert theirs < 0.9
    assert ours <= theirs + 0.05
