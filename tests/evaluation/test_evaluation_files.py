"""Commands, reports and comparisons: files that can be read, numbers that agree."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import save_file
from torch import nn

from wsrnas import zoo
from wsrnas.attacks import PGD
from wsrnas.errors import InputError
from wsrnas.evaluation import evaluate
from wsrnas.evaluation.command import output_folder, run_check, run_compare, run_evaluate
from wsrnas.evaluation.comparison.compare import compare, paper_rows
from wsrnas.evaluation.folder.report import write_report
from wsrnas.evaluation.statistics import paired_difference

ATTACKS = [PGD(eps=0.1, steps=3, keep="best")]


@pytest.fixture(scope="module")
def folders(
    tmp_path_factory: pytest.TempPathFactory, undefended: nn.Module, pgd_trained: nn.Module, digits: Any
) -> list[Path]:
    root = tmp_path_factory.mktemp("runs")
    for name, model in (("plain", undefended), ("robust", pgd_trained)):
        images, labels = digits.images[:80], digits.labels[:80]
        evaluate(model, images, labels, [0, 0.03, 0.1, 0.15], attacks=ATTACKS, out=root / name)
    evaluate(undefended, images, labels, [0, 0.03, 0.1, 0.15], protocol="released", out=root / "plain")
    return [root / "plain", root / "robust"]


def test_the_report_has_all_its_files_and_they_agree(folders: list[Path]) -> None:
    page = write_report(folders[0], name="plain digits", data={"name": "digits"})
    place = folders[0] / "eval"
    summary = json.loads((place / "summary.json").read_text())
    rows = list(csv.DictReader((place / "table.csv").read_text().splitlines()))
    assert [float(row["radius"]) for row in rows] == summary["strengths"]
    assert [row["strict %"] for row in rows] == [f"{100 * a:.1f}" for a in summary["accuracy"]]
    assert (place / "table.md").read_text().startswith("| strength | radius | strict % | strict 95 % interval |")
    assert "<svg" in (place / "curve.svg").read_text()
    assert (place / "examples.png").read_bytes().startswith(b"\x89PNG")
    card = json.loads((place / "card.json").read_text())
    assert card["eps"] == "0.03"
    assert card["clean_acc"] == f"{100 * summary['clean_accuracy']:.1f}"
    assert card["autoattack_acc"] is None
    html = page.read_text()
    assert "Robustness of plain digits" in html
    assert "Released minus strict: from" in html
    assert "http://" not in html.replace("http://www.w3.org", "")
    assert write_report(folders[0]).read_text() == html


def test_compare_puts_runs_in_one_table(folders: list[Path], tmp_path: Path) -> None:
    comparison = run_compare([str(folder) for folder in folders], out=str(tmp_path))
    headers, rows = comparison.table()
    assert headers[:3] == ["model", "protocol", "clean"]
    assert [row[:2] for row in rows] == [["plain", "strict"], ["plain", "released"], ["robust", "strict"]]
    with pytest.raises(InputError, match=r"runs on CIFAR-10 in Linf, as the paper's rows are, got plain on digits"):
        compare(folders, paper=True)
    assert {path.name for path in tmp_path.iterdir()} == {
        "compare.md", "compare.csv", "compare.svg", "compare.html",
    }  # fmt: skip
    assert "Mean ± sd" not in str(comparison)
    for seed, folder in enumerate(folders):
        (folder / "network.json").write_text("{}")
        (folder / "config.yaml").write_text(f"seed: {seed}\nepochs: 3\n")
    assert "Mean ± sd over the seeds plain, robust (strict): 0: " in str(compare(folders, paper=False))


def test_compare_tests_pairs_on_the_same_images(folders: list[Path]) -> None:
    comparison = compare(folders, paper=False, reference="robust")
    first, second = (json.loads((folder / "eval/summary.json").read_text())["survives"] for folder in folders)
    expected = paired_difference([bool(row[2]) for row in first], [bool(row[2]) for row in second])
    assert comparison.differences["plain"][0.1] == expected
    assert expected.value < 0
    assert len(comparison.rows) == 3
    with pytest.raises(InputError, match="did you mean 'robust'"):
        compare(folders, reference="robst")
    with pytest.raises(InputError, match="at least one evaluated folder"):
        compare([])
    with pytest.raises(InputError, match="run `wsrnas evaluate` on it first"):
        compare([folders[0].parent])


def test_the_papers_rows_are_all_there() -> None:
    rows = paper_rows()
    assert len(rows) == 27
    assert {row.protocol for row in rows} == {"paper, released protocol", "copied by the paper from another"}
    assert not any(row.interval for row in rows)
    robust = next(row for row in rows if row.name == "WsrNet-Robust PGD-7")
    assert robust.accuracy == {0.03: 0.484, 0.1: 0.272, 0.17: 0.203, 0.25: 0.155}
    assert robust.clean == pytest.approx(0.783)


@pytest.mark.slow
def test_a_run_folder_end_to_end(
    undefended: nn.Module, digit_network: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zoo, "create", lambda name, **config: digit_network())
    save_file(undefended.state_dict(), tmp_path / "model.safetensors")
    (tmp_path / "network.json").write_text(
        '{"kind": "zoo", "name": "racl", "config": {"num_classes": 10, "image_shape": [1, 8, 8]}}'
    )
    (tmp_path / "config.yaml").write_text("data:\n  name: digits\n")
    settings: dict[str, Any] = {"progress": False, "device": "cpu", "limit": 24}
    found = run_evaluate(str(tmp_path), strengths="0,0.1", protocol="both", suite="fast", **settings)
    assert list(found) == ["strict", "released"]
    assert found["strict"].images == 24
    assert found["strict"].accuracy[0] > 0.8
    assert (tmp_path / "eval/report.html").is_file()
    verdict = run_check(str(tmp_path), **settings)
    assert json.loads((tmp_path / "eval/checks.json").read_text())["flags"] == verdict.flags
    assert "None of" in write_report(tmp_path).read_text() or "Flagged" in write_report(tmp_path).read_text()


def test_results_go_where_the_user_expects_them(tmp_path: Path) -> None:
    assert output_folder(str(tmp_path), None, None) == tmp_path
    assert output_folder("ada/digits", None, None) == Path("runs/evaluate-digits")
    assert output_folder("runs/a", None, "elsewhere") == Path("elsewhere")
    assert output_folder(None, "pkg.mod:build", None) == Path("runs/evaluate-build")
    assert output_folder(None, "files/net.onnx", None) == Path("runs/evaluate-net")


def test_commands_refuse_what_makes_no_sense(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="RUN or --model: expected exactly one, got neither"):
        run_evaluate()
    with pytest.raises(InputError, match="did you mean 'both'"):
        run_evaluate(model="x:y", protocol="booth")
    (tmp_path / "config.yaml").write_text("seed: 3\n")
    from wsrnas.evaluation.command import evaluation_images

    with pytest.raises(InputError, match=r"pass --data\.name"):
        evaluation_images(str(tmp_path), None, None)
    (tmp_path / "config.yaml").write_text("data: {name: digits, image_size: 12, test_limit: 50}\n")
    images, _, _ = evaluation_images(str(tmp_path), {"test_limit": 20}, None)
    assert images.shape == (20, 1, 12, 12), "what is not given stays as the run had it"
    images, _, _ = evaluation_images(str(tmp_path), {"image_size": None}, 20)
    assert images.shape == (20, 1, 8, 8), "a setting given at its default counts too"
    (tmp_path / "config.yaml").write_text("data: {name: cifar10, root: /no/where, test_limit: 50}\n")
    images, _, described = evaluation_images(str(tmp_path), {"name": "digits"}, 60)
    assert (len(images), described["name"]) == (60, "digits"), "another data set drops the run's settings"
    images, _, described = evaluation_images(None, {"name": "digits"}, 30)
    assert len(images) == 30
    assert described["name"] == "digits"


@pytest.mark.slow
def test_a_check_takes_other_models_from_files(
    undefended: nn.Module, pgd_trained: nn.Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = {"racl": undefended, "advrush": pgd_trained}
    monkeypatch.setattr(zoo, "create", known.__getitem__)
    verdict = run_check(model="racl", others=["advrush"], limit=24, progress=False)
    blind = next(one for one in verdict.findings if one.name == "black-box-beats-white-box")
    assert "noise from 1 other models" in blind.evidence
