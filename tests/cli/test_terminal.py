"""Terminals of few characters, outputs that cannot be written."""

import os
import subprocess
import sys

import pytest
import torch

from wsrnas.cli import main, terminal
from wsrnas.errors import InputError


def test_what_a_terminal_has_no_character_for_is_written_plainly():
    terminal.make_safe()
    text = "5 ± 1 – τ of ψ ≤ 8/255 … é ² \udcff 漢"
    assert text.encode("ascii", terminal.HANDLER) == b"5 +- 1 - tau of psi <= 8/255 ... e 2 ? ?"
    assert "≤ 漢".encode("latin-1", terminal.HANDLER) == b"<= ?"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no /dev/full")
def test_an_output_that_is_full_is_one_sentence():
    code = "import sys; from wsrnas.cli import main; sys.exit(main(['--version']))"
    with open("/dev/full", "w") as full:
        done = subprocess.run([sys.executable, "-c", code], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == "error: the output: cannot be read or written (No space left on device)\n"


def test_a_folder_name_that_is_too_long_is_one_sentence(capsys):
    assert main(["report", "x" * 400]) == 2
    shown = capsys.readouterr().err
    assert shown.startswith("error: ")
    assert shown.count("\n") == 1


def test_a_bad_input_stays_one(monkeypatch, capsys):
    def refused(arguments):
        raise InputError("name: expected …")

    monkeypatch.setattr("wsrnas.cli._dispatch", refused)
    assert main(["zoo"]) == 2
    assert capsys.readouterr().err == "error: name: expected …\n"


@pytest.mark.parametrize("ask", [lambda: bytearray(2**62), lambda: torch.empty(2**60, dtype=torch.uint8)])
def test_more_memory_than_there_is_is_one_sentence(ask, monkeypatch, capsys):
    monkeypatch.setattr("wsrnas.cli._dispatch", lambda arguments: ask())
    assert main(["doctor"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: memory: expected enough for this command, got less; take a smaller batch size")


def test_an_error_of_the_program_stays_one(monkeypatch):
    def wrong(arguments):
        raise RuntimeError("a mistake")

    monkeypatch.setattr("wsrnas.cli._dispatch", wrong)
    with pytest.raises(RuntimeError, match="a mistake"):
        main(["doctor"])
