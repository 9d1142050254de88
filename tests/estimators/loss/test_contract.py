"""Every loss estimator keeps the promises of its base class; a new one is found and tested unasked."""

import inspect

import pytest
import torch
from tests.contracts import concrete

from wsrnas.errors import InputError
from wsrnas.estimators.loss.base import LossEstimator

ESTIMATORS = concrete(LossEstimator)
FAST = {"passes": 20}
EDGES, OPERATIONS, LOSSES = 4, 3, 2


def make(kind, **settings):
    fast = FAST if "passes" in inspect.signature(kind).parameters else {}
    return kind(num_edges=EDGES, num_operations=OPERATIONS, num_losses=LOSSES, seed=1, **fast, **settings)


def labels(count=24, seed=0):
    generator = torch.Generator().manual_seed(seed)
    choice = torch.randint(OPERATIONS, (count, EDGES), generator=generator)
    encodings = torch.nn.functional.one_hot(choice, OPERATIONS).float()
    first = encodings[:, :, 0].sum(dim=1)
    # Labels without ties, as measured losses are: where labels tie, a quantile map is flat.
    return encodings, torch.stack([0.5 + 0.1 * first, 5 - first], dim=1) + 0.01 * torch.rand(
        count, 2, generator=generator
    )


def fitted(kind, seed=0):
    estimator = make(kind)
    estimator.fit(*labels(), generator=torch.Generator().manual_seed(seed))
    return estimator


@pytest.fixture(params=ESTIMATORS, ids=lambda kind: kind.__name__)
def kind(request):
    return request.param


def test_predicts_finite_losses_with_their_shape_before_and_after_a_fit(kind):
    encodings, _ = labels()
    for estimator in (make(kind), fitted(kind)):
        mean, std = estimator.predict(encodings[:5])
        assert mean.shape == std.shape == (5, LOSSES)
        assert bool(torch.isfinite(mean).all())
        assert bool((std >= 0).all())


def test_fitting_brings_predictions_nearer_to_the_labels(kind):
    encodings, losses = labels()
    before = (make(kind).predict(encodings).mean.detach() - losses).square().mean()
    after = (fitted(kind).predict(encodings).mean.detach() - losses).square().mean()
    assert float(after) < float(before)


def test_prediction_is_differentiable_in_the_encodings(kind):
    encodings = labels()[0][:3].clone().requires_grad_(True)
    mean, std = fitted(kind).predict(encodings)
    (gradient,) = torch.autograd.grad((mean - 0.1 * std).sum(), [encodings])
    assert gradient.shape == encodings.shape
    assert bool(torch.isfinite(gradient).all())
    assert bool((gradient != 0).any())


def test_fit_and_predict_draw_from_their_generator_only(kind):
    state = torch.get_rng_state()
    first, second = fitted(kind), fitted(kind)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(first.predict(labels()[0]).mean, second.predict(labels()[0]).mean)


def test_restored_estimator_goes_on_bit_for_bit(kind, tmp_path):
    one = fitted(kind)
    torch.save(one.state_dict(), tmp_path / "state.pt")
    other = make(kind)
    other.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    encodings = labels(seed=5)[0]
    assert torch.equal(one.predict(encodings).mean, other.predict(encodings).mean)
    assert torch.equal(one.predict(encodings).std, other.predict(encodings).std)
    for estimator in (one, other):
        estimator.fit(*labels(), generator=torch.Generator().manual_seed(7))
    assert torch.equal(one.predict(encodings).mean, other.predict(encodings).mean)


def test_a_label_of_no_weight_hardly_counts(kind):
    encodings, losses = labels()
    wrong = losses.clone()
    wrong[12:] += 3.0
    weights = torch.cat([torch.ones(12), torch.zeros(12)])
    trusting, careful = make(kind), make(kind)
    trusting.fit(encodings, wrong, generator=torch.Generator().manual_seed(0))
    careful.fit(encodings, wrong, generator=torch.Generator().manual_seed(0), weights=weights)
    error = [(e.predict(encodings).mean.detach() - losses).square().mean() for e in (trusting, careful)]
    assert float(error[1]) < float(error[0])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda h, y: (h[:, :2], y), "encodings: expected shape"),
        (lambda h, y: (h, y[:, :1]), "losses: expected shape"),
        (lambda h, y: (h, y / 0), "losses: expected finite losses"),
    ],
)
def test_refuses_labels_that_do_not_fit(kind, change, message):
    with pytest.raises(InputError, match=message):
        make(kind).fit(*change(*labels()), generator=torch.Generator())
