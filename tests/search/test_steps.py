"""The verbs of Algorithm 1 against loops written from its text."""

from contextlib import nullcontext
from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.nn import functional

from wsrnas.attacks.pgd import PGD
from wsrnas.estimators.noise.rescale import Rescale
from wsrnas.rng import fixed_global_seed
from wsrnas.runtime import Runtime, RuntimeConfig
from wsrnas.search.costs import Costs
from wsrnas.search.evaluators.fidelity import measure_fidelity
from wsrnas.search.evaluators.measure import Refinement, Spectrum, batch_losses, measure_losses, real_noises

STRENGTHS = (0.03, 0.06, 0.09)


@pytest.fixture(scope="module")
def runtime():
    return Runtime(RuntimeConfig(device="cpu"))


@pytest.fixture(scope="module")
def network():
    with fixed_global_seed(0, "steps"):
        return nn.Sequential(
            nn.Conv2d(1, 6, 3, padding=1),
            nn.BatchNorm2d(6, track_running_stats=False),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(6 * 64, 4),
        )


@pytest.fixture(scope="module")
def batches():
    generator = torch.Generator().manual_seed(0)
    return [
        (torch.rand(8, 1, 8, 8, generator=generator), torch.randint(0, 4, (8,), generator=generator)) for _ in range(2)
    ]


COSTS = Costs(attack=2 * 3, verification=0, refinement=Refinement())


def timed(phase):
    return nullcontext()


def test_losses_are_means_per_image_of_attacked_and_estimated_noises(network, batches, runtime):
    spectrum, attack, estimator = Spectrum(STRENGTHS, (0.06,)), PGD(eps=0.03, steps=3, random_start=False), Rescale()
    losses, images_seen = measure_losses(network, batches, spectrum, attack, estimator, runtime, timed)
    expected = [0.0] * 4
    for images, labels in batches:
        real = PGD(eps=0.06, steps=3, random_start=False)(network, images, labels) - images
        for place, strength in enumerate((0.0, *STRENGTHS)):
            if strength == 0:
                shifted = images
            elif strength == 0.06:
                shifted = images + real
            else:
                found = estimator(images, real[:, None], torch.tensor([0.06]), torch.tensor([strength]))
                shifted = images + found[:, 0]
            with torch.no_grad():
                logits = network(shifted)
            for row, label in enumerate(labels):
                expected[place] += float(functional.cross_entropy(logits[row : row + 1], label[None])) / 16
    assert losses.tolist() == pytest.approx(expected, rel=1e-5)
    assert images_seen == 16
    assert COSTS.measuring(images_seen, spectrum) == 16 * (2 * 3 + 4)


def test_refined_estimates_raise_the_loss_and_are_charged(network, batches, runtime):
    spectrum, attack = Spectrum(STRENGTHS, (0.06,)), PGD(eps=0.03, steps=3, random_start=False)
    given = (network, batches, spectrum, attack, Rescale(), runtime)
    plain, _ = measure_losses(*given, timed)
    refined, seen = measure_losses(*given, timed, Refinement(2, 0.3))
    dearer = replace(COSTS, refinement=Refinement(2, 0.3))
    more = 16 * 2 * 2 * 2
    assert dearer.measuring(seen, spectrum) == COSTS.measuring(seen, spectrum) + more, (
        "two passes for each of 16 images, two strengths and two steps"
    )
    assert refined[[0, 2]].tolist() == pytest.approx(plain[[0, 2]].tolist())
    assert (refined[[1, 3]] > plain[[1, 3]]).all()
    found, seen = measure_fidelity(*given, Refinement(2, 0.3))
    assert dearer.fidelity(seen, spectrum) == COSTS.fidelity(seen, spectrum) + more
    real, _ = measure_losses(network, batches, Spectrum(STRENGTHS, STRENGTHS), attack, Rescale(), runtime, timed)
    for place, strength in ((1, 0.03), (3, 0.09)):
        error = (refined[place] - real[place]) / real[place]
        assert found[strength].loss_error == pytest.approx(float(error), rel=1e-3, abs=1e-6)
    assert all(parameter.requires_grad and parameter.grad is None for parameter in network.parameters())


def test_stronger_noise_costs_more(network, batches, runtime):
    spectrum = Spectrum(STRENGTHS, STRENGTHS)
    attack = PGD(eps=0.03, steps=5, random_start=False)
    losses, _ = measure_losses(network, batches, spectrum, attack, Rescale(), runtime, timed)
    assert losses.tolist() == sorted(losses.tolist())


def test_every_strength_has_batch_statistics_of_its_own(network, batches, runtime):
    images, labels = batches[0]
    noises = real_noises(network, images, labels, STRENGTHS, PGD(eps=0.03, steps=2, random_start=False), runtime)
    together = batch_losses(network, images, labels, noises, runtime)
    alone = batch_losses(network, images, labels, noises[:, 2:], runtime)
    assert torch.equal(together[[0, 3]], alone)


def test_fidelity_is_the_share_of_the_drop_that_is_recovered(network, batches, runtime):
    attack, spectrum = PGD(eps=0.03, steps=4, random_start=False), Spectrum((0.1, 0.3), (0.1,))
    found, _ = measure_fidelity(network, batches, spectrum, attack, Rescale(), runtime)
    correct = {"clean": 0, "real": 0, "hat": 0}
    for images, labels in batches:
        known = attack.at(0.1)(network, images, labels) - images
        hat = Rescale()(images, known[:, None], torch.tensor([0.1]), torch.tensor([0.3]))[:, 0]
        for name, shifted in (
            ("clean", images),
            ("real", attack.at(0.3)(network, images, labels)),
            ("hat", images + hat),
        ):
            correct[name] += int((network(shifted).argmax(1) == labels).sum())
    assert list(found) == [0.3]
    drop = correct["clean"] - correct["real"]
    assert drop > 0, "the fixture must leave something to recover"
    assert found[0.3].share == pytest.approx((correct["clean"] - correct["hat"]) / drop)


def test_a_strength_that_falls_back_is_attacked_and_no_longer_estimated():
    spectrum = Spectrum(STRENGTHS, (0.06,)).with_attacked(0.03)
    assert spectrum.attacked == (0.03, 0.06)
    assert spectrum.estimated == (0.09,)
