"""`--help` shows the options people use first, `--help-all` every one."""

from __future__ import annotations

import re

import pytest

from wsrnas.cli import main
from wsrnas.cli.help import FIRST


def helped(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as done:
        main([*arguments])
    assert done.value.code == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("command", sorted(FIRST))
def test_the_first_options_are_real_and_explained(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    shown = helped(capsys, command, "--help")
    whole = helped(capsys, command, "--help-all")
    assert all(len(line) <= 80 for line in shown.splitlines())
    assert len(shown.splitlines()) < 60 < len(whole.splitlines())
    for name in FIRST[command]:
        (about,) = re.findall(rf"^  {name} +(\S.*)$", shown, re.MULTILINE)
        assert about[0] != "(", f"{name} has no words of its own"
        assert name in whole
    (count,) = re.findall(r"All (\d+) options", shown)
    assert int(count) == len(set(re.findall(r"^  (?:-h, )?(--[\w.-]+)", whole, re.MULTILINE)))


def test_help_shows_the_values_of_the_recipe(capsys: pytest.CaptureFixture[str]) -> None:
    digits = helped(capsys, "search", "--help")
    photos = helped(capsys, "search", "--recipe", "photos", "--help")
    assert "(default: digits)" in digits
    assert digits != photos


def test_parts_are_listed_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    shown = " ".join(helped(capsys, "search", "--help").split())
    assert "--strategy.name" in shown
    assert "evolution" in shown
    assert "package.module:Class" in shown
