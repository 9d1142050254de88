"""Tables of labels: written and read again, those that come with the package, and files that are none."""

import json

import numpy as np
import pytest
from tests.studies.labels.made_table import made_table

from wsrnas.cli import main
from wsrnas.errors import InputError
from wsrnas.studies.labels.table import read_table, shipped, write_table


def test_a_table_that_was_written_is_read_again(tmp_path):
    table = made_table(5)
    write_table(tmp_path / "table.json", table)
    for source in (tmp_path, tmp_path / "table.json"):
        found = read_table(source)
        assert found.genotypes == table.genotypes
        assert (found.about, found.costs) == (table.about, table.costs)
        assert np.array_equal(found.final, table.final)
        assert all(np.array_equal(found.losses[name], rows) for name, rows in table.losses.items())


def test_epochs_are_read_off_the_names_of_labels():
    table = made_table(4)
    assert table.epochs("alone") == (1, 2, 4)
    assert table.epochs("from-shared") == (1,)


@pytest.mark.parametrize("name", shipped())
def test_tables_that_come_with_the_package_are_of_one_size(name):
    table = read_table(name)
    middle = (table.parameters.min() + table.parameters.max()) / 2
    assert np.abs(table.parameters / middle - 1).max() <= 0.06
    assert len({genotype.id for genotype in table.genotypes}) == len(table.genotypes)
    assert table.final.shape[1] == 3
    assert ((table.final >= 0) & (table.final <= 1)).all()
    assert (np.diff(table.final, axis=2) <= 0).all()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda content: content.pop("costs"), "expected a table of labels"),
        (lambda content: content["costs"].pop("alone-2"), "at least four architectures"),
        (lambda content: content["architectures"].__delitem__(slice(3, None)), "at least four architectures"),
        (lambda content: content["architectures"][1]["losses"].pop("shared"), "expected a table of labels"),
        (lambda content: content["architectures"][0].update(final=[["a"]]), "expected a table of labels"),
    ],
)
def test_files_that_are_no_tables_are_refused_by_their_name(tmp_path, damage, message):
    content = made_table(5).content()
    damage(content)
    file = tmp_path / "other.json"
    file.write_text(json.dumps(content))
    with pytest.raises(InputError, match=f"other.json: .*{message}"):
        read_table(file)


def test_a_name_that_is_neither_a_file_nor_shipped_is_refused(capsys):
    assert main(["study", "labels", "--from", "nowhere"]) == 2
    assert "--from: expected a file, the folder of a study of labels, or one of" in capsys.readouterr().err


def test_other_studies_take_no_table(capsys):
    assert main(["study", "space", "--from", "anything"]) == 2
    assert "--from: expected nothing here, got anything; only labels asks for it" in capsys.readouterr().err


@pytest.mark.slow
def test_a_table_is_judged_from_the_command_line(tmp_path, capsys):
    write_table(tmp_path / "table.json", made_table(6))
    out = tmp_path / "out"
    assert main(["study", "labels", "--from", str(tmp_path), "--out", str(out), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told == json.loads((out / "study.json").read_text())
    assert told["architectures"] == 6
    assert (out / "report.html").is_file()
