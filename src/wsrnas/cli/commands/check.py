"""`wsrnas check`: signs that a robustness measurement deceives."""

from __future__ import annotations

from collections.abc import Sequence

from wsrnas.cli.as_json import add_json, only_result
from wsrnas.cli.commands.subject import subject_options, subject_parser
from wsrnas.evaluation.command import run_check, write_verdict
from wsrnas.files import is_folder


def check(arguments: Sequence[str]) -> int:
    """Look for signs that a robustness measurement deceives; exits with 1 when there are any."""
    parser = subject_parser("check", check.__doc__)
    add_json(parser, "the verdict")
    options = parser.parse_args(list(arguments))
    with only_result(options.json):
        verdict = run_check(options.run, **subject_options(options, arguments), write=False)
    print(verdict.to_json() if options.json else verdict)
    write_verdict(verdict, options.out or (options.run if is_folder(options.run or "") else None))
    return verdict.exit_code
