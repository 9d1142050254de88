"""The Gaussian process agrees with the textbook formula and with scikit-learn."""

import torch
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import Matern

from wsrnas.estimators.loss.gaussian_process import GaussianProcessLossEstimator
from wsrnas.estimators.loss.quantiles import NormalScores

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
        kernel = Matern(length_scale=estimator.length, nu=2.5)
        peer = GaussianProcessRegressor(kernel, alpha=estimator.noise, optimizer=None)
        peer.fit(encodings.flatten(1).numpy(), scores.numpy())
        peer_mean, peer_std = peer.predict(new.flatten(1).numpy(), return_std=True)
        assert torch.allclose(mean[:, head], torch.tensor(peer_mean), atol=1e-6)
        assert torch.allclose(deviation[:, head], torch.tensor(peer_std) * estimator.signal[head].sqrt(), atol=1e-6)


def test_normal_scores_restore_the_labels_and_go_on_beyond_them():
    losses = torch.tensor([[3.0, 1.0], [1.0, 1.0], [2.0, 5.0], [9.0, 2.0]])
    scores = NormalScores(losses)
    assert torch.allclose(scores.restore(scores.scores)[:, 0], losses[:, 0].double())
    assert float(scores.scores[0, 1]) == float(scores.scores[1, 1])
    beyond = scores.restore(torch.tensor([[-5.0, -5.0], [-4.0, -4.0], [4.0, 4.0], [5.0, 5.0]]).double())
    assert bool((beyond.diff(dim=0) > 0).all())
    assert float(beyond[0, 0]) < 1.0
    assert float(beyond[-1, 0]) > 9.0


def test_optimism_grows_with_caution():
    estimator, new = fitted(), labels(10, 1)[0]
    careful, bold = estimator.optimistic(new, 0.0), estimator.optimistic(new, 2.0)
    assert torch.allclose(careful, estimator.predict(new).mean)
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
