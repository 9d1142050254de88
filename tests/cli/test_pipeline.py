"""search → train → evaluate → check → compare, small, through the command line."""

import pytest

from wsrnas.cli import main
from wsrnas.files import read_json

SMALL = ["--data.train_limit=60", "--data.test_limit=30", "--data.valid_limit=20", "--batch_size=20", "--epochs=1"]
SEARCH = [
    "--data.train_limit=64",
    "--data.valid_limit=32",
    "--space.name=nb201",
    "--space.channels=2",
    "--space.layers=3",
    "--training.images=32",
    "--training.batch_size=32",
    "--training.steps=1",
    "--measure.images=32",
    "--measure.batch_size=32",
    "--noise_estimator.fidelity_images=32",
    "--budget.population=1",
    "--budget.iterations=1",
    "--finalists.count=1",
    "--finalists.attack_steps=1",
    "--rivals.count=1",
    "--rivals.epochs=1",
    "--rivals.images=20",
    "--rivals.attack_steps=2",
]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    out = tmp_path_factory.mktemp("pipeline") / "trained"
    sizes = ["--network.channels=2", "--network.layers=3"]
    assert main(["train", "--arch=wsrnet-basic", "--recipe=pgd-digits", f"--out={out}", *SMALL, *sizes]) == 0
    return out


def test_train_by_zoo_name_then_evaluate_both_protocols(trained, capsys):
    code = main(["evaluate", str(trained), "--strengths=0,0.1", "--suite=fast", "--protocol=both", "--limit=20"])
    assert code == 0
    shown = capsys.readouterr().out
    assert "strict protocol" in shown
    assert "released protocol" in shown
    summary = read_json(trained / "eval" / "summary.json")
    assert summary["strengths"] == [0.0, 0.1]
    assert len(summary["accuracy"]) == len(summary["ci_low"]) == 2
    assert (trained / "eval" / "report.html").is_file()


def test_trades_trains_published_text(tmp_path):
    text = "|nor_conv_3x3~0|+|nor_conv_3x3~0|avg_pool_3x3~1|+|skip_connect~0|nor_conv_3x3~1|skip_connect~2|"
    sizes = ["--network.channels=2", "--network.layers=3"]
    assert main(["train", f"--arch={text}", "--recipe=trades-digits", f"--out={tmp_path / 't'}", *SMALL, *sizes]) == 0
    assert (tmp_path / "t" / "model.safetensors").is_file()


@pytest.mark.slow
def test_check_and_compare(trained, tmp_path, capsys):
    assert main(["check", str(trained), "--limit=16"]) in (0, 1)
    assert "softmax" in capsys.readouterr().out.lower()
    assert main(["evaluate", str(trained), "--suite=fast", "--limit=16", "--strengths=0,0.1"]) == 0
    assert main(["compare", str(trained), f"--out={tmp_path}"]) == 0
    assert (tmp_path / "compare.md").is_file()


@pytest.mark.slow
def test_then_train_does_all_three(tmp_path, capsys, monkeypatch):
    recipe = tmp_path / "tiny.yaml"
    recipe.write_text(
        "data: {name: digits, train_limit: 40, valid_limit: 20, test_limit: 20}\n"
        "network: {channels: 2, layers: 3}\nloss: {name: pgd, settings: {eps: 0.1, steps: 1}}\n"
        "epochs: 1\nbatch_size: 20\n"
    )
    out = tmp_path / "run"
    code = main(["search", f"--out={out}", f"--train_recipe={recipe}", "--then-train", *SEARCH])
    shown = capsys.readouterr().out
    assert code == 0
    assert "mean of 1 random" in shown
    assert shown.strip().endswith(f"report: {out}/report.html")
    assert (out / "trained" / "eval" / "summary.json").is_file()
    comparison = read_json(out / "comparison.json")
    assert len(comparison["random"]) == 1
    wide = [sum(one["accuracy"][1:]) / 6 for one in (comparison["winner"], *comparison["random"])]
    gain = comparison["gain"]
    assert gain["mean"] == pytest.approx(wide[0] - wide[1])
    assert gain["low"] <= gain["mean"] <= gain["high"]
    assert len(comparison["winner"]["accuracy"]) == 7
