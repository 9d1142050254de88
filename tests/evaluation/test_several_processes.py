"""Several processes write the evaluation that one writes, byte for byte, also after a kill and when they are others."""

from pathlib import Path

import pytest
import torch
from tests.several import files, kill_when, run, srun, succeed
from torch import nn

from wsrnas.errors import InputError
from wsrnas.evaluation import evaluate

IMAGES = 27
COMMAND = [
    "evaluate", "--model", "resnet-18.trades-digits", "--strengths", "0,0.05,0.1,0.15", "--limit", IMAGES,
    "--batch_size", 4, "--protocol", "both", "--attacks", "pgd:steps=4,fmn:steps=6,apgd-ce:steps=4,square:queries=20",
]  # fmt: skip


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("evaluation") / "one"
    return folder, succeed(1, *COMMAND, "--out", folder)


@pytest.mark.slow
@pytest.mark.parametrize("count", [2, 3])
def test_several_processes_write_and_say_what_one_does(alone: tuple[Path, str], tmp_path: Path, count: int) -> None:
    one, said = alone
    found = succeed(count, *COMMAND, "--out", tmp_path / "run")
    assert files(tmp_path / "run") == files(one)
    assert found.replace(str(tmp_path / "run"), str(one)) == said


@pytest.mark.slow
def test_srun_alone_starts_them_too(alone: tuple[Path, str], tmp_path: Path) -> None:
    first, second = srun(2, *COMMAND, "--out", tmp_path / "run")
    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    assert files(tmp_path / "run") == files(alone[0])
    assert first.stdout.replace(str(tmp_path / "run"), str(alone[0])) == alone[1]
    assert second.stdout == "", "one process speaks"


@pytest.mark.slow
@pytest.mark.parametrize(("before", "after"), [(2, 3), (3, 1), (1, 2)])
def test_a_killed_evaluation_goes_on_with_other_processes(
    alone: tuple[Path, str], tmp_path: Path, before: int, after: int
) -> None:
    out = tmp_path / "run"

    def some_are_done() -> bool:
        return len(list(out.glob("eval/strict/*.json"))) > 2

    kill_when(some_are_done, before, *COMMAND, "--out", out)
    done = {name: content for name, content in files(out).items() if name.endswith(".json")}
    succeed(after, *COMMAND, "--out", out)
    assert files(out) == files(alone[0])
    assert all(content == files(out)[name] for name, content in done.items()), "what was done is not done again"


def test_more_processes_than_images_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wsrnas.runtime.processes.size", lambda: 3)
    monkeypatch.setattr("wsrnas.runtime.processes.together", lambda work: work())
    with pytest.raises(InputError, match="images: expected one or more for each of the 3 processes, got 2; use fewer"):
        evaluate(nn.Flatten(), torch.rand(2, 1, 2, 2), torch.tensor([0, 1]), [0.1])


@pytest.mark.slow
def test_a_folder_in_use_is_refused_by_all(tmp_path: Path) -> None:
    (tmp_path / "run" / "eval").mkdir(parents=True)
    (tmp_path / "run" / "eval" / ".lock").symlink_to(tmp_path / "elsewhere")
    found = srun(2, *COMMAND, "--out", tmp_path / "run")
    assert [one.returncode for one in found] == [2, 2]
    assert found[0].stderr.startswith("error: --out: expected")
    assert found[1].stderr == ""


@pytest.mark.slow
def test_commands_that_share_nothing_are_refused() -> None:
    found = run(2, "zoo", "list")
    assert found.returncode != 0
    assert (
        "error: command: expected search, train or evaluate in 2 processes, got zoo; start it without" in found.stderr
    )
    assert found.stderr.count("error: command") == 1
