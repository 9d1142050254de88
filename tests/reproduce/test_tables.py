"""What the outcomes of runs come to: the paper's numbers to the digit, ours computed from hand-made outcomes."""

from dataclasses import replace

import pytest

from wsrnas import zoo
from wsrnas.errors import InputError
from wsrnas.reproduce.command import table_of
from wsrnas.reproduce.result import Number
from wsrnas.reproduce.scale import named
from wsrnas.reproduce.tables.searches import Timed

SMOKE = named("smoke")
SECONDS = {"adv_train": 1.0, "ae_generation": 2.0, "search": 0.0, "ewss": 0.5, "ane_train_test": 0.5, "sum": 4.0}


def measured(strengths, level):
    curve = {f"{s:g}": max(0.0, level - s) for s in strengths}
    released = {key: value / 2 for key, value in curve.items()}
    return {"strict": curve, "released": released, "images": 100, "natural": level, "fgsm": level / 2, "doubts": []}


def made_up(table, scale):
    found = {}
    for place, run in enumerate(table.runs(scale)):
        if run.kind == "train":
            found[run.outcome] = {"parameters": 1000 + place, "learned_nothing": None}
        elif run.kind == "evaluate":
            found[run.outcome] = measured(table.strengths, 0.5 + place / 200)
        else:
            found[run.outcome] = {"found": "x"}
    return found


@pytest.mark.parametrize("name", ["table1", "table2", "table4", "figure1"])
def test_printed_rows_are_the_papers_and_stand_over_ours_by_both_protocols(name):
    table = table_of(name)
    result = table.result(SMOKE, made_up(table, SMOKE))
    grid = result.main
    assert [row[2].split(",")[0] for row in grid.rows] == ["paper", "strict", "released"] * len(table.lines(SMOKE))
    assert grid.marked == set(range(1, len(grid.rows), 3))
    for line, row in zip(table.lines(SMOKE), grid.rows[::3]):
        printed = dict(zip(grid.headers, row))
        assert printed["natural"] == line.printed[0]
        assert [printed[f"{s:g}"] for s in table.strengths] == list(line.printed[2])
    for strict, released in zip(grid.rows[1::3], grid.rows[2::3]):
        one, other = dict(zip(grid.headers, strict)), dict(zip(grid.headers, released))
        curve = [one[f"{s:g}"].value for s in table.strengths]
        assert one["average robust"].value == pytest.approx(sum(curve) / len(curve))
        assert other["average robust"].value == pytest.approx(one["average robust"].value / 2)
        assert one["natural"].low < one["natural"].value < one["natural"].high
        if "FGSM" in grid.headers:
            assert one["FGSM"].value == pytest.approx(one["natural"].value / 2)
            assert other["FGSM"] is None


def test_table_1_prints_every_column_of_tables_1_and_2():
    headers = table_of("table1").result(SMOKE, made_up(table_of("table1"), SMOKE)).main.headers
    assert {"natural", "average robust", "FGSM", "0.03", "0.1", "0.17", "0.25", "parameters", "seeds"} <= set(headers)


def test_the_same_order_as_the_papers_is_a_rank_agreement_of_one():
    table = table_of("table2")
    lines = sorted((line for line in table.lines(SMOKE) if line.printed[3]), key=lambda line: line.printed[3])[::4]
    scale = replace(SMOKE, lines=[line.place for line in lines])
    outcomes = made_up(table, scale)
    for place, line in enumerate(lines):
        outcomes[f"outcomes/evaluate-{line.name}-seed0.json"] = measured(table.strengths, 0.4 + place / 20)
    finding = table.result(scale, outcomes).finding
    assert "+1.00" in finding
    assert finding.endswith(f"Here {lines[-1].label} has the highest average robust accuracy, "
                            f"{100 * (0.4 + (len(lines) - 1) / 20 - 0.1375):.1f} % (strict).")  # fmt: skip


def test_seeds_are_averaged_and_their_spread_is_said():
    table = table_of("table2")
    scale = replace(SMOKE, seeds=[0, 1], lines=[13])
    outcomes = made_up(table, scale)
    for seed, level in ((0, 0.5), (1, 0.7)):
        outcomes[f"outcomes/evaluate-racl-pgd-7-seed{seed}.json"] = measured(table.strengths, level)
    _, strict, _ = table.result(scale, outcomes).main.rows
    natural, seeds = strict[3], strict[-1]
    assert isinstance(natural, Number)
    assert (natural.value, seeds) == (pytest.approx(60.0), 2)
    assert natural.spread == pytest.approx(100 * 0.02**0.5)


def test_a_network_that_learned_nothing_is_named_below_the_table():
    table = table_of("figure1")
    outcomes = made_up(table, SMOKE)
    outcomes["outcomes/train-robnet-l-pgd-7-seed0.json"]["learned_nothing"] = "no better than a guess"
    result = table.result(SMOKE, outcomes)
    assert result.doubts == ("RobNet-L PGD-7: no better than a guess",)
    assert result.warning.startswith("1 of 2 networks learned nothing")
    assert result.finding.startswith("Here WsrNet-Robust PGD-7 has the highest")
    outcomes["outcomes/train-wsrnet-robust-pgd-7-seed0.json"]["learned_nothing"] = "names one class"
    assert table.result(SMOKE, outcomes).finding.startswith("No network has learned anything")


