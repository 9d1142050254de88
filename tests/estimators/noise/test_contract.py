"""Every concrete NoiseEstimator, found by walking subclasses, keeps the contract of the base class."""

import inspect
from typing import get_args

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.contracts import concrete

from wsrnas.errors import InputError
from wsrnas.estimators.noise import Form
from wsrnas.estimators.noise.base import NoiseEstimator
from wsrnas.rng import fixed_global_seed, stream

SMALL = {
    "AANE": {"channels": 4, "hidden": 12, "value_channels": 5},
    "EANE": {"width": 6, "query_size": 5},
    "EANEMinus": {"width": 6},
    "PlusANE": {"width": 8, "query_size": 5},
}


def build(kind, form, shape=(1, 8, 8), norm="Linf", seed=0) -> NoiseEstimator:
    arguments = {"image_shape": shape, **SMALL.get(kind.__name__, {})} if kind.needs_training else {}
    if form is not None:
        arguments["form"] = form
    if form == "printed":
        arguments = {name: value for name, value in arguments.items() if name not in ("hidden", "query_size")}
    if kind.__name__ == "Rescale" and norm == "L2":
        arguments["shape"] = "scale"
    with fixed_global_seed(seed):
        return kind(norm=norm, **arguments)


def make_batch(shape, count, *, batch=2, seed=0, norm="Linf"):
    generator = stream(seed, "batch")
    images = torch.rand(batch, *shape, generator=generator).round(decimals=1)
    strengths = (torch.rand(count, generator=generator) * 0.2 + 0.01).sort().values
    noise = torch.randn(batch, count, *shape, generator=generator).clamp(-1, 1) * strengths[:, None, None, None]
    if norm == "L2":
        noise = noise / noise.flatten(2).norm(dim=2)[:, :, None, None, None] * strengths[:, None, None, None]
    return images, noise, strengths, generator


KINDS = concrete(NoiseEstimator)
CASES = [
    (kind, form)
    for kind in KINDS
    for form in (get_args(Form) if "form" in inspect.signature(kind).parameters else (None,))
]


def of(cases):
    names = [" ".join(filter(None, (kind.__name__, form))) for kind, form in cases]
    return pytest.mark.parametrize(("kind", "form"), cases, ids=names)


every_design = of(CASES)
every_learned_design = of([(kind, form) for kind, form in CASES if kind.needs_training])


def test_all_designs_are_found():
    names = {kind.__name__ for kind in KINDS}
    assert {"AANE", "EANE", "EANEMinus", "PlusANE", "Rescale", "WeightedAverage"} <= names


@every_design
@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 32, 32), (2, 9, 12)], ids=str)
@pytest.mark.parametrize("known_count", [1, 2, 3])
@pytest.mark.parametrize("wanted_count", [1, 3, 8])
def test_shapes_range_and_ball(kind, form, shape, known_count, wanted_count):
    images, noise, strengths, generator = make_batch(shape, known_count)
    wanted = torch.rand(wanted_count, generator=generator) * 0.4
    noise_hat = build(kind, form, shape)(images, noise, strengths, wanted)
    assert noise_hat.shape == (2, wanted_count, *shape)
    assert (noise_hat.abs().amax(dim=(2, 3, 4)) <= wanted + 1e-6).all()
    attacked = images[:, None] + noise_hat
    assert attacked.min() >= 0
    assert attacked.max() <= 1


@every_design
@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10_000), norm=st.sampled_from(["Linf", "L2"]), scale=st.floats(0.1, 30))
def test_projection_holds_for_any_noise_and_weights(kind, form, seed, norm, scale):
    images, noise, strengths, generator = make_batch((1, 8, 8), 2, seed=seed, norm=norm)
    estimator = build(kind, form, norm=norm, seed=seed)
    with torch.no_grad():
        for parameter in estimator.parameters():
            parameter.mul_(scale)
    wanted = torch.rand(2, 4, generator=generator) * 0.5
    noise_hat = estimator(images, noise * scale, strengths, wanted)
    flat = noise_hat.flatten(2)
    size = flat.abs().amax(dim=2) if norm == "Linf" else flat.norm(dim=2)
    assert (size <= wanted * (1 + 1e-5) + 1e-6).all()
    attacked = images[:, None] + noise_hat
    assert attacked.min() >= 0
    assert attacked.max() <= 1


@every_design
def test_order_of_wanted_strengths_and_batch_do_not_matter(kind, form):
    images, noise, strengths, _ = make_batch((1, 8, 8), 3)
    estimator = build(kind, form)
    wanted = torch.tensor([0.3, 0.02, 0.11])
    together = estimator(images, noise, strengths, wanted)
    for column, strength in enumerate(wanted):
        torch.testing.assert_close(estimator(images, noise, strengths, strength[None])[:, 0], together[:, column])
    for row in range(len(images)):
        alone = estimator(images[row : row + 1], noise[row : row + 1], strengths, wanted)
        torch.testing.assert_close(alone[0], together[row])
    per_image = estimator(images, noise, strengths.expand(2, -1), wanted.expand(2, -1))
    torch.testing.assert_close(per_image, together)


@every_design
def test_strengths_may_differ_between_images(kind, form):
    images, noise, strengths, _ = make_batch((1, 8, 8), 3)
    other = strengths * 0.7
    known, wanted = torch.stack([strengths, other]), torch.tensor([[0.05, 0.2], [0.2, 0.01]])
    estimator = build(kind, form)
    together = estimator(images, noise, known, wanted)
    for row in range(2):
        alone = estimator(images[row : row + 1], noise[row : row + 1], known[row], wanted[row])
        torch.testing.assert_close(alone[0], together[row])


@every_design
def test_state_dict_round_trip(kind, form, tmp_path):
    images, noise, strengths, _ = make_batch((1, 8, 8), 3)
    first, second = build(kind, form, seed=1), build(kind, form, seed=2)
    torch.save(first.state_dict(), tmp_path / "phi.pt")
    second.load_state_dict(torch.load(tmp_path / "phi.pt", weights_only=True))
    wanted = torch.tensor([0.04, 0.3])
    assert torch.equal(first(images, noise, strengths, wanted), second(images, noise, strengths, wanted))


@every_learned_design
def test_gradients_reach_every_weight(kind, form):
    images, noise, strengths, _ = make_batch((1, 8, 8), 3, batch=4)
    estimator = build(kind, form)
    wanted = torch.tensor([0.05, 0.3]).expand(4, -1)
    estimator.estimate(images, noise, strengths.expand(4, -1), wanted).square().sum().backward()
    dead = [name for name, p in estimator.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert not dead


@every_design
def test_wrong_input_is_refused(kind, form):
    images, noise, strengths, _ = make_batch((1, 8, 8), 3)
    estimator = build(kind, form)
    with pytest.raises(InputError, match=r"known_strengths: expected ascending strengths > 0"):
        estimator(images, noise, strengths.flip(0), torch.tensor([0.1]))
    with pytest.raises(InputError, match=r"known_strengths: expected \(N,\) or \(2, 3\)"):
        estimator(images, noise, strengths[:2], torch.tensor([0.1]))
