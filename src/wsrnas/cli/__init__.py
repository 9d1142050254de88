"""The command line: `wsrnas COMMAND …`, the same as `python -m wsrnas COMMAND …`."""

from __future__ import annotations

import importlib
import os
import sys
import warnings
from collections.abc import Sequence

from wsrnas import __version__
from wsrnas.cli import several, terminal
from wsrnas.errors import InputError, nearest, refuse

COMMANDS = {
    "search": ("search", "find a robust architecture (Wsr-NAS), then report"),
    "train": ("train", "train an architecture adversarially"),
    "evaluate": ("evaluate", "measure accuracy over a spectrum of attack strengths"),
    "check": ("check", "look for signs that a robustness measurement deceives"),
    "compare": ("compare", "put runs and the paper's rows in one table and figure"),
    "predict": ("predict", "say which class pictures belong to"),
    "export": ("export", "write a network as safetensors, torch.export, ONNX or a hub's folder"),
    "push": ("export", "upload a network with its card to a Hugging Face hub"),
    "report": ("report", "render the report of a run folder again"),
    "reproduce": ("reproduce", "make a table or figure of the paper again, at a scale"),
    "sweep": ("sweep", "many searches, trainings or evaluations from one plan, here or on a cluster"),
    "study": ("study", "compare noise estimators, or one-shot ranks with training alone"),
    "bench": ("bench", "judge strategies on a published table; measure speed and its growth"),
    "zoo": ("zoo", "list, show and draw published architectures"),
    "recipes": ("show", "list the recipes"),
    "completion": ("completion", "print a script that lets bash, zsh or fish complete commands"),
    "doctor": ("doctor", "say what this machine offers"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return 0 on success, 2 on bad input or where nothing can be written, 130 on Ctrl-C."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    warnings.showwarning = lambda message, *_, **__: print(f"warning: {message}", file=sys.stderr)
    terminal.make_safe()
    code, met = _outcome(arguments)
    several.end(code, met=met)
    return code


def _outcome(arguments: list[str]) -> tuple[int, bool]:
    """Run a command; return its code, and whether all processes that share it end here."""
    try:
        with several.one_speaks(arguments):
            code = _dispatch(arguments)
            terminal.flush()
        return code, True
    except InputError as error:
        several.say(f"error: {error}", error)
        return 2, error.shared
    except KeyboardInterrupt:
        several.say("\nstopped; run the same command again to go on from the last checkpoint")
        return 130, False
    except BrokenPipeError:
        terminal.silence()
        return 0, False
    except OSError as error:
        what = "the output" if error.filename is None else os.fsdecode(error.filename)
        terminal.silence()
        print(f"error: {what}: cannot be read or written ({error.strerror or error})", file=sys.stderr)
        return 2, False
    except (RuntimeError, MemoryError) as error:
        if several.lost(error):
            several.say(f"error: {error}")
            return 1, False
        if not terminal.out_of_memory(error):
            raise
        remedy = "take a smaller batch size or image size, fewer images, or a smaller network"
        several.say(f"error: memory: expected enough for this command, got less; {remedy}")
        return 2, False


def _dispatch(arguments: list[str]) -> int:
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(usage())
        return 0
    if arguments[0] in ("--version", "-V"):
        print(f"wsrnas {__version__}")
        return 0
    name = arguments[0]
    if name not in COMMANDS:
        refuse("command", expected="one of wsrnas --help", got=name, remedy=nearest(name, list(COMMANDS)))
    rest = _without_imports(arguments[1:])
    module = importlib.import_module(f"wsrnas.cli.commands.{COMMANDS[name][0]}")
    code = getattr(module, name)(rest)
    return int(code or 0)


def _without_imports(arguments: list[str]) -> list[str]:
    """Import every module named by `--import`, so that files may name the parts in it; return the other arguments."""
    kept: list[str] = []
    waiting = iter(arguments)
    for argument in waiting:
        option, _, module = argument.partition("=")
        if option != "--import":
            kept.append(argument)
            continue
        module = module or next(waiting, "nothing")
        if module == "nothing" or module.startswith("-"):
            refuse("--import", expected="package.module", got=module)
        from wsrnas.parts import imported_module

        imported_module(module, argument="--import")
    return kept


def usage() -> str:
    """Return the overview that `wsrnas --help` prints."""
    lines = [f"  {name:<12}{text}" for name, (_, text) in COMMANDS.items()]
    return "\n".join(
        [
            f"wsrnas {__version__}: image classifiers that stay robust over a wide spectrum of attack strengths",
            "",
            "usage: wsrnas COMMAND [options]        wsrnas COMMAND --help",
            "       --import package.module, with any command, makes the parts of a module of your own known",
            "",
            *lines,
        ]
    )
