"""Selecting by some strengths and judging by others: runs, and knows what it compares."""

from wsrnas.benchmarks.spectrum import run


def test_every_selection_is_judged_three_ways(nb201_root):
    rows = run(nb201_root, queries=5, seeds=1)
    assert {row["judge"] for row in rows} == {"wide", "joint", "apgd"}
    assert len(rows) == 3 * len({row["selection"] for row in rows})
    assert all(row["regret"] >= 0 and row["low"] <= row["regret"] <= row["high"] for row in rows)
