"""The two ways to choose: A moved by the gradient of Eq. 10, and ψ proposing."""

import pytest
import torch

from wsrnas.errors import InputError
from wsrnas.estimators.loss.gaussian_process import GaussianProcessLossEstimator
from wsrnas.estimators.loss.lstm import LSTMLossEstimator
from wsrnas.search.objective import SearchObjective
from wsrnas.search.wsr.gradient_update import RELEASED_LEARNING_RATE, alpha_optimizer, update_alpha
from wsrnas.search.wsr.known import unseen_sample
from wsrnas.search.wsr.propose import ProposeSettings, propose, tempered
from wsrnas.spaces import get_space
from wsrnas.spaces.base import gumbel_softmax

OBJECTIVE = SearchObjective(clean_weight=0.4, robust_weight=0.6, strength_weights=(0.5, 0.5))


def fitted(space, count=40):
    generator = torch.Generator().manual_seed(0)
    genotypes = [space.sample(generator) for _ in range(count)]
    encodings = torch.stack([space.encode(genotype) for genotype in genotypes])
    bad = encodings[:, :, 0].sum(dim=1, keepdim=True)
    losses = bad * torch.tensor([0.1, 0.2, 0.3]) + 0.5
    sizes = {"num_edges": space.num_edges, "num_operations": space.num_operations, "num_losses": 3}
    estimator = GaussianProcessLossEstimator(**sizes)
    estimator.fit(encodings, losses, generator=generator)
    return estimator, genotypes, encodings, losses


@pytest.mark.parametrize("name", ["nb201", "darts"])
def test_proposes_an_unseen_genotype_reproducibly(name):
    space = get_space(name)
    estimator, genotypes, _, _ = fitted(space)
    seen = {space.canonical(genotype) for genotype in genotypes}
    settings = ProposeSettings(samples=20, restarts=2, descent_steps=3, neighbours=30)
    found = [
        propose(space, estimator, OBJECTIVE, seen, torch.Generator().manual_seed(4), settings, best=genotypes)
        for _ in range(2)
    ]
    assert found[0] == found[1]
    assert space.canonical(found[0]) not in seen


def test_proposes_what_the_estimator_likes():
    space = get_space("nb201")
    estimator, genotypes, _, _ = fitted(space)
    settings = ProposeSettings(exploration=0.0, caution=0.0)
    proposed = propose(space, estimator, OBJECTIVE, set(), torch.Generator().manual_seed(0), settings, best=genotypes)
    assert 0 not in space.choice(proposed)


def test_climbs_end_where_psi_likes_no_unseen_neighbour_better():
    space = get_space("nb201")
    estimator, genotypes, _, _ = fitted(space)
    start = max(genotypes, key=lambda one: space.choice(one).count(0))  # the worst: `none` is what costs
    seen = {space.canonical(genotype) for genotype in space.neighbours(start)[:5]}
    found = {}
    for climbs in (0, 1):
        settings = ProposeSettings(samples=0, parents=1, neighbours=1, climbs=climbs, exploration=0.0)
        generator = torch.Generator().manual_seed(0)
        found[climbs] = propose(space, estimator, OBJECTIVE, seen, generator, settings, best=[start])

    def value(genotype):
        return float(OBJECTIVE(estimator.optimistic(space.encode(genotype)[None], settings.caution)))

    unseen = [one for one in space.neighbours(found[1]) if space.canonical(one) not in seen]
    assert value(found[1]) <= min(map(value, unseen)) + 1e-6
    assert value(found[1]) < value(found[0])
    assert space.canonical(found[1]) not in seen


def test_exploration_is_uniform_and_an_exhausted_space_does_not_loop_forever():
    space = get_space("nb201")
    estimator, _, _, _ = fitted(space)

    class Everything:
        def __contains__(self, key):
            return True

    settings = ProposeSettings(samples=5, restarts=0, parents=0, exploration=0.0)
    genotype = propose(space, estimator, OBJECTIVE, Everything(), torch.Generator().manual_seed(0), settings)
    assert len(space.choice(genotype)) == 6
    assert len(space.choice(unseen_sample(space, Everything(), torch.Generator().manual_seed(0), tries=3))) == 6


def test_the_tempered_loss_lies_between_label_and_prediction():
    estimator, _, encodings, losses = fitted(get_space("nb201"))
    label, predicted = (tempered(estimator, OBJECTIVE, encodings, losses, trust=trust) for trust in (1.0, 0.0))
    assert torch.allclose(label, OBJECTIVE(losses))
    half = tempered(estimator, OBJECTIVE, encodings, losses, trust=0.5)
    assert torch.allclose(half, (label + predicted) / 2)


def test_labels_that_err_are_not_taken_at_their_word():
    space = get_space("nb201")
    encodings = torch.stack([space.encode(space.sample(torch.Generator().manual_seed(s))) for s in range(200)])
    truth = encodings[:, :, 1].sum(dim=1, keepdim=True) * torch.tensor([1.0, 2.0, 3.0])
    losses = truth + torch.randn(200, 1, generator=torch.Generator().manual_seed(1)) * truth.std(dim=0)
    estimator = GaussianProcessLossEstimator(num_edges=6, num_operations=5, num_losses=3)
    estimator.fit(encodings, losses, generator=torch.Generator())
    wrong = [
        float((tempered(estimator, OBJECTIVE, encodings, losses, trust) - OBJECTIVE(truth)).square().mean())
        for trust in (0.0, 0.5, 1.0)
    ]
    assert wrong == sorted(wrong)
    assert wrong[0] < 0.7 * wrong[2]


def test_line_25_descends_equation_10_through_the_estimator():
    estimator = LSTMLossEstimator(num_edges=4, num_operations=3, num_losses=3, form="printed")
    alpha, gumbel = torch.zeros(4, 3), torch.randn(4, 3, generator=torch.Generator().manual_seed(0))
    leaf = alpha.clone().requires_grad_(True)
    predicted = estimator.predict(gumbel_softmax(leaf, gumbel, 0.5)[None]).mean[0]
    slow = 0.4 * predicted[0] + 0.6 * (0.5 * predicted[1] + 0.5 * predicted[2])
    (gradient,) = torch.autograd.grad(slow, [leaf])
    value = update_alpha(alpha, estimator, OBJECTIVE, gumbel, 0.5, torch.optim.SGD([alpha], lr=2.0))
    assert value == pytest.approx(float(slow.detach()), abs=1e-6)
    assert torch.allclose(alpha, -2.0 * gradient, atol=1e-6)
    assert all(parameter.grad is None for parameter in estimator.network.parameters())


def test_the_released_step_size_cannot_move_alpha_against_the_gumbel_noise():
    estimator = LSTMLossEstimator(num_edges=4, num_operations=3, num_losses=3, form="printed")
    alpha = torch.zeros(4, 3)
    optimizer = alpha_optimizer(alpha, learning_rate=RELEASED_LEARNING_RATE)
    for _ in range(20):
        update_alpha(alpha, estimator, OBJECTIVE, torch.zeros(4, 3), 0.5, optimizer)
    assert float(alpha.abs().max()) <= 20 * RELEASED_LEARNING_RATE * 1.2


@pytest.mark.parametrize("change", [{"samples": -1}, {"exploration": 1.5}, {"trust": -0.1}, {"temperature": 0.0}])
def test_refuses_settings_out_of_range(change):
    with pytest.raises(InputError, match="propose\\."):
        ProposeSettings(**change)
