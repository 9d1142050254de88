"""table.csv, table.md and report.html: a line a run, its numbers, and what failed."""

import csv

import pytest

from wsrnas.files import write_json
from wsrnas.sweeps.folder import Outcome, SweepFolder
from wsrnas.sweeps.plan import read_plan
from wsrnas.sweeps.table import line_of, lines_of, over_seeds, write_tables


@pytest.fixture
def sweep(tmp_path):
    """Two settings with two seeds each; the last run failed, the others are done."""
    plan = read_plan({"command": "train", "architectures": "advrush", "seeds": [0, 1], "settings": {"epochs": [1, 2]}})
    folder, runs = SweepFolder.open(tmp_path / "sweep", plan), plan.runs()
    for place, run in enumerate(runs[:3]):
        folder.run(run.name).mkdir()
        (folder.run(run.name) / "report.html").touch()
        result = {"epoch": 1, "held_out_accuracy": 0.5 + place / 10, "held_out_robust_accuracy": None, "parameters": 7}
        write_json(folder.run(run.name) / "result.json", result)
    failed = Outcome(name=runs[3].name, state="failed", message="data.root: expected a | folder")
    return runs, folder, lines_of(runs, folder, {failed.name: line_of(runs[3], folder, failed)})


def test_a_line_a_run(sweep):
    runs, folder, lines = sweep
    write_tables(lines, folder)
    with (folder.path / "table.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["name"] for row in rows] == [run.name for run in runs]
    assert [row["epochs"] for row in rows] == ["1", "1", "2", "2"]
    assert [row["seed"] for row in rows] == ["0", "1", "0", "1"]
    assert [row["state"] for row in rows] == ["done", "done", "done", "failed"]
    assert [row["held-out accuracy"] for row in rows] == ["0.5", "0.6", "0.7", ""]
    assert rows[3]["message"] == "data.root: expected a | folder"
    assert rows[0]["folder"] == str(folder.run(runs[0].name))
    table = (folder.path / "table.md").read_text().splitlines()
    assert len(table) == 2 + len(runs)
    assert {line.replace("\\|", "").count("|") for line in table} == {1 + len(rows[0])}
    page = (folder.path / "report.html").read_text()
    assert "data.root: expected a | folder" in page
    assert "0.55 ± 0.071" in page


def test_seeds_are_averaged_where_there_are_several(sweep):
    lines = sweep[2]
    first, second = over_seeds(lines)
    assert first["seeds"] == 2
    assert first["held-out accuracy"] == "0.55 ± 0.071"
    assert second["held-out accuracy"] == "0.7"
    assert over_seeds(lines[1:3]) == []


def test_a_damaged_result_is_a_failure_of_its_run(sweep):
    runs, folder, _ = sweep
    (folder.run(runs[0].name) / "result.json").write_text("{")
    line = lines_of(runs, folder, {})[0]
    assert line.outcome.state == "failed"
    assert "result.json: damaged" in line.outcome.message


def test_what_an_earlier_attempt_said_is_kept_until_it_is_forgotten(sweep):
    runs, folder, _ = sweep
    folder.write_outcome(Outcome(name=runs[3].name, state="failed", message="no data"))
    assert folder.outcome(runs[3]).message == "no data"
    folder.forget_outcome(runs[3])
    assert folder.outcome(runs[3]).state == "waiting"
    assert folder.outcome(runs[0]).state == "done"
