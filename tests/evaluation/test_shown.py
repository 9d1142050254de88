"""Strengths as they were written, and tables that fit a terminal of 80 columns."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from wsrnas.attacks import PGD
from wsrnas.cli import main
from wsrnas.cli.commands.evaluate import shown
from wsrnas.errors import InputError
from wsrnas.evaluation import Evaluation, evaluate
from wsrnas.evaluation.comparison.compare import compare
from wsrnas.evaluation.folder.report import write_report
from wsrnas.evaluation.images import evaluation_images
from wsrnas.evaluation.strengths import read_strengths, spell
from wsrnas.evaluation.text import to_blocks

ATTACKS = [PGD(eps=0.1, steps=2, keep="best")]
ELEVEN = "0,1/255,2/255,4/255,6/255,8/255,10/255,12/255,16/255,24/255,32/255"


@pytest.mark.parametrize(
    ("value", "texts"),
    [
        ("0,4/255,8/255", ["0", "4/255", "8/255"]),
        ("51/255", ["51/255"]),
        ("0.0157, 8/255", ["0.0157", "8/255"]),
        ("[0, 1/16, 0.1]", ["0", "1/16", "0.1"]),
        (["0", "4/255", 8 / 255, 0.5], ["0", "4/255", "8/255", "0.5"]),
        ([0, 4 / 255], ["0", "4/255"]),
        (0.1, ["0.1"]),
        ("0:8/255:3", ["0", "4/255", "8/255"]),
        ([0.12341, 0.12342], ["0.12341", "0.12342"]),
    ],
)
def test_strengths_keep_the_text_they_were_written_with(value: Any, texts: list[str]) -> None:
    strengths, spelling = read_strengths(value, norm="Linf")
    assert [spelling[one] for one in strengths] == texts


@given(st.lists(st.floats(1e-4, 1), min_size=1, max_size=12, unique=True))
def test_no_two_strengths_are_called_alike(values: list[float]) -> None:
    assert len(set(spell(sorted(values)).values())) == len(values)


def test_refusals_are_those_of_strengths() -> None:
    with pytest.raises(InputError, match="did you mean 8/255"):
        read_strengths("8", norm="Linf")
    with pytest.raises(InputError, match="it is not sorted; write"):
        read_strengths(["0.2", 0.1], norm="Linf")


@pytest.fixture
def eleven(undefended: nn.Module, digits: Any, tmp_path: Path) -> tuple[Evaluation, Path]:
    """A folder evaluated at eleven strengths."""
    found = evaluate(undefended, digits.images[:30], digits.labels[:30], ELEVEN, attacks=ATTACKS, out=tmp_path / "a")
    return found, tmp_path / "a"


def test_every_table_has_the_users_strengths(eleven: tuple[Evaluation, Path]) -> None:
    found, folder = eleven
    wanted = ELEVEN.split(",")
    assert json.loads((folder / "eval/strict.json").read_text())["strengths_text"] == wanted
    assert Evaluation.load(folder / "eval/strict.json").strengths_text == wanted
    assert [line.split()[0] for line in str(found).splitlines()[1:12]] == wanted
    write_report(folder)
    page = (folder / "eval/report.html").read_text()
    rows = [line.split("|")[1].strip() for line in (folder / "eval/table.md").read_text().splitlines()[2:]]
    assert rows == wanted
    for text in wanted[1:]:
        assert text in page
    headers, _ = compare([folder]).table()
    assert headers == ["model", "protocol", "clean", *wanted[1:]]


def test_terminal_tables_fit_80_columns(eleven: tuple[Evaluation, Path]) -> None:
    found, folder = eleven
    for text in (shown(found), str(found), str(compare([folder], paper=True))):
        assert max(map(len, text.splitlines())) <= 80
    assert "clean" in shown(found)
    assert str(compare([folder])).count("32/255") == 1


def test_blocks_repeat_the_first_columns_and_lose_nothing() -> None:
    headers = ["model", *[f"column {k}" for k in range(9)]]
    rows = [[f"row {r}", *[f"{r}{k}" for k in range(9)]] for r in range(3)]
    blocks = to_blocks(headers, rows, width=40).split("\n\n")
    assert len(blocks) == 3
    assert all(block.splitlines()[0].startswith("model ") for block in blocks)
    assert all(len(line) <= 40 for block in blocks for line in block.splitlines())
    cells = [line.split()[2:] for block in blocks for line in block.splitlines() if line.startswith("row 1")]
    assert [cell for block in cells for cell in block] == [f"1{k}" for k in range(9)]
    assert to_blocks(["a", "b" * 99], [["1", "2"]]).splitlines()[0] == "a  " + "b" * 99


def test_limits_are_named_by_the_option_that_was_given(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        evaluation_images(None, {"name": "digits"}, 5000)
    assert str(caught.value).startswith("--limit: expected at most")
    assert "lower --limit or leave it out" in str(caught.value)
    assert "test_limit" not in str(caught.value)
    with pytest.raises(InputError, match=r"^data\.test_limit: expected at most .*lower --data\.test_limit"):
        evaluation_images(None, {"name": "digits", "test_limit": 5000}, None)
    with pytest.raises(InputError, match="^--limit: expected a positive whole number, got 0"):
        evaluation_images(None, {"name": "digits"}, 0)
    with pytest.raises(InputError, match="^--limit: expected at least 10, one image for each class, got 3"):
        evaluation_images(None, {"name": "digits"}, 3)


def test_a_limit_that_nobody_gave_refuses_nothing(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("data: {name: digits, test_limit: 5000}\n")
    images, _, _ = evaluation_images(str(tmp_path), None, None)
    whole, _, described = evaluation_images(None, {"name": "digits"}, None)
    assert len(images) == len(whole) == described["images"]
    few, _, _ = evaluation_images(str(tmp_path), None, None, at_most=40)
    assert len(few) == 40
    all_of_them, _, _ = evaluation_images(None, {"name": "digits"}, None, at_most=10**6)
    assert len(all_of_them) == len(whole)


def test_strengths_of_the_norm_are_the_default(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["evaluate", "--help"])
    text = " ".join(capsys.readouterr().out.split())
    assert "Linf 0,2/255,4/255,8/255,16/255; L2 0,0.25,0.5,1,2" in text
    assert "papernot" in text
    assert "package.module:Class" in text
