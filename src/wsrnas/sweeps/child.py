"""The process of one run: it ends with whoever started it, and after a checkpoint where it is asked to.

A program of its own: ``python -m wsrnas.sweeps.child SPEC``, SPEC being what `attempt.start` writes.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import wsrnas
from wsrnas.configure import nested
from wsrnas.errors import InputError
from wsrnas.files import is_file, is_folder
from wsrnas.parts import imported_module
from wsrnas.runs.lock import InUseError, held
from wsrnas.runtime import leaving
from wsrnas.sweeps.attempt import ELSEWHERE, REFUSED, STOPPED

PATIENCE = 5.0
"""Seconds to wait for a lock whose holder may be about to end: a process whose starter was killed."""


def main(spec: dict[str, Any]) -> int:
    """Do the run that a specification describes and return the exit code."""
    leaving.end_with(int(spec["parent"]))
    leaving.listen()
    try:
        for module in spec["modules"]:
            imported_module(module, argument="--import")
        with _claimed(Path(spec["lock"])) as claimed:
            if not claimed:
                return ELSEWHERE
            _run(spec)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return REFUSED
    except KeyboardInterrupt:
        return STOPPED
    return 0


@contextmanager
def _claimed(lock: Path) -> Iterator[bool]:
    """Hold the lock inside the block and say whether that could be done."""
    last = time.monotonic() + PATIENCE
    with ExitStack() as stack:
        while True:
            try:
                stack.enter_context(held(lock))
                break
            except InUseError:
                if time.monotonic() > last:
                    yield False
                    return
                time.sleep(0.2)
        yield True


def _run(spec: dict[str, Any]) -> None:
    settings, out = nested(spec["settings"]), spec["out"]
    if spec["command"] == "search":
        wsrnas.search(spec["recipe"], out=out, seed=spec["seed"], **settings)
    elif spec["command"] == "train":
        wsrnas.train(spec["architecture"], spec["recipe"], out=out, seed=spec["seed"], **settings)
    else:
        model = spec["architecture"]
        run = model if is_folder(model) and not is_file(model) else None
        given = {} if run else {"model": model}
        wsrnas.evaluate(run, out=out, seed=spec["seed"], progress=False, **given, **settings)


if __name__ == "__main__":
    code = main(json.loads(sys.argv[1]))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # threads of libraries must not keep the process
