"""A search says what it was: report, card and next commands, for every strategy and every override."""

from __future__ import annotations

import shlex
from itertools import pairwise

import pytest
from tests.search.made_run import make_run

from wsrnas.cli.settings import Parser, parse_config
from wsrnas.configure import configured
from wsrnas.errors import InputError
from wsrnas.files import read_lines
from wsrnas.runs import RunFolder
from wsrnas.search.config import SearchConfig
from wsrnas.search.next_steps import again_command, evaluate_command, train_command
from wsrnas.search.report.record import read_search_run
from wsrnas.search.run import run_search


def config(**settings):
    return configured(SearchConfig, "search", "digits", settings)


def option(command, name):
    return command[command.index(name) + 1] if name in command else None


def test_the_repeat_command_is_the_runs_own_settings_with_another_seed(tmp_path):
    one = config(seed=4, space={"channels": 5}, strategy={"name": "evolution", "settings": {"sample": 3}})
    command = again_command(one, tmp_path)
    assert command[:4] == ["wsrnas", "search", "--recipe", str(tmp_path / "config.yaml")]
    assert (option(command, "--seed"), option(command, "--out")) == ("5", f"{tmp_path}-seed5")


def test_the_commands_vouch_for_the_parts_that_a_run_names_by_their_path(tmp_path):
    sections = ["wsrnas.search.report.sections.front:Front", {"name": "mine.sections:Leaders", "settings": {}}]
    strategy = {"name": "wsrnas.search.strategies.evolution:RegularisedEvolution", "settings": {"sample": 3}}
    one = config(strategy=strategy, sections=sections)
    again = again_command(one, tmp_path)
    named = [after for word, after in pairwise(again) if word == "--import"]
    assert named == ["wsrnas.search.strategies.evolution", "wsrnas.search.report.sections.front", "mine.sections"]
    assert "--import" not in train_command(one, tmp_path, tmp_path / "out")
    assert "--import" not in again_command(config(), tmp_path)


def test_what_a_run_wrote_is_a_recipe_for_the_same_search(tmp_path):
    from dataclasses import asdict, replace

    import yaml

    one = config(seed=4, preset="paper", space={"channels": 5}, strategy={"settings": {"step_size": 0.3}})
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(asdict(one)))
    again, _ = parse_config(
        SearchConfig, "search", Parser(prog="t"), ["--recipe", str(path), "--seed", "5"], default="x"
    )
    assert again == replace(one, seed=5)


def test_the_train_command_has_the_users_data_size_and_strength(tmp_path):
    data = {"name": "folder", "root": str(tmp_path), "image_size": 16, "test_limit": 24}
    one = config(data=data, spectrum={"strengths": "2/255,4/255,8/255"}, training={"strength": "8/255"})
    command = train_command(one, tmp_path / "run", tmp_path / "out")
    assert option(command, "--arch") == str(tmp_path / "run")
    assert option(command, "--data.name") == "folder"
    assert option(command, "--data.root") == str(tmp_path)
    assert option(command, "--data.image_size") == "16"
    assert option(command, "--data.test_limit") == "24"
    assert option(command, "--loss.settings.eps") == "8/255"
    assert option(evaluate_command(one, tmp_path / "out"), "--strengths") == "0,2/255,4/255,8/255"


def test_nothing_is_passed_on_that_the_training_recipe_says_itself(tmp_path):
    command = train_command(config(), tmp_path / "run", tmp_path / "out")
    strengths = "0.05,0.075,0.1,0.125,0.15,0.175"
    assert command == ["wsrnas", "train", "--arch", str(tmp_path / "run"), "--recipe", "pgd-digits", "--strengths",
                       strengths, "--out", str(tmp_path / "out")]  # fmt: skip


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({}, "Wsr-NAS, preset ours"),
        ({"strategy": {"settings": {"exploration": 0.3}}}, "Wsr-NAS, preset ours (exploration 0.3)"),
        ({"preset": "paper"}, "Wsr-NAS, preset paper"),
        ({"strategy": "random"}, "strategy random"),
        ({"strategy": {"name": "evolution", "settings": {"sample": 3}}}, "strategy evolution (sample 3)"),
    ],
)
def test_the_record_names_the_method(settings, told, tmp_path):
    from dataclasses import asdict

    import yaml

    make_run(tmp_path / "run")
    (tmp_path / "run" / "config.yaml").write_text(yaml.safe_dump(asdict(config(**settings))))
    assert read_search_run(tmp_path / "run").method == told


def test_a_search_that_is_refused_leaves_no_folder(tmp_path):
    out = tmp_path / "runs" / "deep" / "one"
    one = config(noise_estimator={"settings": {"no_such": 1}})
    with pytest.raises(InputError, match="no_such"):
        run_search(one, out)
    assert list(tmp_path.iterdir()) == []


def test_a_refused_search_never_removes_what_was_there(tmp_path):
    kept = tmp_path / "here"
    kept.mkdir()
    with pytest.raises(InputError, match="refused"), RunFolder.open(kept, kind="search", config={"a": 1}):
        raise InputError("refused")
    assert kept.is_dir()
    fresh = tmp_path / "fresh"
    used = RunFolder.open(fresh, kind="search", config={"a": 1})
    used.log(iteration=0)
    with pytest.raises(InputError, match="later"), used:
        raise InputError("later")
    assert read_lines(fresh / "metrics.jsonl") == [{"iteration": 0}]


def test_time_inside_a_phase_is_counted_once(tmp_path, monkeypatch):
    clock = iter([0.0, 1.0, 4.0, 10.0])
    with RunFolder.open(tmp_path / "run", kind="search", config={}) as run, monkeypatch.context() as patched:
        patched.setattr("wsrnas.runs.folder.time.perf_counter", lambda: next(clock))
        with run.timed("outer"), run.timed("inner"):
            pass
    seconds = {line["phase"]: line["seconds"] for line in run.lines("timings.jsonl")}
    assert seconds == {"inner": 3.0, "outer": 7.0}


def test_commands_can_be_given_to_a_shell(tmp_path):
    place = tmp_path / "with space"
    assert shlex.split(shlex.join(train_command(config(), place, place))) == train_command(config(), place, place)
