"""Selecting by some strengths and judging by others: runs, charges what it should, and refuses bad budgets."""

import json

import pytest

from wsrnas.errors import InputError
from wsrnas.studies.tables.spectrum import run


def test_every_selection_is_judged_three_ways(nb201_root, tmp_path):
    rows = run(nb201_root, queries=5, seeds=2, json_path=tmp_path / "out.json")
    assert {row["judge"] for row in rows} == {"wide", "joint", "apgd"}
    assert len(rows) == 3 * len({row["selection"] for row in rows})
    assert all(row["regret"] >= 0 and row["low"] <= row["regret"] <= row["high"] for row in rows)
    assert json.loads((tmp_path / "out.json").read_text())["rows"] == rows


def test_at_equal_cost_cheaper_selections_get_more_queries(nb201_root):
    rows = run(nb201_root, queries=10, seeds=1, equal_cost=True, quiet=True)
    queries = {row["selection"]: row["queries"] for row in rows}
    assert queries["all seven"] == 10
    assert queries["only strength 3"] == 10 * (1 + 7 * 15) // (1 + 15)
    assert queries["clean only"] == 10 * (1 + 7 * 15)


def test_selecting_by_what_is_judged_is_perfect_once_everything_was_measured(nb201_root):
    rows = run(nb201_root, queries=6466, seeds=1, quiet=True)
    found = {(row["judge"], row["selection"]): row["regret"] for row in rows}
    assert found["wide", "all seven"] == pytest.approx(0, abs=1e-4)
    assert found["joint", "all seven"] == pytest.approx(0, abs=1e-4)


def test_refuses_a_budget_larger_than_the_table(nb201_root):
    with pytest.raises(InputError, match="between 1 and 6466"):
        run(nb201_root, queries=6467)
