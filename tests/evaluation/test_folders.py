"""One folder: more strengths extend its curve, other settings get their own place, two processes do not meet."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
import threading
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from wsrnas.attacks import FGSM, PGD, Square
from wsrnas.errors import InputError
from wsrnas.evaluation import Evaluation, evaluate, read_evaluations
from wsrnas.evaluation.folder.report import write_report
from wsrnas.runs.lock import held

ATTACKS = {"pgd": PGD(eps=0.1, steps=3, keep="best"), "square": Square(eps=0.1, queries=25), "fgsm": FGSM(eps=0.1)}


@pytest.fixture
def run(undefended: nn.Module, digits: Any, tmp_path: Path) -> Any:
    """Evaluate the first `count` digits in one folder."""

    def again(strengths: Any, *, count: int = 40, out: str = "one", **settings: Any) -> Evaluation:
        given = {"attacks": ATTACKS, "out": tmp_path / out, **settings}
        return evaluate(undefended, digits.images[:count], digits.labels[:count], strengths, **given)

    return again


def on_disk(folder: Path) -> Evaluation:
    return read_evaluations(folder)["strict"]


def test_more_strengths_join_the_curve_and_it_is_that_of_a_fresh_folder(run: Any, tmp_path: Path) -> None:
    run("0,8/255,0.15")
    extended = run("0.05,0.25")
    whole = run("0,8/255,0.05,0.15,0.25", out="fresh")
    assert extended.to_dict() == whole.to_dict()
    assert extended.strengths_text == ["0", "8/255", "0.05", "0.15", "0.25"]
    assert on_disk(tmp_path / "one").to_dict() == whole.to_dict()
    fewer = run("0.15")
    assert fewer.to_dict() == whole.to_dict()


def test_what_the_first_attack_found_is_not_computed_again(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    run([0.1, 0.2])
    attacked: list[float] = []
    original = PGD._craft

    def counting(self: PGD, *arguments: Any) -> Any:
        attacked.append(self.eps)
        return original(self, *arguments)

    monkeypatch.setattr(PGD, "_craft", counting)
    run([0.1, 0.15, 0.2])
    assert attacked == [0.15]


def test_an_extension_that_was_killed_leaves_the_curve_and_goes_on(
    run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = run([0.1, 0.2])
    original = Square._craft

    def dies(self: Square, *arguments: Any) -> Any:
        if self.eps == 0.15:
            raise KeyboardInterrupt
        return original(self, *arguments)

    monkeypatch.setattr(Square, "_craft", dies)
    with pytest.raises(KeyboardInterrupt):
        run([0.1, 0.15, 0.2])
    assert on_disk(tmp_path / "one").to_dict() == first.to_dict()
    monkeypatch.setattr(Square, "_craft", original)
    assert run([0.2]).to_dict() == first.to_dict(), "what was never finished is not part of the curve"
    assert run([0.15]).to_dict() == run([0.1, 0.15, 0.2], out="fresh").to_dict()


@pytest.mark.parametrize(
    "other",
    [{"count": 20}, {"seed": 1}, {"attacks": {"fgsm": FGSM(eps=0.1)}}, {"batch_size": 16}, {"every_image": True}],
)
def test_other_settings_get_a_place_of_their_own(other: dict[str, Any], run: Any, tmp_path: Path) -> None:
    first = run([0.1, 0.2])
    beside = run([0.1], **other)
    assert beside.strengths == [0.1]
    fresh = run([0.1], **{**other, "out": "fresh"})
    for name in ("accuracy", "per_attack", "raw_accuracy", "attacks"):
        assert getattr(beside, name) == getattr(fresh, name)
    assert on_disk(tmp_path / "one").to_dict() == beside.to_dict()
    again = run([0.2])
    assert again.to_dict() == first.to_dict()
    places = {json.loads(path.read_text())["settings"]["place"] for path in tmp_path.glob("one/eval/**/result.json")}
    assert len(places) == 2
    assert "strict" in places


def test_results_of_other_images_are_not_shown_together(run: Any, tmp_path: Path) -> None:
    run([0, 0.1])
    run([0, 0.1], protocol="released", attacks=None)
    assert set(read_evaluations(tmp_path / "one")) == {"strict", "released"}
    run([0, 0.1], count=20)
    assert set(read_evaluations(tmp_path / "one")) == {"strict"}
    summary = json.loads((tmp_path / "one/eval/summary.json").read_text())
    assert summary["images"] == 20
    assert set(summary["protocols"]) == {"strict"}
    write_report(tmp_path / "one")
    assert "Released minus strict" not in (tmp_path / "one/eval/report.html").read_text()
    run([0, 0.1], protocol="released", attacks=None)
    assert set(read_evaluations(tmp_path / "one")) == {"released"}
    run([0, 0.1])
    run([0, 0.1], protocol="released", attacks=None)
    assert set(read_evaluations(tmp_path / "one")) == {"strict", "released"}


def test_damaged_settings_and_results_are_refused_by_name(run: Any, tmp_path: Path) -> None:
    run([0.1])
    for name, content in (
        ("strict/settings.json", "{"),
        ("strict/settings.json", "[1]"),
        ("strict/result.json", "{"),
        ("strict/result.json", "[]"),
        ("strict/result.json", '{"schema": 1}'),
    ):
        path = tmp_path / "one" / "eval" / name
        kept = path.read_text()
        path.write_text(content)
        with pytest.raises(InputError, match=r"strict"):
            run([0.1])
        path.write_text(kept)
    path = tmp_path / "one/eval/strict/pgd@0.1.json"
    record = json.loads(path.read_text())
    path.write_text(json.dumps({**record, "broken": record["broken"][:-1]}))
    with pytest.raises(InputError, match="the record is damaged"):
        run([0.1])


def test_a_second_evaluation_in_the_folder_is_refused_while_one_runs(run: Any, tmp_path: Path) -> None:
    code = textwrap.dedent(
        f"""
        import sys
        from pathlib import Path
        from wsrnas.runs.lock import held
        with held(Path({str(tmp_path / "one" / "eval")!r})):
            print("held", flush=True)
            sys.stdin.readline()
        """
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdin is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(InputError, match="is in use by another wsrnas process; wait for it or choose another"):
            run([0.1])
        assert not (tmp_path / "one/eval/strict").exists()
        holder.kill()
        holder.wait()
    assert run([0.1]).strengths == [0.1], "the lock dies with its process"


def test_blocks_of_one_thread_lie_inside_each_other_and_other_threads_wait_outside(tmp_path: Path) -> None:
    met: list[str] = []

    def other() -> None:
        try:
            with held(tmp_path / "a"):
                met.append("in")
        except InputError as error:
            met.append(str(error))

    with held(tmp_path / "a"), held(tmp_path / "a"), held(None):
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert "is in use" in met[0]
    other()
    assert met[1] == "in"


def test_a_folder_that_cannot_be_made_is_refused_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"), held(tmp_path / "file" / "eval"):
        pass


def test_the_examples_are_those_of_the_curve_that_is_shown(run: Any, tmp_path: Path, undefended: nn.Module) -> None:
    run([0.2])
    run([0.2], seed=3)
    from wsrnas.evaluation.folder.store import read_examples

    found = read_evaluations(tmp_path / "one")["strict"]
    kept = read_examples(tmp_path / "one" / "eval" / found.settings["place"])
    with torch.no_grad():
        answers = undefended(kept[0.2]["adversarial"]).argmax(1)
        clean = undefended(kept[0.2]["clean"]).argmax(1)
    assert bool((answers != clean).all())
