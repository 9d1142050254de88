"""The Gaussian process agrees with the textbook formula and with scikit-learn."""

import pytest
import torch
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import Matern

from wsrnas.estimators.loss.gaussian_process import (
    LENGTHS,
    NOISES,
    NOISES_OF_LABELS_THAT_ERR,
    GaussianProcessLossEstimator,
)
from wsrnas.estimators.loss.paths import PathFeatures
from wsrnas.estimators.loss.quantiles import NormalScores
from wsrnas.spaces import get_space

E, K = 6, 5


def labels(count, seed):
    generator = torch.Generator().manual_seed(seed)
    encodings = torch.nn.functional.one_hot(torch.randint(K, (count, E), generator=generator), K).float()
    wiggle = torch.randn(E * K, 2, generator=generator)
    return encodings, torch.tanh(encodings.flatten(1) @ wiggle) + 2


def fitted():
    estimator = GaussianProcessLossEstimator(num_edges=E, num_operations=K, num_losses=2)
    estimator.fit(*labels(40, 0), generator=torch.Generator())
    return estimator


def peer_kernel(encodings, length):
    flat = encodings.flatten(1).double()
    unit = torch.cdist(flat, flat).square().mean().sqrt()  # lengths are in root mean square distances
    return Matern(length_scale=length * float(unit), nu=2.5), flat


def evidence(encodings, target, length, noise):
    """log N(target | 0, σ²(K + ν·1)) with σ² the most likely one, and σ²."""
    kernel, flat = peer_kernel(encodings, length)
    covariance = torch.tensor(kernel(flat.numpy())) + noise * torch.eye(len(flat), dtype=torch.float64)
    signal = target @ torch.linalg.solve(covariance, target) / len(target)
    normal = torch.distributions.MultivariateNormal(torch.zeros_like(target), signal * covariance, validate_args=False)
    return float(normal.log_prob(target)), float(signal)


def peer_posterior(encodings, target, new, length, noise):
    """scikit-learn's mean and deviation, times σ."""
    kernel, flat = peer_kernel(encodings, length)
    peer = GaussianProcessRegressor(kernel, alpha=noise, optimizer=None).fit(flat.numpy(), target.numpy())
    mean, deviation = peer.predict(new.flatten(1).double().numpy(), return_std=True)
    return torch.tensor(mean), torch.tensor(deviation) * evidence(encodings, target, length, noise)[1] ** 0.5


@pytest.mark.parametrize("heads", ["own", "shared"])
def test_agrees_with_scikit_learn_at_the_same_hyperparameters(heads):
    estimator, (encodings, losses) = fitted(), labels(40, 0)
    new = labels(10, 1)[0]
    mean, deviation = estimator.posterior(new, getattr(estimator, heads))
    for loss, ((length,), noise) in enumerate(getattr(estimator, heads)):
        expected = peer_posterior(encodings, NormalScores(losses).scores[:, loss], new, length, noise)
        assert torch.allclose(mean[:, loss], expected[0], atol=1e-5)
        assert torch.allclose(deviation[:, loss], expected[1], atol=1e-5)


def test_chooses_the_hyperparameters_of_the_largest_marginal_likelihood_for_each_loss_and_for_all():
    encodings, losses = labels(12, 4)
    estimator = GaussianProcessLossEstimator(num_edges=E, num_operations=K, num_losses=2)
    estimator.fit(encodings, losses, generator=torch.Generator())
    grid = [(length, noise) for length in LENGTHS for noise in NOISES]
    each = [
        {pair: evidence(encodings, target, *pair)[0] for pair in grid}
        for target in NormalScores(losses).scores.unbind(1)
    ]
    for ((length,), noise), logs in zip(estimator.own, each):
        assert logs[length, noise] == pytest.approx(max(logs.values()), abs=1e-3)
    ((length,), noise) = estimator.shared[0]
    total = {pair: sum(logs[pair] for logs in each) for pair in grid}
    assert total[length, noise] == pytest.approx(max(total.values()), abs=1e-3)
    assert estimator.own[0] != estimator.own[1]


