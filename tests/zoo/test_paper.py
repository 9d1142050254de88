"""What the paper prints, from the cards."""

import json

import pytest
from tests.conftest import data_root

from wsrnas import zoo
from wsrnas.cli.settings import Parser, parse_config
from wsrnas.errors import InputError
from wsrnas.search.config import SearchConfig


@pytest.fixture(scope="module")
def printed():
    path = data_root().parent / "facts" / "paper_tables.json"
    if not path.is_file():
        pytest.skip(f"no transcribed tables at {path}; set WSRNAS_DATA to the folder beside it")
    return json.loads(path.read_text())


def test_tables_1_and_2_line_by_line(printed):
    rows = zoo.paper_rows()
    assert rows == zoo.paper_rows(1) == zoo.paper_rows(2)
    assert len(rows) == len(printed["table1"]) == 27
    for row, first, second in zip(rows, printed["table1"], printed["table2"], strict=True):
        result = row.result
        assert (row.model, result.training) == (first["model"], first["train"]) == (second["model"], second["train"])
        assert row.card.parameters_millions_paper == first["params_M"]
        assert (result.natural, result.robust_mean, result.fgsm) == (
            first["natural"],
            first["avg_robust"],
            first["fgsm"],
        )
        assert result.robust == {float(key): value for key, value in second["acc"].items() if value is not None}
        assert ("again" in result.measured_by) == first["recreated"]
        if first["recreated"] or first["model"].startswith("Wsr"):
            assert result.source == "authors"


def test_table_4_line_by_line(printed):
    for row, line in zip(zoo.paper_rows(4), printed["table4"]["rows"], strict=True):
        strengths = printed["table4"]["eps"]
        assert row.model.replace("-", "") == line["model"].replace("-", "")
        assert row.card.name.endswith("-imagenet")
        assert (row.card.parameters_millions_paper, row.result.natural) == (line["params_M"], line["natural"])
        assert row.result.robust_mean == line["robust"]
        assert row.result.robust == {strengths[key]: line[key] for key in strengths if line[key] is not None}


def test_tables_3_5_and_6_and_figure_1(printed):
    for line, row in zip(zoo.paper_values(3), printed["table3"]["rows"], strict=True):
        assert (line.name, line.values["N1"], line.values["N2"]) == (row["config"], row["N1"], row["N2"])
        assert line.note.startswith(f"printed as {row['days']}")
        assert line.values["days"] == (row["days"] if isinstance(row["days"], float) else None)
        assert ("extrapolated" in line.note) == row["estimated"]
        assert line.card is not None
        assert zoo.find(line.name) == line.card
    fifth = {line.name: line.values["accuracy"] for line in zoo.paper_values(5)}
    keys = ("avg_natural", "avg_robust", "A_ANE", "WA_ANE", "E_ANE_minus", "E_ANE")
    assert list(fifth.values()) == [printed["table5"][key] for key in keys]
    for line, row in zip(zoo.paper_values("6"), printed["table6"]["rows"], strict=True):
        assert line.name == row.pop("case")
        assert list(line.values.values()) == list(row.values())
        assert sum(value for key, value in line.values.items() if key != "sum" and value) == pytest.approx(
            line.values["sum"], abs=0.11
        )
    for line in zoo.paper_values("figure1"):
        key = line.name.replace("-", "_")
        assert list(line.values.values()) == printed["figure1"][key]
        assert list(map(float, line.values)) == printed["figure1"]["eps"]


def test_numbers_spot_checked_against_the_paper():
    rows = {(row.model, row.result.training): row.result for row in zoo.paper_rows()}
    basic = rows["WsrNet-Basic", "PGD-7"]
    assert basic.robust == {0.03: 48.9, 0.1: 22.3, 0.17: 15.7, 0.25: 12.4}
    assert (basic.natural, basic.fgsm, rows["WsrNet-Basic", "TRADES-1"].robust_mean) == (80.8, 62.2, 22.4)
    large = zoo.paper_rows(4)[-1].result
    assert (large.training, large.natural, large.robust) == ("Fast-AT", 57.2, {0.015: 31.0, 0.045: 5.3, 0.075: 1.3})


def test_sources_say_who_measured():
    rows = {(row.model, row.result.training): row.result.source for row in zoo.paper_rows()}
    assert rows["RACL", "PGD-7"] == rows["WsrNet-Plus", "TRADES-1"] == "authors"
    assert rows["RobNet-L", "PGD-7"] == rows["WRN-34-10", "Standard"] == "copied"
    assert set(rows.values()) == {"authors", "copied"}


def test_another_table_is_refused():
    with pytest.raises(InputError, match="^table: expected 1, 2 or 4, which have networks, got 5; `paper_values`"):
        zoo.paper_rows(5)
    with pytest.raises(InputError, match="^table: expected 3, 5, 6 or figure1, got 4; `paper_rows` has"):
        zoo.paper_values(4)
    with pytest.raises(InputError, match="got figure; did you mean 'figure1'"):
        zoo.paper_values("figure")


@pytest.mark.parametrize("name", [name for name in zoo.list_models() if zoo.card(name).search])
def test_the_search_that_a_card_names_is_a_command(name):
    program, command, *arguments = zoo.card(name).search.split()
    assert (program, command) == ("wsrnas", "search")
    config, _ = parse_config(SearchConfig, "search", Parser(prog="wsrnas search"), arguments, default="digits")
    cost = zoo.card(name).search_cost
    if cost is not None and cost.attacked is not None:
        strengths = len(config.spectrum.all_strengths())
        assert (len(config.spectrum.attacked_strengths()), strengths) == (
            cost.attacked,
            cost.attacked + (cost.estimated or 0),
        )
