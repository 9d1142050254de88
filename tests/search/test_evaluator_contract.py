"""The contract of every evaluator, found by itself: on a super-network, on a table, behind slips, trained alone."""

import io
import itertools
import json

import pytest
import torch
from tests.contracts import concrete

from wsrnas.data import DataConfig, load_data
from wsrnas.rng import stream
from wsrnas.runtime import Runtime, RuntimeConfig
from wsrnas.search.base import Evaluator
from wsrnas.search.config import MeasureConfig, NoiseEstimatorConfig, SearchConfig, SpaceConfig, TrainingConfig
from wsrnas.search.evaluators.one_shot import OneShot
from wsrnas.search.evaluators.released import ReleasedLabels
from wsrnas.search.evaluators.table import TableEvaluator
from wsrnas.search.evaluators.trained import Trained
from wsrnas.search.labels import LabelsConfig
from wsrnas.search.spectrum import SpectrumConfig
from wsrnas.spaces import get_space

STRENGTHS = (0.05, 0.1, 0.15, 0.2)
CONFIG = SearchConfig(
    data=DataConfig(name="digits", train_limit=48, valid_limit=32, test_limit=16),
    space=SpaceConfig(name="nb201", channels=2, layers=1),
    spectrum=SpectrumConfig(strengths=",".join(map(str, STRENGTHS))),
    training=TrainingConfig(strength=0.1, steps=1, images=32, batch_size=16),
    noise_estimator=NoiseEstimatorConfig(fidelity_every=2, fidelity_images=16),
    labels=LabelsConfig(epochs=1),
    measure=MeasureConfig(images=32, batch_size=16),
    runtime=RuntimeConfig(device="cpu"),
)


@pytest.fixture(scope="module")
def data():
    return load_data(CONFIG.data, CONFIG.seed)


def one_shot(data):
    return OneShot(CONFIG, data, Runtime(CONFIG.runtime))


def table(data):
    """Every choice of nb201's six edges has a row of its own."""
    space = get_space("nb201")
    rows = {choice: place for place, choice in enumerate(itertools.product(range(5), repeat=space.num_edges))}
    losses = torch.rand(len(rows), 1 + len(STRENGTHS), generator=stream(0, "table"))
    error = torch.rand(losses.shape, generator=stream(0, "error"))
    return TableEvaluator(space, rows, losses, torch.tensor(STRENGTHS), error=error, ageing=(2.0, 3.0))


MAKE = {
    OneShot: one_shot,
    ReleasedLabels: lambda data: ReleasedLabels(one_shot(data)),
    TableEvaluator: table,
    Trained: lambda data: Trained(CONFIG, data, Runtime(CONFIG.runtime)),
}


@pytest.fixture(params=concrete(Evaluator), ids=lambda kind: kind.__name__)
def make(request, data):
    return lambda: MAKE[request.param](data)


def some(evaluator, count=4):
    space = evaluator.space
    return [space.architecture(space.sample(stream(0, "architecture", place))) for place in range(count)]


def state_of(evaluator):
    stored = io.BytesIO()
    torch.save(evaluator.state_dict(), stored)
    stored.seek(0)
    return torch.load(stored, weights_only=True)


def test_losses_are_finite_one_for_clean_images_and_one_per_strength(make):
    evaluator = make()
    assert evaluator.strengths.tolist() == pytest.approx(STRENGTHS)
    first, second, *finalists = some(evaluator)
    evaluator.warm_up(first)
    found = [evaluator.measure(first), evaluator.remeasure(second), *evaluator.verify(finalists)]
    assert evaluator.measure_clean(second).shape == (1,)
    for losses in found:
        assert losses.shape == (1 + len(STRENGTHS),)
        assert losses.isfinite().all()
        assert not losses.requires_grad


def test_the_record_says_what_was_measured_in_what_json_can_hold(make):
    evaluator = make()
    evaluator.measure(some(evaluator)[0])
    assert json.loads(json.dumps(evaluator.record))["cost"] == evaluator.cost > 0


def test_every_new_measurement_is_charged_and_nothing_is_ever_given_back(make):
    evaluator = make()
    costs = [evaluator.cost]
    for architecture in some(evaluator):
        evaluator.measure(architecture)
        costs.append(evaluator.cost)
    assert costs == sorted(set(costs))
    evaluator.verify(some(evaluator, 2))
    assert evaluator.cost > costs[-1]


def test_measuring_again_and_verifying_train_nothing(make):
    evaluator = make()
    architecture = some(evaluator)[0]
    evaluator.measure(architecture)
    first = evaluator.remeasure(architecture)
    evaluator.verify([architecture])
    assert torch.equal(evaluator.remeasure(architecture), first)


def test_draws_nothing_from_the_global_generator(make):
    evaluator = make()
    state = torch.get_rng_state()
    found = []
    for seed in (0, 1):
        torch.manual_seed(seed)
        fresh = make()
        found.append(fresh.measure(some(fresh)[0]))
    torch.set_rng_state(state)
    evaluator.measure(some(evaluator)[0])
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(*found)


def test_going_on_from_a_stored_state_is_bit_for_bit_never_stopping(make):
    whole = make()
    first, second, third, fourth = some(whole)
    for architecture in (first, second):
        whole.warm_up(architecture)
        whole.measure(architecture)
    stopped = make()
    stopped.load_state_dict(state_of(whole))
    for architecture in (third, fourth):
        assert torch.equal(stopped.measure(architecture), whole.measure(architecture))
    assert torch.equal(stopped.remeasure(first), whole.remeasure(first))
    assert (stopped.cost, stopped.record) == (whole.cost, whole.record)
