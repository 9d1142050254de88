"""The table of adversarially trained networks is read right, a limit holds for every strategy, damage is refused."""

import itertools
import json
import re
from dataclasses import replace

import pytest
import torch

from wsrnas.cli import main
from wsrnas.errors import InputError
from wsrnas.search.evaluators.table import TableEvaluator
from wsrnas.spaces import NetworkConfig, get_space
from wsrnas.studies.tables import robbench
from wsrnas.studies.tables.objectives import ROBBENCH_OBJECTIVES, get_objective
from wsrnas.studies.tables.robbench_table import COLUMNS, load_robbench
from wsrnas.studies.tables.size_limit import table_sizes, within
from wsrnas.studies.tables.strategies import ON_TABLE
from wsrnas.studies.tables.trial import regret_curve

SPACE = get_space("nb201")
CHOICES = list(itertools.product(range(5), repeat=6))
NAME = "NAS-RobBench-201_html.json"


def accuracies(choice, dataset):
    """More 3x3 convolutions do better, late ones most; other data sets are harder."""
    quality = sum((1 + place / 9) * (k == 3) - (k == 4) / 3 for place, k in enumerate(choice)) / 9
    clean = (0.5 + 0.4 * quality) / (1 + dataset)
    return [round(clean * share, 6) for share in (1.0, 0.8, 0.78, 0.5, 0.46, 0.4)]


def content(sets=("cifar10", "cifar100", "imagenet")):
    order = torch.randperm(len(CHOICES), generator=torch.Generator().manual_seed(0)).tolist()
    operations = ["".join(map(str, CHOICES[place])) for place in order]
    first, acc = {}, {}
    for identity, text in enumerate(operations):
        choice = tuple(map(int, text))
        same = first.setdefault(SPACE.canonical(SPACE.at(choice)), str(identity))
        values = [value for dataset in range(len(sets)) for value in accuracies(choice, dataset)]
        acc[str(identity)] = values if same == str(identity) else same
    acc[""] = [f"{name}#{column}" for name in sets for column in COLUMNS]
    return acc, operations


@pytest.fixture(scope="module")
def published():
    return content(("cifar10",))


def write(root, acc, operations, *, form="acc={};", ops="arch={}"):
    root.mkdir(parents=True, exist_ok=True)
    (root / NAME).write_text(form.format(json.dumps(acc)) if isinstance(acc, dict) else acc)
    (root / "ops.json").write_text(
        ops.format(json.dumps(operations)) if not isinstance(operations, str) else operations
    )
    return root


@pytest.fixture(scope="module")
def folder(tmp_path_factory, published):
    return write(tmp_path_factory.mktemp("robbench"), *published)


@pytest.fixture(scope="module")
def table(folder):
    return load_robbench(folder)


def test_every_choice_has_the_accuracies_of_its_isomorph_in_every_data_set(tmp_path):
    acc, operations = content()
    folder = write(tmp_path / "t", acc, operations)
    for place, dataset in enumerate(("cifar10", "cifar100", "imagenet")):
        found = load_robbench(folder, dataset=dataset)
        assert len(found.rows) == 15625
        assert len(found) == 6466
        assert found.strengths.tolist() == pytest.approx([3 / 255, 8 / 255])
        for identity in range(0, 15625, 997):
            entry = acc[str(identity)]
            listed = entry if isinstance(entry, list) else acc[entry]
            row = found.rows[tuple(map(int, operations[identity]))]
            wanted = [listed[6 * place + column] for column in (0, 2, 4)]
            assert found.losses[row].tolist() == pytest.approx([1 - value for value in wanted])


def test_objectives_are_the_means_that_they_say(folder):
    losses = 1 - torch.tensor([0.9, 0.6, 0.3])
    for name, wanted in {"wide": (0.9 + 0.6 + 0.3) / 3, "joint": 0.5 * 0.9 + 0.5 * (0.6 + 0.3) / 2}.items():
        objective = get_objective(name, ROBBENCH_OBJECTIVES).over(2)
        assert 1 - float(objective(losses)) == pytest.approx(wanted)
    table, objective = robbench.task(str(folder), "cifar10", "autoattack")
    assert table.strengths.tolist() == pytest.approx([8 / 255])
    assert torch.allclose(objective(table.losses), table.losses[:, 1], atol=1e-5)


@pytest.mark.parametrize(
    ("form", "ops"),
    [
        ("{}", "{}"),
        ("const acc = {} ;\n", "var arch = {};"),
        ("\ufeffacc={}", "arch ={}"),
    ],
)
def test_other_ways_to_write_the_same(tmp_path, published, table, form, ops):
    found = load_robbench(write(tmp_path / "t", *published, form=form, ops=ops))
    assert torch.equal(found.losses, table.losses)
    assert found.rows == table.rows