def test_what_differs_names_data_length_and_width():
    table = table_of("table1")
    differs = {name: values for name, *values in table.result(SMOKE, made_up(table, SMOKE)).differs}
    assert differs["data.name"] == ["cifar10", "digits"]
    assert differs["epochs"] == ["200", "1"]
    assert differs["network.channels of cells"] == ["the card's", "4"]
    paper = named("paper")
    ((protocol, *_),) = table.result(paper, made_up(table, paper)).differs
    assert protocol == "protocol"


@pytest.mark.parametrize("lines", [[], [0], [28]])
def test_lines_that_the_table_does_not_have_are_refused(lines):
    with pytest.raises(InputError, match="lines of table1, 1 to 27"):
        table_of("table1").runs(replace(SMOKE, lines=lines))


def timed(warm_up, build, search):
    kinds = {"warm up": warm_up, "build": build, "search": search}
    return {"iterations": {kind: {**SECONDS, "sum": value} for kind, value in kinds.items() if value is not None}}


def test_a_whole_search_is_n_times_warming_and_labelling_and_t_times_searching():
    assert Timed.of(timed(1.0, 2.0, 4.0)).whole() == 100 * (1 + 2) + 100 * 4
    assert Timed.of(timed(1.0, None, 4.0)).whole() == 100 * (1 + 4) + 100 * 4
    assert Timed.of(timed(1.0, None, 4.0)).whole(1000) == 100 + 4000


def test_table_3_compares_multiples_of_the_search_with_one_strength():
    table = table_of("table3")
    outcomes = {run.outcome: timed(1.0, 1.0, 1.0) for run in table.runs(SMOKE)}
    outcomes["outcomes/search-timed-wsrnet-naive-6.json"] = timed(2.0, 2.0, 2.0)
    result = table.result(SMOKE, outcomes)
    rows = {row[0]: dict(zip(result.main.headers, row)) for row in result.main.rows}
    assert [row[0] for row in result.main.rows] == [line.name for line in zoo.paper_values(3)]
    assert rows["WsrNet-Naive-6"]["ours: × Naive-1"].value == 2
    assert rows["WsrNet-Naive-6"]["paper: × Naive-1"].value == pytest.approx(5.2 / 2.6)
    assert rows["WsrNet-Basic"]["ours: hours"].value == pytest.approx(300 / 3600)
    assert rows["MetaQNN"]["paper: GPU days"] == "450 x 7"
    assert rows["MetaQNN"]["paper: × Naive-1"] is None
    ((_, counted),) = result.more
    passes = {row[0]: row[1] for row in counted.rows}
    assert list(passes) == [line.name for line in zoo.paper_values(3)][:6]
    attack, epoch = 14, 25_000 // 64 * 64
    # N+T+N trainings, N+T measurements of 1 attack and 2 losses, and the verification of one finalist.
    assert passes["WsrNet-Naive-1"] > 300 * epoch * (attack + 2) + 200 * epoch * (attack + 2)
    # A further strength shares the first step, which begins at the clean image, with the others.
    assert passes["WsrNet-Naive-6"] - passes["WsrNet-Naive-3"] > 200 * epoch * 3 * (attack - 2 + 1)
    assert "50% cheaper" in result.finding
    assert "31% cheaper" in result.finding


def test_table_6_has_the_papers_seconds_and_shares_that_add_up():
    table = table_of("table6")
    outcomes = {run.outcome: {"iterations": {"search": dict(SECONDS)}} for run in table.runs(SMOKE)}
    result = table.result(SMOKE, outcomes)
    assert result.main.rows[0] == ("Basic", "paper", "seconds", 610.6, 1151.5, 191.3, None, None, 1953.4)
    for row in result.main.rows[1::2]:
        shares = [cell.value for cell in row[3:-1] if cell is not None]
        assert sum(shares) == pytest.approx(100, abs=0.1)
    assert "takes 1.00 of the time of Basic here, 0.64 in the paper" in result.finding


def test_table_6_moves_a_on_all_of_d_v_in_basic():
    basic, wsr = table_of("table6").runs(SMOKE)
    config = basic.config
    batches = -(-config.data.valid_limit // config.measure.batch_size)
    assert config.strategy.settings["steps_per_query"] == batches
    assert replace(config, strategy=wsr.config.strategy) == wsr.config


def turns(**accuracies):
    found = {"natural": 0.8, "robust": 0.4, "A-ANE": 0.45, "WA-ANE": 0.41, "E-ANE⁻": 0.6, "E-ANE": 0.5, **accuracies}
    return {**{name: [value] * 7 for name, value in found.items()}, "images": 100}


def test_table_5_orders_the_estimators_by_their_distance_from_the_real_attack():
    table = table_of("table5")
    row = {"name": "WA-ANE, linear", "accuracy": 0.4, "fidelity": [{"value": 0.9, "low": None, "high": None}],
           "loss_error": {"value": None, "low": None, "high": None}}  # fmt: skip
    corrected = {"strengths": [0.045], "robust": 0.39, "networks": 3, "images": 10, "rows": [row]}
    result = table.result(SMOKE, {"outcomes/study-turns.json": turns(), "outcomes/study-corrected.json": corrected})
    rows = {row[0]: row for row in result.main.rows}
    assert rows["A-ANE"][1] == 43.6
    assert rows["A-ANE"][2].value == pytest.approx(43.6 - 38.7)
    assert rows["A-ANE"][4].value == pytest.approx(5)
    order = "best first: WA-ANE, A-ANE, E-ANE, E-ANE⁻; in the paper: A-ANE, E-ANE, WA-ANE, E-ANE⁻"
    assert order in result.finding
    ((_, more),) = result.more
    assert more.rows[1][-1] is None
