"""The published table is read right, searches on it are charged right, and bad input is answered clearly."""

import itertools
import json
import shutil
from dataclasses import replace
from functools import cache

import pytest
import torch

from wsrnas.errors import InputError
from wsrnas.estimators.loss.metrics import spearman
from wsrnas.spaces import get_space
from wsrnas.studies.tables import nb201, runs
from wsrnas.studies.tables.comparison import Comparison, bootstrap_interval, draw, queries_to_reach
from wsrnas.studies.tables.label_noise import label_error
from wsrnas.studies.tables.nb201 import run
from wsrnas.studies.tables.objectives import OBJECTIVES, get_objective
from wsrnas.studies.tables.robustness_table import load_table
from wsrnas.studies.tables.strategies import ON_TABLE, get_table_strategy
from wsrnas.studies.tables.trial import regret_curve

EPSILONS = [1.0, 4.0, 8.0]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A table in the published format whose accuracy falls with the number of `none`s and rises with 3x3s."""
    root = tmp_path_factory.mktemp("table")
    space = get_space("nb201")
    ids, clean, pgd, first = {}, {}, {}, {}
    for number, choice in enumerate(itertools.product(range(5), repeat=6)):
        genotype = space.at(choice)
        same = first.setdefault(space.canonical(genotype), str(number))
        ids[str(number)] = {"nb201-string": space.text(genotype), "isomorph": same}
        if same == str(number):
            quality = (choice.count(3) - choice.count(0) + 6) / 12
            clean[same] = 0.5 + 0.4 * quality
            pgd[same] = [0.4 * quality, 0.3 * quality, 0.1 * (choice[5] == 4)]
    (root / "cifar10").mkdir()
    (root / "meta.json").write_text(json.dumps({"ids": ids, "epsilons": {"pgd@Linf": EPSILONS}}))
    (root / "cifar10" / "clean_accuracy.json").write_text(json.dumps({"cifar10": {"clean": {"accuracy": clean}}}))
    content = {"cifar10": {"pgd@Linf": {"accuracy": pgd}}}
    (root / "cifar10" / "pgd@Linf_accuracy.json").write_text(json.dumps(content))
    return root


loaded_once = cache(load_table)


@pytest.fixture(scope="module")
def table(folder):
    return load_table(folder)


def test_all_strings_map_to_distinct_architectures(table):
    assert len(table.rows) == 15625
    assert len(table) == 6466
    assert table.strengths.tolist() == pytest.approx([1 / 255, 4 / 255, 8 / 255])


def test_losses_are_one_minus_accuracy(folder, table):
    clean = json.loads((folder / "cifar10" / "clean_accuracy.json").read_text())["cifar10"]["clean"]["accuracy"]
    for row in (0, 17, 6465):
        assert float(table.losses[row, 0]) == pytest.approx(1 - clean[table.published[row]])


def test_regret_is_measured_from_the_best_of_the_table(table):
    objective = get_objective("wide").over(3)
    curve = regret_curve(table, objective, ON_TABLE["random"], queries=60, seed=0)
    assert bool((curve.diff() <= 0).all())
    assert float(curve[-1]) >= 0
    assert torch.equal(curve, regret_curve(table, objective, ON_TABLE["random"], queries=60, seed=0))


def test_every_search_is_charged_for_distinct_architectures_only(table):
    objective = get_objective("joint").over(3)
    for name in ("ours", "evolution", "q-learning"):
        assert regret_curve(table, objective, ON_TABLE[name], queries=15, seed=1).isfinite().all()


def test_label_noise_leaves_the_rank_correlation_asked_for(table):
    objective = get_objective("joint").over(3)
    error = label_error(table.losses, objective, 0.8, seed=3)
    assert spearman(objective(table.losses), objective(table.losses + error)) == pytest.approx(0.8, abs=0.01)
    assert not bool(label_error(table.losses, objective, 1.0, seed=3).any())


def test_early_labels_that_mean_less_mislead_a_search(table):
    objective = get_objective("joint").over(3)
    error = label_error(table.losses, objective, 0.8, seed=0)
    truth = objective(table.losses)

    def first_label(**ageing):
        seen = []
        regret_curve(table, objective, Remembering(seen), queries=4, seed=0, label_noise=0.8, **ageing)
        return seen

    for (row, fresh), (_, aged) in zip(first_label(), first_label(label_ageing=(3.0, 2.0))):
        assert fresh == pytest.approx(float(truth[row] + objective(error)[row]), abs=1e-5)
        assert abs(aged - float(truth[row])) > abs(fresh - float(truth[row]))


class Remembering:
    """Random search that notes the row and the value of every label."""

    def __init__(self, seen):
        self.seen = seen

    def build(self, evaluator, objective, seed, *, queries):
        return remembering(evaluator, objective, seed, queries=queries, seen=self.seen)


def remembering(evaluator, objective, seed, *, queries, seen):
    strategy = ON_TABLE["random"].build(evaluator, objective, seed, queries=queries)
    observe = strategy.observe

    def noting(item):
        seen.append((evaluator.row(evaluator.space.architecture(item.genotype)), item.value))
        observe(item)

    strategy.observe = noting
    return strategy


@pytest.mark.parametrize("name", ["ours-refresh", "ours-forget"])
def test_ours_with_ageing_labels(table, name):
    objective = get_objective("joint").over(3)
    curve = regret_curve(
        table, objective, get_table_strategy(name), queries=24, seed=0, label_noise=0.8, label_ageing=(3.0, 8.0)
    )
    assert curve.isfinite().all()


def test_run_writes_the_result_others_script_against(folder, tmp_path, capsys):
    out, figure = tmp_path / "deep" / "result.json", tmp_path / "regret.svg"
    settings = {"objective": "joint", "queries": 8, "seeds": 2, "strategies": ["random", "evolution"]}
    result = run(folder, **settings, json_path=out, figure=figure, processes=1)
    assert json.loads(out.read_text()) == result
    assert {key: result[key] for key in ("dataset", "objective", "queries", "seeds")} == {
        "dataset": "cifar10",
        "objective": "joint",
        "queries": [2, 4, 8],
        "seeds": 2,
    }
    assert set(result["strategies"]) == {"random", "evolution"}
    for numbers in result["strategies"].values():
        assert set(numbers) == {"regret_mean", "regret_sd", "regret_interval", "queries_to_1_point"}
        assert all(low <= mean <= high for mean, (low, high) in zip(numbers["regret_mean"], numbers["regret_interval"]))
        assert len(numbers["regret_mean"]) == len(numbers["regret_sd"]) == 3
    assert figure.stat().st_size > 1000
    assert "evolution" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"dataset": "cifar01"}, "--dataset: expected a data set under .* did you mean 'cifar10'"),
        ({"objective": "wied"}, "--objective: expected one of .* did you mean 'wide'"),
        ({"objective": "square"}, "aa_square@Linf_accuracy.json: expected a file"),
        ({"queries": 7000}, "--queries: expected between 1 and 6466, got 7000; the table holds 6466"),
        ({"queries": 0}, "--queries: expected between 1 and 6466"),
        ({"seeds": 0}, "--seeds: expected at least 1"),
        ({"strategies": ["evolutoin"]}, "--strategies: expected known names.* did you mean 'evolution'"),
        ({"strategies": ["darts"]}, "back-propagates through a super-network"),
        ({"label_noise": 1.5}, "--label-noise: expected a rank correlation"),
        ({"label_ageing": (3.0, 50.0)}, "--label-ageing: expected --label-noise with it"),
        ({"label_noise": 0.8, "label_ageing": (3.0, 0.0)}, "--label-ageing: expected .*half-life > 0"),
    ],
)
def test_bad_input_is_answered_with_the_remedy(folder, change, message, monkeypatch):
    settings = {"queries": 5, "seeds": 1, "strategies": ["random"], "processes": 1, "quiet": True}
    monkeypatch.setattr(nb201, "load_table", loaded_once)
    with pytest.raises(InputError, match=message):
        run(folder, **{**settings, **change})


def test_a_folder_that_is_no_table(tmp_path):
    with pytest.raises(InputError, match=r"--data: expected a folder with the table's meta\.json"):
        load_table(tmp_path)
    (tmp_path / "meta.json").write_text("{")
    with pytest.raises(InputError, match="--dataset: expected a data set"):
        load_table(tmp_path)
    (tmp_path / "cifar10").mkdir()
    (tmp_path / "cifar10" / "clean_accuracy.json").write_text("{}")
    with pytest.raises(InputError, match=r"meta\.json: damaged"):
        load_table(tmp_path)


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("meta.json", {"ids": {}, "epsilons": [1]}, "expected ascending 'epsilons' of pgd@Linf, got None"),
        (
            "meta.json",
            {"ids": {}, "epsilons": {"pgd@Linf": [1, "x"]}},
            r"ascending 'epsilons' .*got \[1, 'x'\]",
        ),
        ("meta.json", [], r"meta\.json: expected a JSON object, got list"),
        ("cifar10/clean_accuracy.json", {"a": 0.5}, "expected architectures by number, got 'a'"),
        ("cifar10/clean_accuracy.json", {"0": "x"}, r"3 accuracies of architecture 0 .*got \['x', 0"),
        ("cifar10/clean_accuracy.json", {"0": float("nan")}, r"accuracies of architecture 0 .*got \[nan, 0"),
        ("cifar10/pgd@Linf_accuracy.json", {"0": [0.5, 0.5]}, r"accuracies of architecture 0 .*0.5, 0.5\]"),
        ("cifar10/pgd@Linf_accuracy.json", {"0": 0.5}, r"accuracies of architecture 0 .*got \[\]"),
    ],
)
def test_tables_that_hold_something_else(folder, tmp_path, file, content, message):
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    part = {"cifar10/clean_accuracy.json": "clean", "cifar10/pgd@Linf_accuracy.json": "pgd@Linf"}.get(file)
    if part is not None:
        content = {
            "cifar10": {
                part: {"accuracy": json.loads((folder / file).read_text())["cifar10"][part]["accuracy"] | content}
            }
        }
    (tmp_path / file).write_text(json.dumps(content))
    with pytest.raises(InputError, match=message):
        load_table(tmp_path)


def test_a_table_with_architectures_missing(folder, tmp_path):
    meta = json.loads((folder / "meta.json").read_text())
    del meta["ids"]["5"]
    (tmp_path / "meta.json").write_text(json.dumps(meta))
    (tmp_path / "cifar10").symlink_to(folder / "cifar10")
    with pytest.raises(InputError, match="expected all 15625 architectures of the space, got 15624"):
        load_table(tmp_path)


def test_an_architecture_string_that_is_none(folder, tmp_path):
    meta = json.loads((folder / "meta.json").read_text())
    meta["ids"]["5"]["nb201-string"] = "|conv_9x9~0|"
    (tmp_path / "meta.json").write_text(json.dumps(meta))
    (tmp_path / "cifar10").symlink_to(folder / "cifar10")
    with pytest.raises(InputError):
        load_table(tmp_path)


def test_statistics_of_a_comparison(tmp_path):
    curve = torch.tensor([[3.0, 0.9, 0.5], [3.0, 2.0, 1.5], [0.5, 0.5, 0.5]])
    assert queries_to_reach(curve, 1.0) == 2
    assert queries_to_reach(curve, 0.1) is None
    low, high = bootstrap_interval(curve[:, -1])
    assert low < float(curve[:, -1].mean()) < high
    comparison = Comparison(dataset="d", objective="wide", queries=3, curves={"a": curve})
    with pytest.raises(InputError, match="--figure: expected a name ending in"):
        draw(comparison, tmp_path / "x.txt")


def test_objectives_are_eq_10():
    for objective in OBJECTIVES.values():
        assert float(objective.over(7).coefficients().sum()) == pytest.approx(1.0)
    paper = get_objective("paper").over(6)
    assert paper.strength_weights == pytest.approx([w / 28 for w in (1, 2, 3, 5, 7, 10)])
    assert paper.clean_weight == 0.8


def test_the_published_table(nb201_root):
    """Every isomorph the table names is the space's own notion of the same function."""
    table = load_table(nb201_root)
    assert len(table) == 6466
    keys: dict[int, set[str]] = {}
    for choice, row in list(table.rows.items())[::5]:
        keys.setdefault(row, set()).add(table.space.canonical(table.space.at(choice)))
    assert all(len(names) == 1 for names in keys.values())
    wide = 1 - get_objective("wide").over(7)(table.losses)
    assert float(wide.max()) == pytest.approx(0.3874, abs=1e-3)


