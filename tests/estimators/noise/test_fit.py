"""Eq. 3-5: what M_a holds, and training φ on it."""

import pytest
import torch
from torch import nn

from wsrnas.errors import InputError
from wsrnas.estimators.memory import NoiseMemory
from wsrnas.estimators.noise import (
    EXAMPLES,
    RELEASED_FIT,
    NoiseFit,
    RaisedLoss,
    WeightedAverage,
    examples_per_image,
    fit_noise_estimator,
    noise_estimator,
    push_noise,
    refine,
)
from wsrnas.rng import fixed_global_seed, stream

STRENGTHS = torch.tensor([0.03, 0.06, 0.09, 0.045])


@pytest.fixture(scope="module")
def model():
    with fixed_global_seed(0):
        return nn.Sequential(nn.Conv2d(1, 6, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(384, 3)).eval()


@pytest.fixture(scope="module")
def memory(model):
    generator = stream(0, "fit")
    memory = NoiseMemory(96)
    images = torch.rand(24, 1, 8, 8, generator=generator)
    labels = torch.randint(3, (24,), generator=generator)
    start = torch.zeros(24, 4, 1, 8, 8)
    push_noise(memory, images, refine(model, images, labels, start, STRENGTHS, steps=4, step_size=0.5), STRENGTHS)
    return memory


def small(name="a-ane", seed=0, form="corrected"):
    sizes = {"channels": 4, "value_channels": 8} if name == "a-ane" else {"width": 8}
    if name == "a-ane" and form == "corrected":
        sizes["hidden"] = 16
    return noise_estimator(name, image_shape=(1, 8, 8), seed=seed, form=form, **sizes)


def test_equation_4_gives_the_known_noises_and_asks_for_the_one_at_the_random_strength():
    """(x, {δ_ε1 … δ_εN1}, ε̂, δ_ε̂), once an image, wherever ε̂ lies among the known strengths."""
    for known, random in (((0.03, 0.06, 0.09), 0.045), ((0.09, 0.03), 0.01), ((0.03,), 0.2)):
        memory, strengths = NoiseMemory(100), torch.tensor([*known, random])
        images = torch.rand(2, 1, 8, 8)
        noises = (
            strengths[None, :, None, None, None].expand(2, -1, 1, 8, 8)
            * torch.tensor([1, -1])[:, None, None, None, None]
        )
        push_noise(memory, images, noises, strengths, "printed")
        assert len(memory) == 2
        ((seen, known_noise, given, wanted, noise),) = memory.batches(2, stream(0, "order"))
        for row in range(2):
            assert given[row].tolist() == torch.tensor(sorted(known)).tolist()
            place = next(index for index in range(2) if torch.equal(seen[row], images[index]))
            sign = 1 - 2 * place
            torch.testing.assert_close(known_noise[row, :, 0, 0, 0], sign * given[row])
            torch.testing.assert_close(noise[row, 0], torch.full((1, 8, 8), sign * random))
            torch.testing.assert_close(wanted[row], torch.tensor([random]))


def test_the_queue_holds_the_latest_entries_of_all_batches():
    """M_a = 600 and B = 10 batches of 64: the first 40 of the 640 entries have left."""
    memory, strengths = NoiseMemory(600), torch.tensor([0.03, 0.06, 0.045])
    for batch in range(10):
        images = (64 * batch + torch.arange(64.0))[:, None, None, None] / 640
        push_noise(memory, images, torch.zeros(64, 3, 1, 1, 1), strengths, "printed")
    held = torch.cat([batch[0].flatten() for batch in memory.batches(64, stream(0, "held"))])
    torch.testing.assert_close(held.sort().values, torch.arange(40.0, 640.0) / 640)


@pytest.mark.parametrize("examples", EXAMPLES)
def test_an_image_makes_as_many_entries_as_said(examples):
    memory = NoiseMemory(100)
    push_noise(memory, torch.rand(3, 1, 8, 8), torch.zeros(3, 4, 1, 8, 8), STRENGTHS, examples)
    assert len(memory) == 3 * examples_per_image(3, examples)


def test_leaving_one_out_makes_each_noise_the_label_once_and_sorts_the_rest():
    memory = NoiseMemory(100)
    images = torch.rand(2, 1, 8, 8)
    noises = STRENGTHS[None, :, None, None, None].expand(2, 4, 1, 8, 8)
    push_noise(memory, images, noises, STRENGTHS)
    assert len(memory) == 8
    seen = {}
    for _, known_noise, known, wanted, noise in memory.batches(1, stream(0, "order")):
        assert (known[0].diff() > 0).all()
        torch.testing.assert_close(known_noise[0, :, 0, 0, 0], known[0])
        torch.testing.assert_close(noise[0, 0, 0, 0, 0], wanted[0, 0])
        assert set(known[0].tolist()) | {float(wanted)} == set(STRENGTHS.tolist())
        seen[round(float(wanted), 4)] = seen.get(round(float(wanted), 4), 0) + 1
    assert seen == {0.03: 2, 0.045: 2, 0.06: 2, 0.09: 2}


@pytest.mark.parametrize("form", ["corrected", "printed"])
@pytest.mark.parametrize("name", ["a-ane", "e-ane", "e-ane-minus", "plus-ane"])
def test_equation_5_reduces_the_squared_error(memory, name, form):
    phi = small(name, form=form)
    optimizer, schedule = NoiseFit(learning_rate=3e-3).optimizer(phi)
    errors = fit_noise_estimator(
        phi, memory, optimizer, schedule=schedule, passes=12, batch_size=32, generator=stream(0, "passes")
    )
    assert len(errors) == 12
    assert errors[-1] < 0.95 * errors[0]


def test_equation_5_is_the_mean_square_of_the_error(memory):
    phi = small()
    optimizer = torch.optim.SGD(phi.parameters(), lr=0.0)
    (error,) = fit_noise_estimator(phi, memory, optimizer, passes=1, batch_size=96, generator=stream(0, "one"))
    (batch,) = memory.batches(96, stream(0, "one"))
    images, known_noise, known, wanted, noise = batch
    total = 0.0
    for i in range(len(images)):
        row = slice(i, i + 1)
        noise_hat = phi.estimate(images[row], known_noise[row], known[row], wanted[row])
        total += float((noise_hat - noise[row]).detach().square().mean())
    assert error == pytest.approx(total / len(images), rel=1e-4)


def test_training_repeats_bit_for_bit_and_resumes(memory):
    def train(splits):
        phi = small()
        optimizer, schedule = NoiseFit(warm_up_steps=3, total_steps=9).optimizer(phi)
        for part, passes in enumerate(splits):
            if part:
                saved = [phi.state_dict(), optimizer.state_dict(), schedule.state_dict()]
                phi = small(seed=9)
                optimizer, schedule = NoiseFit(warm_up_steps=3, total_steps=9).optimizer(phi)
                for item, state in zip((phi, optimizer, schedule), saved):
                    item.load_state_dict(state)
            for index in range(passes):
                generator = stream(0, "pass", part + index)
                fit_noise_estimator(
                    phi, memory, optimizer, schedule=schedule, passes=1, batch_size=32, generator=generator
                )
        return phi.state_dict()

    straight, resumed = train([2]), train([1, 1])
    assert all(torch.equal(straight[name], resumed[name]) for name in straight)


@torch.no_grad()
def test_the_loss_to_raise_is_minus_the_cross_entropy_at_the_models_own_labels(model):
    generator = stream(0, "raised")
    images, noise_hat = torch.rand(3, 1, 8, 8, generator=generator), torch.randn(3, 2, 1, 8, 8, generator=generator)
    total = 0.0
    for image, noises in zip(images, noise_hat):
        label = int(model(image[None]).argmax())
        total += sum(float(model((image + noise)[None]).log_softmax(dim=1)[0, label]) for noise in noises)
    assert float(RaisedLoss(model)(images, noise_hat, noise_hat)) == pytest.approx(total / 6, rel=1e-4)


def test_training_on_the_loss_it_should_raise(memory, model):
    phi = small()
    optimizer, _ = NoiseFit(learning_rate=3e-3).optimizer(phi)
    losses = fit_noise_estimator(
        phi, memory, optimizer, passes=16, batch_size=32, generator=stream(0, "raise"), loss=RaisedLoss(model)
    )
    assert losses[-1] < losses[0]
    assert all(parameter.grad is None for parameter in model.parameters())


def test_the_relative_error_weighs_every_strength_alike(memory):
    phi = small()
    optimizer = torch.optim.SGD(phi.parameters(), lr=0.0)
    generator = stream(0, "one")
    (relative,) = fit_noise_estimator(
        phi, memory, optimizer, passes=1, batch_size=96, generator=generator, loss="relative"
    )
    images, known_noise, known, wanted, noise = memory.batches(96, stream(0, "one"))[0]
    noise_hat = phi.estimate(images, known_noise, known, wanted).detach()
    expected = ((noise_hat - noise) / wanted[:, :, None, None, None]).square().mean()
    assert relative == pytest.approx(float(expected), rel=1e-4)


def test_the_schedule_is_the_released_one():
    assert RELEASED_FIT.rate(0) == pytest.approx(1 / 4000)
    assert RELEASED_FIT.learning_rate * RELEASED_FIT.rate(2700) == pytest.approx(3.4e-4, rel=0.01)
    assert RELEASED_FIT.rate(4000) == 1.0
    assert RELEASED_FIT.rate(52_000) == pytest.approx(0.5)
    assert RELEASED_FIT.rate(100_000) == pytest.approx(0.0)
    assert NoiseFit().rate(10**6) == 1.0


def test_user_errors_name_the_remedy(memory):
    phi = small()
    optimizer, _ = NoiseFit().optimizer(phi)
    generator = stream(0, "errors")
    with pytest.raises(
        InputError, match=r"estimator: expected one with weights to fit, got WeightedAverage; use it as"
    ):
        fit_noise_estimator(WeightedAverage(), memory, optimizer, passes=1, batch_size=4, generator=generator)
    with pytest.raises(
        InputError, match=r"memory: expected examples to train on, got an empty memory; push_noise first"
    ):
        fit_noise_estimator(phi, NoiseMemory(3), optimizer, passes=1, batch_size=4, generator=generator)
    with pytest.raises(InputError, match=r"strengths: expected one for each of at least two noises"):
        push_noise(NoiseMemory(3), torch.rand(1, 1, 8, 8), torch.zeros(1, 1, 1, 8, 8), torch.tensor([0.1]))
    with pytest.raises(InputError, match=r"examples: expected one of leave-one-out, printed, got print; did you mean"):
        push_noise(memory, torch.rand(1, 1, 8, 8), torch.zeros(1, 4, 1, 8, 8), STRENGTHS, "print")
    with pytest.raises(InputError, match=r"total_steps: expected more than warm_up_steps = 10, got 5"):
        NoiseFit(warm_up_steps=10, total_steps=5)
    with pytest.raises(InputError, match=r"learning_rate: expected a rate > 0, got 0"):
        NoiseFit(learning_rate=0.0)
