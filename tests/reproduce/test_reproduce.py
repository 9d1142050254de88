"""Whole tables, tiny, from the command to the page; what is refused; what is not made twice."""

import csv
import os
from dataclasses import replace

import pytest
import torch
from tests.reproduce.tiny import tiny

import wsrnas
from wsrnas.api import report
from wsrnas.cli import main
from wsrnas.errors import InputError
from wsrnas.files import read_json
from wsrnas.reproduce import TABLES, cost
from wsrnas.reproduce.cost import estimated
from wsrnas.reproduce.runs import TrainRun
from wsrnas.reproduce.scale import named


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    out = tmp_path_factory.mktemp("reproduce") / "figure1"
    return wsrnas.reproduce("figure1", workers=1, scale=tiny(), out=out)


def test_figure_1_ends_in_a_table_and_a_page(made):
    with (made.path / "table.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["whose"] for row in rows] == ["paper, read off", "strict", "released"] * 2
    assert rows[0]["0.105"] == "2.7"
    evaluated = read_json(made.path / "runs" / "robnet-l-pgd-7-seed0" / "eval" / "strict.json")
    assert float(rows[1]["0.105"]) == pytest.approx(100 * evaluated["accuracy"][-1])
    assert float(rows[1]["0.105 low"]) == pytest.approx(100 * evaluated["ci_low"][-1], abs=1e-3)
    assert rows[1]["images"] == "12"
    markdown = (made.path / "table.md").read_text()
    assert markdown.startswith("# Figure 1")
    assert "| data.name | cifar10 | digits |" in markdown
    page = made.report.read_text()
    assert page.count("<svg") == 2
    assert "http" not in page.replace("http://www.w3.org", "")


def test_every_run_is_an_ordinary_run_folder(made):
    run = made.path / "runs" / "wsrnet-robust-pgd-7-seed0"
    assert wsrnas.load(run)(torch.zeros(1, 1, 8, 8)).shape == (1, 10)
    assert (run / "report.html").is_file()


def test_a_second_call_makes_nothing_anew(made, monkeypatch):
    before = (made.path / "table.csv").read_text()
    monkeypatch.setattr(TrainRun, "perform", lambda *_: pytest.fail("trained again"))
    again = wsrnas.reproduce("figure1", workers=1, scale=tiny(), out=made.path)
    assert (made.path / "table.csv").read_text() == before
    assert again.result == made.result


def test_an_interrupted_table_goes_on_where_it_stopped(made, monkeypatch):
    outcome = made.path / "outcomes" / "evaluate-robnet-l-pgd-7-seed0.json"
    kept = outcome.read_text()
    outcome.unlink()
    monkeypatch.setattr(TrainRun, "perform", lambda *_: pytest.fail("trained again"))
    wsrnas.reproduce("figure1", workers=1, scale=tiny(), out=made.path)
    assert outcome.read_text() == kept


def test_other_settings_in_the_same_folder_are_refused(made):
    with pytest.raises(InputError, match=r"seeds .*choose another --out"):
        wsrnas.reproduce("figure1", workers=1, scale=tiny(seeds=[1]), out=made.path)
    with pytest.raises(InputError, match="table"):
        wsrnas.reproduce("table2", workers=1, scale=tiny(), out=made.path)


def test_a_report_of_it_is_made_by_its_own_command(made):
    with pytest.raises(InputError, match="a table of the paper; start the same reproduce command again"):
        report(made.path)


def test_tables_share_the_runs_of_one_folder(made, tmp_path, monkeypatch):
    monkeypatch.setattr("wsrnas.training.single.train_epoch", lambda *_, **__: pytest.fail("trained again"))
    scale = tiny(lines=[24])
    found = wsrnas.reproduce("table2", workers=1, scale=scale, out=tmp_path / "t", runs=made.path / "runs")
    assert len(found.result.main.rows) == 3


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["tabel1"], "did you mean 'table1'"),
        (["table7"], "table1 | table2"),
        (["table1", "--scale=smalll"], "did you mean 'small'"),
        (["table1", "--data.root=x"], "embedded digits"),
        (["table1", "--workers=0"], "--workers: expected at least 1"),
        (["table2", "--scale=small", "--data.root=nowhere"], "nowhere"),
    ],
)
def test_bad_input_is_one_sentence_and_leaves_nothing(arguments, said, tmp_path, capsys):
    out = tmp_path / "new" / "out"
    assert main(["reproduce", *arguments, f"--out={out}"]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert not (tmp_path / "new").exists()


def test_no_folder_and_a_folder_of_other_files_are_refused(tmp_path, capsys):
    assert main(["reproduce", "figure1"]) == 2
    assert "--out" in capsys.readouterr().err
    (tmp_path / "mine.txt").write_text("")
    assert main(["reproduce", "figure1", f"--out={tmp_path}"]) == 2
    assert "holds other files" in capsys.readouterr().err
    assert os.listdir(tmp_path) == ["mine.txt"]


def test_a_place_that_cannot_be_written_is_refused(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert main(["reproduce", "figure1", f"--out={tmp_path / 'file' / 'out'}"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_scale_that_asks_names_its_cost_and_waits(tmp_path):
    scale = replace(tiny(), ask=True)
    with pytest.raises(InputError, match=r"--yes: .*4 runs, [\d,]+ network passes .* about .* on this machine"):
        wsrnas.reproduce("figure1", workers=1, scale=scale, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_dry_run_lists_the_runs_in_order_with_exact_passes(tmp_path):
    plan = cost("figure1", scale=tiny())
    assert [(one.run.kind, one.run.name) for one in plan.costs] == [
        (kind, f"{name}-pgd-7-seed0") for name in ("robnet-l", "wsrnet-robust") for kind in ("train", "evaluate")
    ]
    train, evaluate = plan.costs[:2]
    assert train.passes == 40 * (2 * 7 + 2) + 10 * (2 + 2)
    assert train.images == 40
    assert evaluate.images == 12
    assert plan.passes == sum(one.passes for one in plan.costs)
    assert "robnet-l-pgd-7-seed0" in str(plan)


def test_a_long_estimate_is_told_in_hours():
    assert estimated(75.0) == "1 min 15 s"
    assert estimated(3600 * 1234.4) == "1,234 h"


@pytest.mark.long
@pytest.mark.parametrize("name", TABLES)
def test_every_table_at_smoke(name, tmp_path):
    lines = [1, 2, 11, 13, 20] if name in ("table1", "table2") else None
    smoke = replace(named("smoke"), lines=lines)
    found = wsrnas.reproduce(name, workers=1, scale=smoke, out=tmp_path / name)
    for file in ("table.csv", "table.md", "report.html"):
        assert (found.path / file).stat().st_size > 0
    if name == "table3":
        hours = {row[0]: row[8].value for row in found.result.main.rows}
        assert 0 < hours["WsrNet-Naive-1"] < hours["WsrNet-Naive-11"]
