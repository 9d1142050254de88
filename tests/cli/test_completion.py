"""`wsrnas completion`: the scripts, asked by the shells themselves where they are installed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from wsrnas import recipes, zoo
from wsrnas.cli import COMMANDS, main
from wsrnas.cli.commands.completion import completed, values_of, words_of
from wsrnas.cli.commands.completion_scripts import SCRIPTS

DIGITS = [name for name in recipes.names("search") if name.startswith("digits")]
ZSH = """
compdef() { :; }
compadd() { shift; print -rl -- "$@" }
_describe() { print -rl -- ${(P)2%%:*} }
_files() { print -r -- a-file }
compset() { :; }
words=(WORDS); CURRENT=${#words}
_wsrnas
"""


@pytest.fixture(scope="module")
def scripts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A file a shell, all made from one look at the commands."""
    folder, commands = tmp_path_factory.mktemp("completion"), completed()
    for shell, write in SCRIPTS.items():
        (folder / shell).write_text(write(commands))
    return {shell: folder / shell for shell in SCRIPTS}


def ran(shell: str, *arguments: str) -> list[str]:
    found = shutil.which(shell)
    if found is None:
        pytest.skip(f"{shell} is not installed")
    done = subprocess.run([found, *arguments], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    return done.stdout.split("\n")[:-1]


def offered(shell: str, script: Path, words: list[str]) -> set[str]:
    """Return what a shell offers for the last of the words."""
    if shell == "bash":
        asked = f"COMP_WORDS=({' '.join(map(repr, words))}); COMP_CWORD={len(words) - 1}; _wsrnas"
        shown = 'printf "%s\\n" "${COMPREPLY[@]}"'
        found = ran("bash", "--norc", "-c", f"source {script}; {asked}; {shown}")
    elif shell == "zsh":
        quoted = " ".join(map(repr, words))
        stubs, call = ZSH.replace("WORDS", quoted).rsplit("words=", 1)
        found = ran("zsh", "-f", "-c", f"{stubs}\nsource {script}\nwords={call}")
    else:
        asked = " ".join(words)
        found = [
            line.split("\t")[0] for line in ran("fish", "--no-config", "-c", f"source {script}; complete -C '{asked}'")
        ]
    return {word for word in found if word.startswith(words[-1])}


@pytest.mark.parametrize("shell", SCRIPTS)
def test_a_shell_completes(shell: str, scripts: dict[str, Path]) -> None:
    script = scripts[shell]
    assert offered(shell, script, ["wsrnas", "re"]) == {"report", "reproduce", "recipes"}
    assert offered(shell, script, ["wsrnas", "search", "--data.ro"]) == {"--data.root"}
    assert offered(shell, script, ["wsrnas", "search", "--recipe", "digits"]) == set(DIGITS)
    assert set(recipes.names("train")) <= offered(shell, script, ["wsrnas", "train", "--recipe", ""])
    assert offered(shell, script, ["wsrnas", "train", "--arch", "wsrnet-p"]) == {"wsrnet-plus"}
    assert offered(shell, script, ["wsrnas", "reproduce", "table"]) == {f"table{number}" for number in range(1, 7)}
    assert offered(shell, script, ["wsrnas", "export", "x", "--format", "on"]) == {"onnx"}
    assert offered(shell, script, ["wsrnas", "predict", "resnet-18."]) == {"resnet-18.trades-digits"}
    assert offered(shell, script, ["wsrnas", "compare", "--rec"]) == set(), "an option of another command"


def test_bash_completes_what_is_joined_by_an_equals_sign(scripts: dict[str, Path]) -> None:
    """Bash takes `--recipe=dig` for three words."""
    for words in (["--recipe", "=", "digits-"], ["--data.root=x", "--recipe", "=", "digits-"]):
        assert offered("bash", scripts["bash"], ["wsrnas", "search", *words]) == set(DIGITS) - {"digits"}


def test_every_command_has_its_options_and_no_table_has_an_option_that_is_none() -> None:
    commands = completed()
    assert list(commands) == list(COMMANDS)
    assert commands["search"].options[0] == "--recipe", "those used first come first"
    assert "--phases" in commands["bench"].options, "those of bench speed too"
    for name, one in commands.items():
        assert "--help" in one.options
        assert set(one.values) <= set(one.options), name
    for name, values in values_of().items():
        known = (
            {option for one in commands.values() for option in one.options} if name == "*" else commands[name].options
        )
        assert set(values) <= set(known), name
    assert set(words_of()) <= set(COMMANDS)
    assert set(words_of()["zoo"]) >= set(zoo.list_models())


def test_the_command_prints_the_script(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", "bash"]) == 0
    assert capsys.readouterr().out.startswith("# wsrnas completion bash\n")
    assert main(["completion", "bsh"]) == 2
    assert "did you mean 'bash'?" in capsys.readouterr().err