def test_takes_labels_that_err_for_what_they_are_where_it_may():
    encodings = labels(150, 4)[0]
    truth = encodings[:, :, 1].sum(dim=1, keepdim=True) * torch.tensor([1.0, 2.0])
    error = 2 * truth.std(dim=0) * torch.randn(150, 1, generator=torch.Generator().manual_seed(1))
    left = []
    for noises in (NOISES, NOISES_OF_LABELS_THAT_ERR):
        estimator = GaussianProcessLossEstimator(num_edges=E, num_operations=K, num_losses=2, noises=noises)
        estimator.fit(encodings, truth + error, generator=torch.Generator())
        left.append(float((estimator.predict(encodings).mean - truth).square().mean()))
    assert left[1] < 0.7 * left[0]


def test_a_tie_is_broken_by_the_weaker_strength():
    losses = torch.tensor([[0.3, 1.0], [0.1, 1.0], [0.2, 0.5]])
    scores = NormalScores(losses).scores
    assert float(scores[2, 1]) < float(scores[1, 1]) < float(scores[0, 1])


def test_paths_give_way_to_live_edges_once_there_are_enough_labels():
    space = get_space("nb201")
    paths = PathFeatures(edges=space.edges, operations=space.operations, outputs=space.outputs)
    estimator = GaussianProcessLossEstimator(num_edges=E, num_operations=K, num_losses=2, paths=paths, until=30)
    encodings, losses = labels(30, 0)
    estimator.fit(encodings[:29], losses[:29], generator=torch.Generator())
    assert estimator.on_paths
    assert [group.shape[1] for group in estimator.inputs] == [40, 13]
    estimator.fit(encodings, losses, generator=torch.Generator())
    assert not estimator.on_paths
    assert [group.shape[1] for group in estimator.inputs] == [E * (K - 1)]
    restored = GaussianProcessLossEstimator(num_edges=E, num_operations=K, num_losses=2, paths=paths, until=30)
    restored.load_state_dict(estimator.state_dict())
    assert torch.equal(restored.predict(encodings).mean, estimator.predict(encodings).mean)


def test_expected_losses_lie_between_the_labels_where_the_process_is_unsure():
    estimator, new = fitted(), labels(10, 1)[0]
    mean, deviation = estimator.posterior(new, estimator.own)
    draws = torch.randn(20000, 1, 1, generator=torch.Generator().manual_seed(0)).double()
    # Seven nodes on a piecewise linear q.
    expected = estimator.map.restore((mean + deviation * draws).flatten(0, 1)).view(20000, *mean.shape).mean(dim=0)
    assert torch.allclose(
        estimator.predict(new).mean.double(), expected, atol=0.05
    )  # seven nodes on a piecewise linear q


def test_normal_scores_restore_the_labels_and_go_on_beyond_them():
    losses = torch.tensor([[3.0, 1.0], [1.0, 1.0], [2.0, 5.0], [9.0, 2.0]])
    scores = NormalScores(losses)
    assert torch.allclose(scores.restore(scores.scores)[:, 0], losses[:, 0].double())
    beyond = scores.restore(torch.tensor([[-5.0, -5.0], [-4.0, -4.0], [4.0, 4.0], [5.0, 5.0]]).double())
    assert bool((beyond.diff(dim=0) > 0).all())
    assert float(beyond[0, 0]) < 1.0
    assert float(beyond[-1, 0]) > 9.0


def test_optimism_grows_with_caution():
    estimator, new = fitted(), labels(10, 1)[0]
    careful, bold = estimator.optimistic(new, 0.0), estimator.optimistic(new, 2.0)
    assert torch.allclose(careful, estimator.map.restore(estimator.posterior(new, estimator.shared)[0]).float())
    assert bool((bold < careful).all())


def test_is_surer_where_it_has_labels():
    estimator = fitted()
    seen, unseen = labels(40, 0)[0], labels(40, 9)[0]
    assert float(estimator.predict(seen).std.mean()) < float(estimator.predict(unseen).std.mean())


def test_two_equal_architectures_with_different_labels_are_no_trouble():
    encodings, losses = labels(5, 0)
    estimator = GaussianProcessLossEstimator(num_edges=E, num_operations=K, num_losses=2)
    estimator.fit(encodings[[0, 0, 1]], losses[:3], generator=torch.Generator())
    assert bool(torch.isfinite(estimator.predict(encodings).mean).all())
