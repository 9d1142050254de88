"""The study of what a search is worth, small: winners, opponents, and going on where it stopped."""

import re
import shutil

import numpy as np
import pytest
import torch
import yaml

from wsrnas.cli import main
from wsrnas.errors import InputError
from wsrnas.files import read_json
from wsrnas.rng import stream
from wsrnas.search.base import Budget
from wsrnas.search.config import SearchConfig
from wsrnas.search.limits import LimitsConfig, limited_space
from wsrnas.spaces import NetworkConfig, get_space
from wsrnas.studies.payoff.config import RULES, PayoffConfig, one_shot_search, paper_search, payoff_config
from wsrnas.studies.payoff.searches import affordable, largest
from wsrnas.studies.payoff.study import OPPONENTS, run


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    out = tmp_path_factory.mktemp("payoff") / "run"
    return out, run(scale="smoke", out=out)


@pytest.mark.slow
def test_the_gain_over_every_opponent_is_told_with_its_interval(finished):
    out, result = finished
    against = read_json(out / "study.json")["against"]
    assert tuple(against) == OPPONENTS
    for name, one in against.items():
        assert one["low"] <= one["high"]
        assert one["searches"] == (1 if name in ("one-shot", "paper") else 2)
        assert 0 <= one["wins"] <= one["searches"]
        assert one["gain"] == pytest.approx(np.mean(one["each"]))
    assert result["done"] == result["registered"] == 2


@pytest.mark.slow
def test_rules_and_seeds_are_written_down_before_the_first_training(finished):
    out, _ = finished
    config = yaml.safe_load((out / "config.yaml").read_text())
    assert tuple(config["rules"]) == RULES
    assert (config["searches"], config["seeds"], config["search"]["seed"]) == (2, 2, 0)


@pytest.mark.slow
def test_gains_over_random_search_are_those_of_the_winners_trained_again(finished):
    out, _ = finished
    told = read_json(out / "study.json")
    for place, found in enumerate(told["searches"]):
        wide = {name: 100 * np.mean(one["accuracy"][1:]) for name, one in found.items()}
        assert told["against"]["random-search"]["each"][place] == pytest.approx(wide["ours"] - wide["random"])
        assert found["ours"]["cost"] == found["random"]["cost"]
        for name in ("one-shot", "paper"):
            assert found.get(name, found["ours"])["cost"] <= found["ours"]["cost"]


@pytest.mark.slow
def test_a_study_killed_in_the_middle_of_a_search_ends_as_one_that_was_not(finished, tmp_path, monkeypatch):
    from wsrnas.studies import parts

    class KilledError(Exception):
        pass

    saved = 0
    real = parts.save

    def save(folder, name, state):
        nonlocal saved
        real(folder, name, state)
        saved += name.startswith("search-ours-1")
        if saved == 3:
            raise KilledError

    out, result = finished
    copied = tmp_path / "run"
    shutil.copytree(out, copied)
    for part in (copied / "checkpoints").glob("search-ours-1*"):
        part.unlink()
    monkeypatch.setattr(parts, "save", save)
    with pytest.raises(KilledError):
        run(scale="smoke", out=copied)
    monkeypatch.setattr(parts, "save", real)
    again = run(scale="smoke", out=copied)
    assert again["against"] == result["against"]
    assert again["searches"] == result["searches"]


@pytest.mark.slow
def test_judged_networks_were_trained_with_seeds_that_no_label_has(finished):
    """The winner's label and its networks are different trainings."""
    out, _ = finished
    networks = list((out / "checkpoints").glob("network-*.pt"))
    assert len(networks) % 2 == 0
    first = torch.load(networks[0], weights_only=True)["right"]
    assert first.shape == (48, 3)


def test_the_largest_is_the_largest_of_a_space_that_can_be_counted():
    space = get_space("nb201")
    sizes = NetworkConfig(channels=4, layers=1, num_classes=10, image_shape=(1, 8, 8))
    edge = "nor_conv_3x3"
    text = f"|{edge}~0|+|{edge}~0|{edge}~1|+|{edge}~0|{edge}~1|{edge}~2|"
    assert largest(space, sizes, 0) == space.parse(text)
    some = [space.parameters(space.sample(stream(0, "some", index)), sizes) for index in range(50)]
    assert space.parameters(largest(space, sizes, 1), sizes) >= max(some)


@pytest.mark.parametrize("cost", [1, 10, 47, 48, 1000])
def test_the_budget_afforded_is_the_largest_that_costs_no_more(cost):
    def passes(budget):
        return 5 + 7 * budget.population + 4 * budget.iterations

    found = affordable(passes, cost)
    assert found.population == found.iterations
    more = Budget(population=found.population + 1, iterations=found.iterations + 1)
    assert passes(more) > cost
    assert passes(found) <= cost or found.population == 1


def test_a_study_without_fresh_seeds_or_with_other_labels_is_refused():
    config = payoff_config("smoke", "nb201")
    with pytest.raises(InputError, match=r"^seeds: expected at least 2"):
        PayoffConfig(search=config.search, seeds=1)
    with pytest.raises(InputError, match=r"^search.evaluator: expected trained, got one_shot"):
        PayoffConfig(search=SearchConfig())
    with pytest.raises(InputError, match=r"^shared_searches: expected 0 to 3, got 4"):
        PayoffConfig(search=config.search, searches=3, shared_searches=4)


def test_limits_hold_for_every_search_and_the_largest():
    config = payoff_config("smoke", "nb201", limits=LimitsConfig(params="5.2k"), shared_searches=0)
    assert config.shared_searches == 0
    budget = Budget(population=1, iterations=1)
    for settings in (config.search, paper_search(config.search, 0, budget), one_shot_search(config.search, 0, budget)):
        assert settings.limits.counts() == {"params": 5200}
    sizes = NetworkConfig(channels=4, layers=1, num_classes=10, image_shape=(1, 8, 8))
    space = limited_space(get_space("nb201"), config.search.limits, sizes)
    assert 5100 < space.parameters(largest(space, sizes, 0), sizes) <= 5200


@pytest.mark.slow
def test_a_study_within_a_limit_says_so_and_names_nothing_above_it(tmp_path):
    out = tmp_path / "run"
    command = ["study", "payoff", "--out", str(out), "--limits.params", "5200", "--shared_searches", "0"]
    assert main(command) == 0
    told = read_json(out / "study.json")
    assert "at most 5,200 params" in told["title"]
    assert all(one["parameters"] <= 5200 for found in told["searches"] for one in found.values())
    assert set(told["against"]) == {"same-size", "random-search", "largest"}
    shown = " ".join(re.sub(r"<[^>]*>", "", (out / "report.html").read_text()).split())
    assert (
        f"{' '.join(command[:2])} --space nb201 --scale smoke --seed 0 --limits.params 5200 --shared_searches 0"
        in shown
    )


def test_a_limit_is_refused_by_other_studies(tmp_path, capsys):
    assert main(["study", "space", "--limits.params", "2k", "--out", str(tmp_path / "run")]) == 2
    assert "--limits.params: expected nothing here, got 2k; only payoff asks for it" in capsys.readouterr().err
