"""The ranking study fits every ψ to the same labels and judges it on architectures it has not seen."""

import json

import pytest

from wsrnas.errors import InputError
from wsrnas.studies.tables import ranking


def test_a_process_ranks_unseen_architectures_and_more_labels_help(nb201_root, tmp_path):
    path = tmp_path / "out.json"
    rows = ranking.run(nb201_root, seeds=1, names=["process on paths"], json_path=path, quiet=True)
    wide = [row["spearman"][-1] for row in rows]
    assert [row["labels"] for row in rows] == list(ranking.LABELS)
    assert 0.2 < wide[0] < wide[-1] < 1
    content = json.loads(path.read_text())
    assert content["columns"][0] == "clean"
    assert len(content["columns"]) == len(content["rows"][0]["kendall"]) == 9


def test_refuses_an_unknown_estimator_by_name(nb201_root):
    with pytest.raises(InputError, match="process on paths"):
        ranking.run(nb201_root, names=["process on path"])
