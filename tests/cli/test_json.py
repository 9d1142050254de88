"""`--json`: every command that shows a table gives the same as JSON, alone on the standard output."""

from __future__ import annotations

import json
import re
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from tests.traces import ROOT

from wsrnas.cli import COMMANDS, main
from wsrnas.cli.commands.doctor import EXTRAS, extras
from wsrnas.cli.commands.search import show
from wsrnas.evaluation.checks.verdict import Verdict, found
from wsrnas.rng import stream
from wsrnas.search.result import Finalist, SearchResult
from wsrnas.spaces import get_space
from wsrnas.training.throughput import Throughput

NO_TABLE = ("push", "report", "completion")
"""Commands that print a path or a script."""
SHIPPED = "resnet-18.trades-digits"


def told(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> Any:
    assert main([*arguments, "--json"]) == code, capsys.readouterr().err
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("command", [name for name in COMMANDS if name not in NO_TABLE])
def test_every_command_with_a_table_has_it(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([command, "--help"])
    short = capsys.readouterr().out
    if "--json" not in short:
        with pytest.raises(SystemExit):
            main([command, "--help-all"])
        assert "--json" in capsys.readouterr().out


def test_recipes(capsys: pytest.CaptureFixture[str]) -> None:
    found = told(capsys, "recipes")
    assert [one["command"] for one in found if one["recipe"] == "pgd-digits"] == ["train"]
    assert main(["recipes"]) == 0
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= 80
    assert all(f"  {one['recipe']}  " in shown for one in found)


def test_a_network_is_evaluated_compared_and_exported(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    digits = ("--data.name=digits", "--limit=20")
    curves = told(capsys, "evaluate", SHIPPED, *digits, "--strengths=0,0.1", "--suite=fast", "--out=a")
    strict = curves["protocols"]["strict"]
    assert strict["strengths_text"] == ["0", "0.1"]
    assert strict["accuracy"] == json.loads(Path(curves["folder"], "strict.json").read_text())["accuracy"]
    assert "survives" not in strict
    (row,) = told(capsys, "compare", "a")["rows"]
    assert row["strengths"]["0.1"]["accuracy"] == strict["accuracy"][1]
    written = told(capsys, "export", SHIPPED, "--out=net.safetensors", "--limit=4")
    assert written["path"] == "net.safetensors"
    assert written["parity"]["clean"]["images"] == 4


def test_a_verdict_keeps_its_exit_code(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    verdict = Verdict(findings=(found("zero-gradient", True, "all of them"),), images=10, norm="Linf")

    def checked(*_: object, **__: object) -> Verdict:
        print("said on the way")
        return verdict

    monkeypatch.setattr("wsrnas.cli.commands.check.run_check", checked)
    assert told(capsys, "check", SHIPPED, code=1)["flags"] == ["zero-gradient"]


def test_what_is_planned(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = tmp_path / "plan.yaml"
    plan.write_text("{command: train, architectures: [racl, advrush], seeds: [0, 1]}")
    runs = told(capsys, "sweep", str(plan), "--dry-run")
    assert [(one["architecture"], one["seed"], one["state"]) for one in runs] == [
        (name, seed, "waiting") for name in ("racl", "advrush") for seed in (0, 1)
    ]
    tiny = ("--space.channels=2", "--budget.population=1", "--budget.iterations=1", "--rivals.count=0")
    speed = Throughput(forward=50.0, forward_backward=20.0, batch_size=32)
    monkeypatch.setattr("wsrnas.search.plan.measure_throughput", lambda *_, **__: speed)
    planned = told(capsys, "search", "--dry-run", *tiny)
    assert planned["seconds"] == pytest.approx(planned["passes"] / 40)
    assert planned["passes"] == sum(phase["passes"] for phase in planned["phases"].values()) > 0


def test_the_result_of_a_training_stands_alone(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    sizes = ("--network.channels=2", "--network.layers=3", "--epochs=1", "--selection.steps=1", "--batch_size=20")
    limits = ("--data.train_limit=40", "--data.valid_limit=20")
    found = told(capsys, "train", "--arch=racl", *sizes, *limits, f"--out={tmp_path / 'run'}")
    assert found["path"] == str(tmp_path / "run")
    assert found["epoch"] == 1


def test_a_search_over_many_strengths_fits_80_columns(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    strengths = tuple(k / 255 for k in range(1, 12))
    losses = tuple(0.1 * k for k in range(12))
    winner = Finalist(id="darts-1", parameters=1234, verified_losses=losses, verified_objective=1.0, losses=losses)
    nothing: dict[str, Any] = {"kendall": None, "fidelity": {}, "warnings": (), "spent": {}, "objective": {}}
    numbers: dict[str, Any] = {"cost": 1.0, "verification_cost": 1.0, "seconds": 1.0, "seed": 0}
    names = {
        "strategy": "wsr-nas",
        "recipe": "wide",
        "preset": "ours",
        "space": "nb201",
        "verified_by": "alone",
    }
    show(
        SearchResult(
            path=tmp_path,
            genotype=get_space("nb201").sample(stream(0, "shown")),
            data={"name": "digits", "classes": 10},
            strengths=strengths,
            known=strengths,
            estimated=(),
            fallen_back=(),
            winner=winner,
            finalists=(winner,),
            **nothing,
            **numbers,
            **names,
        )
    )
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    assert "11/255" in "".join(lines)


def test_the_doctor_knows_every_extra_and_what_it_lacks(capsys: pytest.CaptureFixture[str]) -> None:
    text = (ROOT / "pyproject.toml").read_text().split("[project.optional-dependencies]\n")[1].split("\n[")[0]
    first = dict(re.findall(r'^(\w+) = \[\s*"([\w-]+)', text, re.MULTILINE))
    assert set(EXTRAS) == set(first)
    found = told(capsys, "doctor")["extras"]
    installed = {name.lower().replace("_", "-") for one in metadata.distributions() if (name := one.metadata["Name"])}
    for name in ("ray", "slurm", "tensorboard", "wandb", "mlflow", "onnx"):
        assert bool(found[name]["missing"]) == (first[name] not in installed), name


def test_the_doctor_says_what_is_too_old_or_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    class Declared:
        @staticmethod
        def get_all(name: str) -> list[str]:
            if name == "Provides-Extra":
                return ["onnx", "dev", "old"]
            return [
                "numpy>=1",
                "onnx>=1.16; extra == 'onnx'",
                "gone>=2; extra == 'onnx'",
                "never>=2; python_version < '3' and extra == 'onnx'",
                "wsrnas[onnx,old]; extra == 'dev'",
            ]

    monkeypatch.setattr(metadata, "metadata", lambda name: Declared)
    versions = {"onnx": "1.2", "numpy": "2"}

    def version(name: str) -> str:
        if name not in versions:
            raise metadata.PackageNotFoundError(name)
        return versions[name]

    monkeypatch.setattr(metadata, "version", version)
    onnx, dev, old = extras()
    assert onnx.missing == dev.missing == ("onnx>=1.16 (there is 1.2)", "gone>=2")
    assert old.missing == ()
