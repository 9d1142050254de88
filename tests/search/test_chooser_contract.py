"""The contract of every way of choosing architectures in Algorithm 1, found by itself."""

import io

import pytest
import torch
from tests.contracts import concrete
from tests.search.known_optimum import AdditiveEvaluator

from wsrnas.estimators.loss.ensemble import EnsembleLossEstimator
from wsrnas.estimators.memory import LossMemory
from wsrnas.search.objective import SearchObjective
from wsrnas.search.wsr.choose import Chooser, GradientChooser, ProposingChooser
from wsrnas.search.wsr.propose import ProposeSettings
from wsrnas.spaces import get_space

SPACE = get_space("nb201")
OBJECTIVE = SearchObjective(clean_weight=0.8, robust_weight=0.2, strength_weights=(0.2, 0.3, 0.5))
SETTINGS = {
    GradientChooser: {"temperature": 0.5, "step_size": 0.2},
    ProposingChooser: {"settings": ProposeSettings(exploration=0.2)},
}


@pytest.fixture(params=concrete(Chooser), ids=lambda kind: kind.__name__)
def make(request):
    return lambda seed=0: request.param(SPACE, OBJECTIVE, seed, **SETTINGS[request.param])


@pytest.fixture(scope="module")
def estimator():
    return EnsembleLossEstimator(
        num_edges=SPACE.num_edges, num_operations=SPACE.num_operations, num_losses=4, seed=0, passes=10
    )


def filled(chooser, estimator, size=8):
    """Return M_v with a labelled population, and ψ trained on it."""
    memory, evaluator = LossMemory(40), AdditiveEvaluator()
    for place, architecture in enumerate(chooser.population(size, 0)):
        memory.push(architecture.encoding, evaluator.measure(architecture), architecture.choice, place)
    estimator.fit(*memory.tensors(), generator=torch.Generator().manual_seed(0))
    return memory


def test_the_population_has_its_size_and_depends_on_the_seed_alone(make):
    one, again, other = (make(seed).population(6, seed) for seed in (0, 0, 1))
    assert [item.choice for item in one] == [item.choice for item in again]
    assert [item.choice for item in one] != [item.choice for item in other]
    assert len(one) == 6
    for item in one:
        assert item.encoding.shape == (SPACE.num_edges, SPACE.num_operations)
        assert item.choice == SPACE.all_edges(item.encoding).choice


def test_what_is_chosen_depends_on_the_iteration_and_the_memory_alone(make, estimator):
    chooser = make()
    memory = filled(chooser, estimator)
    choices = {}
    for iteration in (20, 21, 22, 21, 20):
        architecture, how = chooser.choose(memory, estimator, iteration)
        assert isinstance(how, str)
        assert choices.setdefault(iteration, architecture.choice) == architecture.choice


def test_finalists_are_distinct_genotypes_of_the_space_with_and_without_psi(make, estimator):
    chooser = make()
    memory = filled(chooser, estimator)
    for psi in (None, estimator):
        finalists = chooser.finalists(memory, psi, 3)
        assert 1 <= len(finalists) == len({SPACE.canonical(genotype) for genotype in finalists}) <= 3
        assert chooser.finalists(memory, psi, 1) == finalists[:1]


def test_the_stalest_labels_are_few_and_the_oldest_first(make, estimator):
    chooser = make()
    memory = filled(chooser, estimator)
    stale = [label.measured_at for label in chooser.stale(memory, 2)]
    assert len(stale) == 2
    assert stale == sorted(stale)
    assert chooser.stale(memory, 0) == []


def test_restored_it_goes_on_bit_for_bit(make, estimator):
    whole = make()
    memory = filled(whole, estimator)
    whole.choose(memory, estimator, 20)
    whole.update(estimator)
    stored = io.BytesIO()
    torch.save(whole.state_dict(), stored)
    stored.seek(0)
    other = make()
    other.load_state_dict(torch.load(stored, weights_only=True))
    for chooser in (whole, other):
        chooser.choose(memory, estimator, 21)
        chooser.update(estimator)
    assert whole.choose(memory, estimator, 22)[0].choice == other.choose(memory, estimator, 22)[0].choice
    assert whole.finalists(memory, estimator, 3) == other.finalists(memory, estimator, 3)
