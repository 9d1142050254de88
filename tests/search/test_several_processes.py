"""Several processes search as one does, in both presets, also after a kill and when they are others."""

from pathlib import Path

import pytest
from tests.several import kill_when, srun, succeed

from wsrnas.files import read_json, read_lines

pytestmark = pytest.mark.slow
# Small noise: where a gradient is zero but for rounding its sign is chance, and moves the losses by what noise may.
SMALL = [
    "search", "--spectrum.strengths", "0.002,0.003,0.004,0.005,0.006,0.007",
    "--space.channels", 4, "--training.images", 48, "--training.batch_size", 24, "--training.steps", 1,
    "--training.learning_rate", 0.002, "--measure.images", 31, "--measure.batch_size", 31, "--budget.population", 1,
    "--budget.iterations", 2, "--finalists.attack_steps", 2, "--rivals.count", 1, "--rivals.epochs", 1,
    "--rivals.images", 20, "--rivals.attack_steps", 2, "--data.train_limit", 60, "--data.valid_limit", 40,
    "--noise_estimator.fidelity_every", 2, "--noise_estimator.fidelity_images", 31, "--runtime.device", "cpu",
]  # fmt: skip
PRESETS = {
    "ours": [*SMALL, "--recipe", "digits", "--finalists.count", 2, "--finalists.epochs", 1],
    "paper": [*SMALL, "--recipe", "digits-paper"],
    "trained": [
        *SMALL, "--recipe", "digits", "--evaluator", "trained", "--labels.epochs", 1, "--finalists.count", 1,
        "--rivals.count", 0,
    ],
    "naive gradient": [
        *SMALL, "--recipe", "digits", "--strategy", "naive-gradient", "--strategy.settings.steps_per_query", 2,
        "--rivals.count", 0, "--finalists.count", 1,
    ],
}  # fmt: skip


def close(one: Path, other: Path) -> None:
    """Compare two searches: the path, and what was measured on it, up to a tie that rounding decides."""
    lines = [read_lines(folder / "metrics.jsonl") for folder in (one, other)]
    assert len(lines[0]) == len(lines[1]) > 2
    assert (other / "report.html").is_file()
    for mine, theirs in zip(*lines):
        if theirs.get("architecture") != mine.get("architecture"):
            assert mine["iteration"] > 1, "the first architectures are drawn, not chosen"
            assert theirs["predicted"] == pytest.approx(mine["predicted"], rel=1e-5), "a fork needs a tie"
            return
        assert theirs["cost"] == mine["cost"]
        for name in ("losses", "train_loss", "target", "predicted"):
            if mine.get(name) is not None:
                assert theirs[name] == pytest.approx(mine[name], rel=0.02, abs=0.005), (name, mine["iteration"])
    assert (other / "genotype.json").read_bytes() == (one / "genotype.json").read_bytes()
    results = [read_json(folder / "result.json") for folder in (one, other)]
    assert results[1]["cost"] == results[0]["cost"]
    assert results[1]["winner"]["verified_losses"] == pytest.approx(results[0]["winner"]["verified_losses"], rel=0.02)
    if (one / "comparison.json").exists():
        assert read_json(other / "comparison.json") == read_json(one / "comparison.json"), "trained alone: the same"


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory):
    made: dict[str, Path] = {}

    def searched(name: str) -> Path:
        if name not in made:
            made[name] = tmp_path_factory.mktemp("search") / "one"
            succeed(1, *PRESETS[name], "--out", made[name])
        return made[name]

    return searched


@pytest.mark.parametrize("name", PRESETS)
def test_two_processes_search_as_one_does(alone, tmp_path: Path, name: str) -> None:
    said = succeed(2, *PRESETS[name], "--out", tmp_path / "run")
    close(alone(name), tmp_path / "run")
    assert said.count("report: ") == 1


@pytest.mark.parametrize(("name", "before", "after"), [("ours", 2, 2), ("paper", 2, 3), ("ours", 3, 1)])
def test_a_killed_search_goes_on_with_other_processes(
    alone, tmp_path: Path, name: str, before: int, after: int
) -> None:
    out = tmp_path / "run"
    kill_when((out / "checkpoints" / "previous.pt").is_file, before, *PRESETS[name], "--out", out)
    assert not (out / "result.json").exists()
    succeed(after, *PRESETS[name], "--out", out)
    close(alone(name), out)


def test_a_search_killed_among_its_finalists_goes_on(alone, tmp_path: Path) -> None:
    out = tmp_path / "run"
    kill_when((out / "finalists" / "2" / "config.yaml").is_file, 2, *PRESETS["ours"], "--out", out)
    succeed(3, *PRESETS["ours"], "--out", out)
    close(alone("ours"), out)


def test_more_processes_than_images_of_a_batch_are_refused_in_one_sentence(tmp_path: Path) -> None:
    found = srun(3, *PRESETS["ours"], "--training.batch_size", 2, "--out", tmp_path / "run")
    assert [one.returncode for one in found] == [2, 2, 2]
    assert [one.stderr for one in found] == [
        "error: training.batch_size: expected one or more for each of the 3 processes, got 2; use fewer processes\n",
        "", "",
    ]  # fmt: skip
    assert not (tmp_path / "run").exists()
