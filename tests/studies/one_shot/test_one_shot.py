"""The study of one-shot ranks: its arithmetic on hand-made numbers, and a tiny whole study that is interrupted."""

import itertools
import json
import math
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.stats import kendalltau, spearmanr

from wsrnas import cli, rng
from wsrnas.data import DataConfig
from wsrnas.errors import InputError
from wsrnas.search.base import Budget
from wsrnas.search.config import MeasureConfig, RivalsConfig, SearchConfig, SpaceConfig, TrainingConfig
from wsrnas.search.spectrum import SpectrumConfig
from wsrnas.spaces import get_space
from wsrnas.studies.one_shot.analysis import analysis
from wsrnas.studies.one_shot.choice import expected_best, mean_of_best, passes_per_score, selections, trained_finalists
from wsrnas.studies.one_shot.config import OneShotStudyConfig, one_shot_config
from wsrnas.studies.one_shot.ranks import Bootstrap, estimate, partial
from wsrnas.studies.one_shot.study import default_out, run
from wsrnas.studies.one_shot.supernet import around, study_genotypes

STRENGTHS = [0.05, 0.1]
SEARCH = SearchConfig(
    recipe="tiny",
    data=DataConfig(name="digits", train_limit=64, valid_limit=32, test_limit=32),
    space=SpaceConfig(name="darts", channels=2, layers=2),
    spectrum=SpectrumConfig(strengths=STRENGTHS, attacked=STRENGTHS),
    training=TrainingConfig(strength=0.1, steps=1, images=32, batch_size=32, learning_rate=0.05),
    measure=MeasureConfig(images=32, batch_size=32),
    budget=Budget(population=1, iterations=4),
    rivals=RivalsConfig(epochs=1, attack_steps=1),
)
TINY = OneShotStudyConfig(
    search=SEARCH, genotypes=4, checkpoints=(3, 6), repeated=2, batch_size=32, learning_rate=0.05, draws=50
)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    out = tmp_path_factory.mktemp("one-shot") / "run"
    return out, run(out=out, config=TINY)


@pytest.mark.slow
def test_a_study_has_every_variant_and_its_files(study):
    out, result = study
    assert result["heads"] == ["clean", "0.05", "0.1", "wide", "Eq. 10", "accuracy"]
    names = [*result["genotypes"][0]["one_shot"], "parameters", "another training seed"]
    assert list(result["variants"]) == names
    assert len(names) == 9
    for kinds in result["variants"].values():
        assert {len(values) for values in kinds.values()} == {6}
    assert set(result["checkpoints"]) == {"genotype", "all-edges"}
    assert list(result["checkpoints"]["genotype"]) == ["3", "6"]
    assert [len(row["alone"]) for row in result["genotypes"]] == [2, 2, 1, 1]
    first = result["genotypes"][0]
    assert first["one_shot"]["genotype, as searched"] != first["one_shot"]["genotype, at the end"]
    assert first["one_shot"]["all-edges, at the end"] != first["one_shot"]["all-edges, genotype at the end"]
    for name, row in itertools.product(names[:-2], result["genotypes"]):
        assert all(math.isfinite(loss) for loss in row["one_shot"][name])
    stored = json.loads((out / "study.json").read_text(), parse_constant=lambda name: pytest.fail(name))
    assert stored["title"] == result["title"]
    page, text = (out / "report.html").read_text(), (out / "study.md").read_text()
    for name in names:
        assert name in page
        assert name in text
    lines = (out / "genotypes.csv").read_text().splitlines()
    assert lines[0] == "genotype,parameters,source,strength,loss,accuracy"
    assert len(lines) == 1 + 3 * (4 * 7 + 4 + 2)


@pytest.mark.slow
def test_an_interrupted_study_ends_the_same(study, tmp_path):
    out, straight = study
    again = tmp_path / "again"
    shutil.copytree(out, again)
    half = torch.load(again / "checkpoints" / "supernet-genotype.pt", weights_only=True)
    assert half["update"] == 6
    for name in ("labels-all-edges.json", "labels-genotype.json", "alone/1-1.json", "study.json"):
        (again / name).unlink()
    shutil.rmtree(again / "alone" / "1-1")
    (again / "checkpoints" / "supernet-all-edges.pt").unlink()
    assert json.dumps(run(out=again, config=TINY)) == json.dumps(straight)
    with pytest.raises(InputError, match="--out: expected the settings"):
        run(out=again, config=replace(TINY, draws=51))