@pytest.mark.parametrize("argument", ["json_path", "figure"])
def test_a_result_that_could_not_be_written_is_refused_before_the_searches(folder, tmp_path, argument, monkeypatch):
    monkeypatch.setattr(runs, "_curves", lambda *_: pytest.fail("searched first"))
    taken, file = tmp_path / "folder.png", tmp_path / "file"
    taken.mkdir()
    file.write_text("")
    option = {"json_path": "--json", "figure": "--figure"}[argument]
    for path in (taken, file / "below.png"):
        with pytest.raises(InputError, match=f"^{option}: expected .*{path.name}"):
            nb201.run(folder, **{argument: path})


def test_a_title_says_how_labels_err_and_the_json_too():
    curve = torch.tensor([[3.0, 2.0, 0.5], [4.0, 3.0, 2.0]])
    plain = Comparison(dataset="d", objective="wide", queries=3, curves={"a": curve})
    noisy = replace(plain, label_noise=0.8, label_ageing=(3.0, 50.0))
    assert plain.title == "d, objective wide"
    assert noisy.title == "d, objective wide, label noise 0.8 ageing 3,50"
    assert (plain.as_json()["label_noise"], plain.as_json()["label_ageing"]) == (None, None)
    assert (noisy.as_json()["label_noise"], noisy.as_json()["label_ageing"]) == (0.8, [3.0, 50.0])
