"""The split of a variance against slow loops, the expectations of the mean squares, and simulated studies."""

from itertools import combinations, product

import numpy as np
import pytest
from scipy.stats import f_oneway

from wsrnas.errors import InputError
from wsrnas.studies.space.claims import (
    best_of,
    gain_of_best,
    observed_gain,
    reliability,
    searches_needed,
    seeds_needed,
    verdict,
)
from wsrnas.studies.space.components import Components, components, differ, interval, mean_squares


def simulated(shape, *, architecture, seed, image=0.0, architecture_image=0.0, seed_image=1.0, draw=0):
    """Scores with these standard deviations."""
    random = np.random.default_rng(draw)
    n, m, t = shape
    return (
        architecture * random.standard_normal((n, 1, 1))
        + seed * random.standard_normal((n, m, 1))
        + image * random.standard_normal((1, 1, t))
        + architecture_image * random.standard_normal((n, 1, t))
        + seed_image * random.standard_normal((n, m, t))
    )


def slowly(y):
    """The four mean squares from their definitions, one term at a time."""
    n, m, t = y.shape
    whole = sum(y[a, s, i] for a in range(n) for s in range(m) for i in range(t)) / (n * m * t)
    a_mean = [sum(y[a, s, i] for s in range(m) for i in range(t)) / (m * t) for a in range(n)]
    i_mean = [sum(y[a, s, i] for a in range(n) for s in range(m)) / (n * m) for i in range(t)]
    s_mean = [[sum(y[a, s, i] for i in range(t)) / t for s in range(m)] for a in range(n)]
    ai_mean = [[sum(y[a, s, i] for s in range(m)) / m for i in range(t)] for a in range(n)]
    sums = [0.0, 0.0, 0.0, 0.0]
    for a in range(n):
        for s in range(m):
            for i in range(t):
                sums[0] += (a_mean[a] - whole) ** 2
                sums[1] += (s_mean[a][s] - a_mean[a]) ** 2
                sums[2] += (ai_mean[a][i] - a_mean[a] - i_mean[i] + whole) ** 2
                sums[3] += (y[a, s, i] - s_mean[a][s] - ai_mean[a][i] + a_mean[a]) ** 2
    freedom = (n - 1, n * (m - 1), (n - 1) * (t - 1), n * (m - 1) * (t - 1))
    return [total / free for total, free in zip(sums, freedom)]


def test_mean_squares_are_those_of_a_slow_loop():
    scores = simulated((4, 3, 7), architecture=2, seed=1, image=3, architecture_image=0.5)
    assert mean_squares(scores).values == pytest.approx(slowly(scores))


def test_sums_of_squares_and_degrees_of_freedom_add_up_to_the_whole():
    scores = simulated((4, 3, 7), architecture=2, seed=1, image=3, architecture_image=0.5)
    squares = mean_squares(scores)
    images = 12 * ((scores.mean(axis=(0, 1)) - scores.mean()) ** 2).sum()
    assert (squares.values * squares.freedom).sum() + images == pytest.approx(((scores - scores.mean()) ** 2).sum())
    assert sum(squares.freedom) + 6 == 4 * 3 * 7 - 1


def test_the_test_of_architectures_is_the_one_way_analysis_of_the_networks():
    scores = simulated((5, 3, 6), architecture=1, seed=1)
    assert differ(mean_squares(scores)) == pytest.approx(f_oneway(*scores.mean(axis=2)).pvalue)


def test_the_variances_are_unbiased():
    """Mean over many simulated studies, within four standard errors; without the truncation nothing is lost."""
    true = {"architecture": 4.0, "seed": 1.0, "sampling": (0.25 + 4.0) / 30}
    sizes = {"architecture": 2, "seed": 1, "image": 5, "architecture_image": 0.5, "seed_image": 2}
    rows = {name: [] for name in true}
    for draw in range(300):
        found = components(mean_squares(simulated((8, 3, 30), draw=draw, **sizes)), draws=1, seed=0)
        for name, values in rows.items():
            values.append(getattr(found, name)[0])
    for name, values in rows.items():
        assert abs(np.mean(values) - true[name]) < 4 * np.std(values) / np.sqrt(len(values))


@pytest.mark.parametrize(("architecture", "seed"), [(2.0, 1.0), (0.0, 1.0), (1.0, 0.5)])
def test_intervals_hold_the_truth_as_often_as_they_say(architecture, seed):
    """At least 90 % of 200 studies of this repository's usual size, where 95 % are promised."""
    held = {"architecture": 0, "seed": 0}
    for draw in range(200):
        scores = simulated((12, 3, 40), architecture=architecture, seed=seed, seed_image=1.0, draw=draw)
        found = components(mean_squares(scores), draws=400, seed=draw)
        for name, true in (("architecture", architecture**2), ("seed", seed**2)):
            bounds = interval(getattr(found, name))
            held[name] += bounds["low"] <= true <= bounds["high"]
    assert min(held.values()) >= 180