def test_python_s_way_to_write_it_and_no_headings_and_distinct_ones_only(tmp_path, published, table):
    acc, operations = published
    lists = {int(identity): entry for identity, entry in acc.items() if isinstance(entry, list) and identity}
    found = load_robbench(write(tmp_path / "t", f"acc={lists!r}", f"arch={dict(enumerate(operations))!r}"))
    assert torch.equal(found.losses, table.losses)
    assert found.rows == table.rows


DAMAGE = {
    "another name": (lambda acc, ops: ("acd=" + json.dumps(acc), ops), r"expected 'acc = …', got 'acd = …'"),
    "cut short": (lambda acc, ops: (("acc=" + json.dumps(acc))[:-900], ops), "text that does not parse"),
    "code": (lambda acc, ops: ("acc={'0': __import__('os').getcwd()}", ops), "text that does not parse"),
    "a page": (lambda acc, ops: ("<!DOCTYPE html><html>", ops), "text that does not parse"),
    "brackets": (lambda acc, ops: ("acc=" + "[" * 99_999, ops), "text that does not parse"),
    "a number of too many digits": (
        lambda acc, ops: ('acc={"0": [' + "9" * 9999 + "]}", ops),
        "does not parse|accurac",
    ),
    "nothing": (lambda acc, ops: ("acc={}", ops), "expected accuracies by architecture, got none"),
    "a list": (lambda acc, ops: ("acc=[1, 2]", ops), "expected accuracies by architecture, got list"),
    "an id twice": (lambda acc, ops: ('acc={"1": "2", "1": "3"}', ops), "expected every entry once, got '1' twice"),
    "an id missing": (lambda acc, ops: (without(acc, isomorph(acc)), ops), "expected all 15625 .* got 15624, without "),
    "an unknown id": (lambda acc, ops: ({**acc, "15625": acc["0"]}, ops), "'15625': expected an architecture of ops"),
    "another word": (lambda acc, ops: ({**acc, "cell": acc["0"]}, ops), "'cell': expected an architecture of ops"),
    "columns": (lambda acc, ops: ({**acc, "0": acc["0"][:5]}, ops), "'0': expected 6 accuracies, got 5"),
    "NaN": (lambda acc, ops: ({**acc, "0": [float("nan"), *acc["0"][1:]]}, ops), r"'0': expected .*\[0,1\], got NaN"),
    "text": (lambda acc, ops: ({**acc, "0": ["0.5", *acc["0"][1:]]}, ops), r"'0': expected .*\[0,1\], got '0.5'"),
    "percent": (lambda acc, ops: ({**acc, "0": [50.0, *acc["0"][1:]]}, ops), r"'0': expected .*\[0,1\], got 50.0"),
    "truth": (lambda acc, ops: ({**acc, "0": [True, *acc["0"][1:]]}, ops), r"'0': expected .*\[0,1\], got True"),
    "a dangling id": (lambda acc, ops: ({**acc, "9": "99999"}, ops), "'9': expected the id of an arch.* got '99999'"),
    "a wrong isomorph": (lambda acc, ops: ({**acc, "0": "1"}, ops), "expected the id of one that computes the same"),
    "headings": (lambda acc, ops: ({**acc, "": ["a", "b"]}, ops), "expected headings such as 'cifar10#val_acc'"),
    "a heading twice": (lambda acc, ops: ({**acc, "": ["c#x"] * 6}, ops), "expected every heading once"),
    "a heading missing": (lambda acc, ops: ({**acc, "": renamed(acc[""])}, ops), "expected a column cifar10#val_acc"),
    "short operations": (lambda acc, ops: (acc, ops[:-1]), "expected all 15625 architectures of the space once"),
    "an architecture twice": (lambda acc, ops: (acc, [*ops[:-1], ops[0]]), "got 15625, 15624 of them distinct"),
    "an operation too many": (
        lambda acc, ops: (acc, ["500000", *ops[1:]]),
        "expected 6 digits below 5 .* got '500000'",
    ),
    "numbers as operations": (lambda acc, ops: (acc, [123, *ops[1:]]), "expected 6 digits below 5 .* got 123"),
    "operations of another kind": (lambda acc, ops: (acc, "arch=7"), "text that does not parse|by architecture"),
}


def isomorph(acc):
    return next(identity for identity, entry in acc.items() if isinstance(entry, str))


def without(acc, identity):
    return {key: entry for key, entry in acc.items() if key != identity}


def renamed(headings):
    return [name.replace("cifar10#val_acc", "cifar10#acc") for name in headings]


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_file_is_refused_in_one_sentence(tmp_path, published, damage):
    spoil, message = DAMAGE[damage]
    root = write(tmp_path / "t", *spoil(*published))
    with pytest.raises(InputError, match=message) as caught:
        load_robbench(root)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 700


def test_a_data_set_or_files_that_are_not_there(tmp_path, published):
    root = write(tmp_path / "t", *published)
    with pytest.raises(InputError, match=rf"--dataset: expected a data set of {NAME}, got 'cifar100'"):
        load_robbench(root, dataset="cifar100")
    (root / "ops.json").unlink()
    with pytest.raises(InputError, match="--data: expected a folder with ops.json"):
        load_robbench(root)
    with pytest.raises(InputError, match=f"--data: expected a folder with {NAME}"):
        load_robbench(tmp_path / "nowhere")