def test_an_all_edges_architecture_contains_its_genotype():
    space = get_space("darts")
    for index, genotype in enumerate(study_genotypes(TINY, space)):
        found = around(space, genotype, rng.stream(0, "test", index))
        own = space.choice(genotype)
        assert all(operation >= 0 for operation in found.choice)
        assert all(ours in (-1, theirs) for ours, theirs in zip(own, found.choice))
        assert space.decode(found.encoding) == space.decode(space.encode(genotype))


def test_labels_are_spread_over_the_updates_after_warming_up():
    assert TINY.label_updates() == [1, 2, 4, 5]
    assert TINY.updates == 6
    small = one_shot_config("small")
    moments = small.label_updates()
    assert len({*moments}) == small.genotypes
    assert moments[0] >= small.search.budget.population
    assert moments[-1] < small.updates


def test_correlations_and_their_draws():
    generator = np.random.default_rng(0)
    x, y = generator.integers(0, 6, 12).astype(float), generator.normal(size=12)
    boot = Bootstrap(12, draws=20, seed=1)
    tau, rho = boot.kendall(x, y), boot.spearman(x, y)
    assert len(tau) == 21
    for place, weights in enumerate(boot.weights):
        rows = np.repeat(np.arange(12), weights.astype(int))
        assert tau[place] == pytest.approx(kendalltau(x[rows], y[rows]).statistic)
        assert rho[place] == pytest.approx(spearmanr(x[rows], y[rows]).statistic)
    found = estimate(tau)
    assert found.low < found.value < found.high
    assert math.isnan(boot.kendall(np.ones(12), y)[0])
    assert math.isnan(estimate(boot.kendall(np.ones(12), y)).low)
    half = np.array([0.5])
    assert partial(half, half, half)[0] == pytest.approx(1 / 3)
    with pytest.raises(InputError, match="two vectors of one length"):
        boot.kendall(x, y[:5])


def test_the_expected_best_of_some():
    boot = Bootstrap(4, draws=30, seed=0)
    scores, accuracy = np.array([0.3, 0.1, 0.4, 0.2]), np.array([0.5, 0.9, 0.1, 0.6])
    assert expected_best(boot, scores, accuracy, 4)[0] == pytest.approx(0.9)
    assert expected_best(boot, scores, accuracy, 1)[0] == pytest.approx(accuracy.mean())
    pairs = [min(pair, key=lambda place: scores[place]) for pair in itertools.combinations(range(4), 2)]
    expected = accuracy[pairs].mean()
    assert expected_best(boot, scores, accuracy, 2)[0] == pytest.approx(expected)
    assert expected_best(boot, scores, accuracy, 1.25)[0] == pytest.approx(0.75 * accuracy.mean() + 0.25 * expected)
    for best, three, weights in zip(
        expected_best(boot, scores, accuracy, 4), mean_of_best(boot, scores, accuracy), boot.weights
    ):
        order = [place for place in np.argsort(scores) if weights[place]]
        assert best == pytest.approx(accuracy[order[0]])
        assert three == pytest.approx(accuracy[order[:3]].mean())


def test_trained_finalists_choose_by_one_training_and_are_judged_by_the_other():
    search = one_shot_config("smoke").search
    boot = Bootstrap(3, draws=5, seed=0)
    spread = np.ones(7)
    labels = np.outer([0.1, 0.2, 0.3], spread)
    alone = np.stack([np.outer(seed, spread) for seed in ([0.6, 0.5, 0.4], [0.6, 0.4, 0.5])], axis=1)
    accuracy = np.stack([np.outer(seed, spread) for seed in ([0.5, 0.7, 0.6], [0.3, 0.9, 0.3])], axis=1)
    gains = {(row["objective"], row["finalists"]): row["gain"]["value"] for row in trained_finalists(
        boot, search, labels, alone, accuracy
    )}  # fmt: skip
    for name in ("all strengths", "Eq. 10"):
        assert gains[name, 1] == pytest.approx(((0.3 - 0.5) + (0.5 - 0.6)) / 2)
        assert gains[name, 2] == pytest.approx(((0.9 - 0.5) + (0.7 - 0.6)) / 2)
        assert gains[name, 3] == pytest.approx(((0.3 - 0.5) + (0.7 - 0.6)) / 2)


def test_selections_and_what_a_score_costs():
    search = one_shot_config("smoke").search
    found = selections(search)
    assert list(found) == [
        "clean only", *(f"only {strength:g}" for strength in search.spectrum.all_strengths()),
        "three: 0.075, 0.125, 0.175", "all strengths", "Eq. 10",
    ]  # fmt: skip
    assert all(weights.sum() == pytest.approx(1) for weights in found.values())
    costs = passes_per_score(search, images=10)
    assert costs["clean only"] == 10
    assert costs["only 0.1"] == 10 * (2 * 2 + 1)
    assert costs["all strengths"] == 6 * costs["only 0.1"]
    assert costs["Eq. 10"] == costs["all strengths"] + 10