def test_architectures_that_do_not_differ_are_rarely_told_apart():
    low = sum(
        differ(mean_squares(simulated((6, 3, 20), architecture=0, seed=1, draw=draw))) < 0.05 for draw in range(300)
    )
    assert 3 <= low <= 30


def test_the_best_of_k_draws():
    assert best_of(1) == pytest.approx(0, abs=1e-9)
    assert best_of(2) == pytest.approx(1 / np.sqrt(np.pi))
    assert best_of(3) == pytest.approx(3 / (2 * np.sqrt(np.pi)))


def given(architecture, seed, sampling):
    return Components(architecture=np.array([architecture]), seed=np.array([seed]), sampling=np.array([sampling]))


@pytest.mark.parametrize("trainings", [1, 2, None])
def test_the_gain_is_what_choosing_by_noisy_labels_gains(trainings):
    """Against choosing, 20,000 times."""
    found, random = given(4.0, 1.5, 0.5), np.random.default_rng(0)
    truth = 2 * random.standard_normal((20_000, 10))
    noise = 0 if trainings is None else np.sqrt(2.0 / trainings)
    chosen = (truth + noise * random.standard_normal(truth.shape)).argmax(axis=1)
    gained = np.take_along_axis(truth, chosen[:, None], 1).mean()
    assert gain_of_best(found, 10, trainings)[0] == pytest.approx(gained, abs=0.05)


def test_the_observed_gain_is_the_mean_over_all_sets():
    networks = np.random.default_rng(0).standard_normal((6, 3))
    gains = []
    for seed, chosen in product(range(3), combinations(range(6), 4)):
        judged = np.delete(networks, seed, axis=1).mean(axis=1)
        gains.append(judged[max(chosen, key=lambda place: networks[place, seed])] - judged.mean())
    assert observed_gain(networks, 4) == pytest.approx(np.mean(gains))
    assert observed_gain(networks, 1) == pytest.approx(0)


def test_a_few_bad_architectures_gain_less_than_the_normal_formula_says():
    """Ten alike and two bad ones, told apart by every training: the best is hardly above the mean."""
    networks = np.repeat(np.array([60.0] * 10 + [40.0] * 2)[:, None], 3, axis=1)
    found = components(mean_squares(networks[:, :, None] + np.zeros(5)), draws=1, seed=0)
    assert observed_gain(networks, 8) == pytest.approx(20 * 2 / 12)
    assert gain_of_best(found, 8, 1)[0] > 3 * observed_gain(networks, 8)


def test_what_a_claim_takes_has_the_power_that_is_asked_for():
    """Simulated searches of a true gain of 1: about eight in ten are significant."""
    found, random = given(0.5, 1.0, 0.2), np.random.default_rng(0)
    searches = int(searches_needed(found, 1.0, rivals=8, seeds=2)[0])
    shown = 0
    for _ in range(1000):
        own = 1 + np.sqrt(0.5 + 0.6) * random.standard_normal(searches)
        others = np.sqrt(0.5 + 0.6) * random.standard_normal((searches, 8)).mean(axis=1)
        shown += (own - others).mean() > 1.96 * np.sqrt(1.1 * (1 + 1 / 8) / searches)
    assert 760 < shown < 900
    assert seeds_needed(found, 2.0)[0] == np.ceil(2 * (1.96 + 0.8416) ** 2 / 4 * 1.2)


def test_nothing_is_gained_where_architectures_do_not_differ():
    same = given(0.0, 0.0, 0.0)
    assert reliability(same, 1)[0] == gain_of_best(same, 20, 1)[0] == 0


@pytest.mark.parametrize(
    ("bounds", "observed", "p_value", "begins"),
    [
        ((2.0, 1.5, 3.0), 2.0, 0.01, "A search can pay"),
        ((2.0, 1.5, 3.0), 0.3, 0.01, "Whether"),
        ((0.2, 0.0, 0.5), 0.2, 0.5, "A search cannot"),
        ((2.0, 0.1, 3.0), 2.0, 0.01, "Whether"),
        ((2.0, 1.5, 3.0), 2.0, float("nan"), "Whether"),
    ],
)
def test_the_verdict_follows_the_interval(bounds, observed, p_value, begins):
    found = verdict(dict(zip(("value", "low", "high"), bounds)), observed, p_value, count=8, worth=1.0)
    assert found.startswith(begins)


def test_a_study_without_repeats_is_refused():
    with pytest.raises(InputError, match=r"^scores: expected at least 2 architectures, 2 seeds and 2 images, got \("):
        mean_squares(np.zeros((3, 1, 5)))
