"""The Gaussian process agrees with the textbook formula and with scikit-learn."""

import pytest
import torch
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import Matern

from wsrnas.estimators.loss.gaussian_process import LENGTHS, NOISES, GaussianProcessLossEstimator
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


def test_agrees_with_scikit_learn_at_the_same_hyperparameters():
    estimator, (encodings, losses) = fitted(), labels(40, 0)
    new = labels(10, 1)[0]
    mean, deviation = estimator.posterior(new)
    for head in range(2):
        scores = NormalScores(losses).scores[:, head]
        (length,), noise = estimator.heads[head]
        flat = encodings.flatten(1).double()
        unit = torch.cdist(flat, flat).square().mean().sqrt()  # lengths are in root mean square distances
        kernel = Matern(length_scale=length * float(unit), nu=2.5)
        peer = GaussianProcessRegressor(kernel, alpha=noise, optimizer=None)
        peer.fit(flat.numpy(), scores.numpy())
        peer_mean, peer_std = peer.predict(new.flatten(1).double().numpy(), return_std=True)
        assert torch.allclose(mean[:, head], torch.tensor(peer_mean), atol=1e-5)
        expected = torch.tensor(peer_std) * estimator.solutions[head].signal.sqrt()
        assert torch.allclose(deviation[:, head], expected, atol=1e-5)


def test_chooses_the_hyperparameters_of_the_largest_marginal_likelihood():
    estimator, (encodings, losses) = fitted(), labels(40, 0)
    scores = NormalScores(losses).scores
    flat = encodings.flatten(1).double()
    unit = torch.cdist(flat, flat).square().mean().sqrt()

    def evidence(length, noise):
        kernel = torch.tensor(Matern(length_scale=length * float(unit), nu=2.5)(flat.numpy()))
        total = 0.0
        for target in scores.unbind(1):
            covariance = kernel + noise * torch.eye(len(kernel), dtype=torch.float64)
            signal = target @ torch.linalg.solve(covariance, target) / len(target)
            total += float(
                torch.distributions.MultivariateNormal(
                    torch.zeros_like(target), signal * covariance, validate_args=False
                ).log_prob(target)
            )
        return total

    (length,), noise = estimator.heads[0]
    best = max(evidence(other, nu) for other in LENGTHS[:-1] for nu in NOISES)
    assert evidence(length, noise) == pytest.approx(best, abs=1e-3)


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
    mean, deviation = estimator.posterior(new)
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
    assert torch.allclose(careful, estimator.map.restore(estimator.posterior(new)[0]).float())
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
