"""Numbers of the study of labels against slow loops and against truths that are known."""

from itertools import combinations

import numpy as np
import pytest
from scipy.stats import kendalltau, pearsonr
from tests.studies.labels.made_table import made_table

from wsrnas.studies.labels.judge import ceiling, gain_of_best, judge
from wsrnas.studies.labels.report import front, page, summary, to_markdown
from wsrnas.studies.one_shot.ranks import Bootstrap


@pytest.fixture(scope="module")
def result():
    return judge(made_table(14), draws=100, repeats=1)


def test_the_gain_of_the_best_is_the_mean_over_all_sets():
    random = np.random.default_rng(0)
    scores, truth = random.standard_normal(7), random.standard_normal(7)
    slowly = [truth[max(some, key=lambda place: scores[place])] - truth.mean() for some in combinations(range(7), 3)]
    assert gain_of_best(np.ones((1, 7)), scores, truth, 3)[0] == pytest.approx(np.mean(slowly))


def test_the_gain_of_a_resample_counts_genotypes_as_often_as_they_were_drawn():
    scores, truth = np.array([3.0, 2.0, 1.0, 0.0]), np.array([1.0, 5.0, 2.0, 4.0])
    weights = np.array([[2.0, 0.0, 1.0, 1.0]])
    drawn = [1.0, 1.0, 2.0, 4.0]
    slowly = [some[0] - np.mean(drawn) for some in combinations(drawn, 2)]
    assert gain_of_best(weights, scores, truth, 2)[0] == pytest.approx(np.mean(slowly))


def test_a_set_larger_than_the_table_is_the_whole_table():
    scores = truth = np.array([1.0, 2.0, 6.0])
    assert gain_of_best(np.ones((1, 3)), scores, truth, 12)[0] == pytest.approx(3.0)


def test_tau_is_that_of_scipy_with_the_mean_of_the_seeds(result):
    table = made_table(14)
    expected = kendalltau(-table.wide_loss("alone-1"), table.final[:, :, 1:].mean(axis=(1, 2))).statistic
    assert result["policies"]["alone-1"]["tau"]["value"] == pytest.approx(expected)
    assert result["policies"]["alone-1"]["tau"]["low"] <= expected <= result["policies"]["alone-1"]["tau"]["high"]


def test_tau_at_one_size_counts_the_pairs_of_one_size_alone():
    sizes = np.array([1.0, 1.0, 1.0, 2.0, 2.0, 2.0])
    x, y = np.array([1.0, 2.0, 3.0, 0.0, 0.1, 0.2]), np.array([5.0, 6.0, 7.0, 9.0, 8.0, 10.0])
    (found,) = Bootstrap(6, draws=0, seed=0).kendall(x, y, sizes)
    assert found == pytest.approx((3 + 1) / 6)


def test_differences_are_from_the_longest_training_alone(result):
    assert result["default"] == "alone-4"
    taus = {name: one["tau"]["value"] for name, one in result["policies"].items()}
    for name, one in result["policies"].items():
        assert one["difference"]["value"] == pytest.approx(taus[name] - taus["alone-4"])
    assert result["policies"]["alone-4"]["difference"]["high"] == 0


def test_the_reliability_is_stepped_up_from_pairs_of_seeds():
    table = made_table(30)
    found = ceiling(table, Bootstrap(30, draws=50, seed=0))
    r = np.mean([pearsonr(table.wide[:, i], table.wide[:, j]).statistic for i, j in combinations(range(3), 2)])
    assert found["one"]["value"] == pytest.approx(r)
    assert found["reliability"]["value"] == pytest.approx(3 * r / (1 + 2 * r))


def test_the_ceiling_knows_the_deviations_that_a_table_was_made_with():
    """400 architectures with a deviation of 3 points, trainings of one with 2: reliability 27/31 of three seeds."""
    found = ceiling(made_table(400, spread=3.0, trainings=2.0), Bootstrap(400, draws=50, seed=0))
    assert found["architectures"]["value"] == pytest.approx(3.0, rel=0.1)
    assert found["trainings"]["value"] == pytest.approx(2.0, rel=0.1)
    assert found["reliability"]["value"] == pytest.approx(27 / 31, abs=0.04)


def test_the_ceiling_is_what_a_label_that_knows_the_truth_reaches():
    table = made_table(400, spread=3.0, trainings=2.0)
    found = ceiling(table, Bootstrap(400, draws=50, seed=0))
    truth = -table.wide_loss("alone-4")
    assert kendalltau(truth, table.truth).statistic == pytest.approx(found["tau"]["value"], abs=0.04)


def test_architectures_that_do_not_differ_leave_nothing_to_rank():
    found = ceiling(made_table(60, spread=0.0, trainings=2.0), Bootstrap(60, draws=50, seed=0))
    assert found["reliability"]["low"] == 0
    assert found["architectures"]["low"] == 0
    assert "hardly reliable" in summary(judge(made_table(20, spread=0.0, trainings=2.0), draws=50, repeats=1))


def test_the_front_holds_what_no_cheaper_policy_outranks(result):
    kept = [result["policies"][name] for name in front(result)]
    assert [one["cost"] for one in kept] == sorted(one["cost"] for one in kept)
    assert [one["tau"]["value"] for one in kept] == sorted(one["tau"]["value"] for one in kept)
    best = max(one["tau"]["value"] for one in result["policies"].values())
    assert kept[-1]["tau"]["value"] == best


def test_the_report_shows_every_policy_and_the_ceiling(result):
    text, html = to_markdown(result), page(result, "wsrnas study labels --from here").html()
    for name in result["policies"]:
        assert f"| {name} |" in text
        assert name in html
    assert "one more final training" in text
    assert "--from" in html