@pytest.fixture(scope="module")
def small(table):
    return within(table, 500_000)


def test_sizes_are_those_of_the_networks_built(table):
    sizes = table_sizes(table)
    config = NetworkConfig(channels=16, layers=15, num_classes=10, image_shape=(3, 32, 32))
    for choice in CHOICES[::3001]:
        counted = [SPACE.build(SPACE.at(one), config) for one in (choice, table.trained[table.rows[choice]])]
        assert sizes[choice] == max(sum(p.numel() for p in network.parameters()) for network in counted)
    assert (min(sizes.values()), max(sizes.values())) == (73306, 1531546)
    hundred = table_sizes(replace(table, dataset="cifar100"))
    assert hundred[CHOICES[0]] - sizes[CHOICES[0]] == 90 * 65


def test_the_table_within_a_limit_has_the_best_of_it_and_no_larger_network(table, small):
    sizes = table_sizes(table)
    assert set(small.rows) == {choice for choice, size in sizes.items() if size <= 500_000}
    assert len(small) == len(set(small.rows.values())) < 6466
    assert len(within(table, 1531546)) == 6466
    with pytest.raises(InputError, match=r"--max-params: expected at least 73,306, got 73,305"):
        within(table, 73_305)


@pytest.mark.parametrize("name", sorted(set(ON_TABLE) - {"ours-refresh", "ours-forget", "wsr-released"}))
def test_no_strategy_asks_for_a_network_beyond_the_limit(table, small, name, monkeypatch):
    """Rows beyond the limit are not even there: asking for one would be refused."""
    asked = []
    measure = TableEvaluator.measure
    monkeypatch.setattr(TableEvaluator, "measure", lambda self, one: asked.append(one.choice) or measure(self, one))
    objective = get_objective("joint", ROBBENCH_OBJECTIVES).over(2)
    curve = regret_curve(small, objective, ON_TABLE[name], queries=12, seed=3)
    sizes = table_sizes(table)
    assert len(asked) >= 12
    assert max(sizes[choice] for choice in asked) <= 500_000
    assert bool((curve >= 0).all())


def test_regret_is_measured_from_the_best_within_the_limit(table):
    small = within(table, 78_000)
    objective = get_objective("joint", ROBBENCH_OBJECTIVES).over(2)
    curve = regret_curve(small, objective, ON_TABLE["random"], queries=len(small), seed=0)
    assert float(curve[-1]) == 0.0
    values = objective(small.losses)[small.kept]
    assert 0 <= float(curve[0]) <= 100 * float(values.max() - values.min())


@pytest.mark.slow
def test_the_command_writes_what_bench_nb201_writes(folder, tmp_path, capsys):
    out = tmp_path / "out.json"
    command = ["bench", "robbench", "--data", str(folder), "--dataset", "cifar10", "--objective", "autoattack"]
    command += ["--queries", "12", "--seeds", "2", "--strategies", "random,evolution", "--processes", "1"]
    command += ["--label-noise", "0.8", "--max-params", "800k", "--after", "5,12", "--json", str(out)]
    assert main(command) == 0
    result = json.loads(out.read_text())
    assert {key: result[key] for key in ("dataset", "objective", "label_noise", "max_params", "queries", "seeds")} == {
        "dataset": "cifar10",
        "objective": "autoattack",
        "label_noise": 0.8,
        "max_params": 800_000,
        "queries": [5, 12],
        "seeds": 2,
    }
    for numbers in result["strategies"].values():
        assert set(numbers) == {"regret_mean", "regret_sd", "regret_interval", "queries_to_1_point"}
        assert len(numbers["regret_mean"]) == 2
    assert "at most 800,000" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--objective", "square"], "--objective: expected one of wide, joint, autoattack, got 'square'"),
        (["--max-params", "0.5"], "--max-params: expected a whole number of at least 1"),
        (["--max-params", "many"], "--max-params: expected a whole number such as 20000, 20k or 1.5M"),
        (["--after", "101"], "--after: expected numbers between 1 and --queries 100, got 101"),
    ],
)
def test_bad_options_are_refused(folder, options, message, capsys):
    assert main(["bench", "robbench", "--data", str(folder), "--seeds", "1", *options]) == 2
    assert re.search(message, capsys.readouterr().err)


def test_the_published_file(robbench_root):
    table = load_robbench(robbench_root, attack="autoattack")
    assert (len(table.rows), len(table)) == (15625, 6466)
    assert 1 - float(table.losses[:, 1].min()) == pytest.approx(0.4438, abs=1e-4)
    keys = {}
    for choice, row in list(table.rows.items())[::7]:
        keys.setdefault(row, set()).add(SPACE.canonical(SPACE.at(choice)))
    assert all(len(names) == 1 for names in keys.values())