def made(values):
    """Return study inputs in which one-shot losses are `values` and stand-alone losses are 0, 1, 2, … in order."""
    losses = [[float(value)] * 3 for value in values]
    labels = {
        "as searched": losses, "refreshed": losses, "all edges at the end": losses, "checkpoints": {"6": losses}
    }  # fmt: skip
    scores = [
        [{"losses": [float(place)] * 3, "accuracy": [0.9, 0.8 - 0.1 * place, 0.6 - 0.1 * place], "images": 10}]
        for place in range(len(values))
    ]
    for found in scores[:2]:
        found.append(found[0])
    return {"genotype": labels, "all-edges": labels}, scores


def test_perfect_and_reversed_ranks():
    for values, sign in (((0, 1, 2, 3), 1.0), ((3, 2, 1, 0), -1.0)):
        labels, scores = made(values)
        found = analysis(TINY, labels, scores, [40, 30, 20, 10], images=32, trained_images=32)
        for kind in ("tau", "rho"):
            for one in found["variants"]["genotype, as searched"][kind]:
                assert one["value"] == pytest.approx(sign)
        assert found["variants"]["parameters"]["tau"][0]["value"] == pytest.approx(1.0)
        assert found["differences"][0]["tau"][0]["value"] == pytest.approx(0.0)
        chosen = {row["selection"]: row for row in found["choosing"]["genotype, as searched"]}
        assert chosen["all strengths"]["best"]["value"] == pytest.approx(0.7 if sign > 0 else 0.4)
        assert found["random_accuracy"] == pytest.approx(0.55)
        costs = {row["selection"]: row for row in found["equal_cost"]["genotype, as searched"]}
        assert costs["only 0.05"]["scoring"]["scored"] == 4
        assert costs["all strengths"]["scoring"]["scored"] == pytest.approx(2)
        assert found["spread"]["seeds"] == 0
        assert found["refresh"]["genotype"]["changed"] == 0
        assert found["spread"]["genotypes"] == pytest.approx(np.std([0.7, 0.6, 0.5, 0.4], ddof=1))
        assert 0 < found["spread"]["genotypes_given_size"] < found["spread"]["genotypes"]
        assert costs["all strengths"]["training"]["scored"] == pytest.approx(4 * (3 + 4) / (6 + 4))


def test_what_refreshing_changed():
    labels, scores = made((0, 1, 2, 3))
    labels["genotype"] = labels["genotype"] | {"refreshed": [[0.0] * 3, [1.0, 3.0, 3.0], [2.0] * 3, [3.0] * 3]}
    found = analysis(TINY, labels, scores, [40, 30, 20, 10], images=32, trained_images=32)["refresh"]["genotype"]
    assert found == {"changed": 1, "shift": 2.0, "sd_of_labels": pytest.approx(1.2909944)}


def test_refusals():
    with pytest.raises(InputError, match=r"data\.root: expected none for the embedded digits"):
        one_shot_config("smoke", root="/x")
    with pytest.raises(InputError, match="checkpoints: expected ascending, the last 6"):
        replace(TINY, checkpoints=(3,))
    with pytest.raises(InputError, match="genotypes: expected at most one label per update"):
        replace(TINY, genotypes=6)
    with pytest.raises(InputError, match="repeated: expected at most the 4 genotypes"):
        replace(TINY, repeated=5)
    with pytest.raises(InputError, match=r"search\.spectrum\.attacked: expected every strength"):
        replace(TINY, search=replace(SEARCH, spectrum=SpectrumConfig(strengths=STRENGTHS, attacked=1)))
    assert one_shot_config("paper", root="/x").search.data.root == "/x"
    assert one_shot_config("small", root="/x").search.data.name == "cifar10"
    assert default_out("small", "/x") != default_out("small", None)


def test_the_command(monkeypatch, capsys, tmp_path):
    given = {}
    monkeypatch.setattr("wsrnas.studies.one_shot.study.run", lambda **arguments: given.update(arguments) or {})
    out = str(tmp_path / "run")
    assert cli.main(["study", "one-shot", "--scale", "small", "--data.root", "x", "--out", out, "--seed", "3"]) == 0
    assert given == {"scale": "small", "data_root": "x", "out": out, "seed": 3}
    assert capsys.readouterr().out == f"report: {out}/report.html\n"
    assert cli.main(["study", "one-shots"]) != 0
    assert "one-shot" in capsys.readouterr().err
