"""One attempt at a run, in a process of its own: how it is started, and what its end means.

The worker of a cluster imports this file and waits: it needs nothing that takes seconds to import, such as torch.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from wsrnas.errors import InputError
from wsrnas.files import explained
from wsrnas.sweeps.folder import Outcome, SweepFolder
from wsrnas.sweeps.plan import SweepRun

REFUSED, ELSEWHERE, STOPPED = 2, 75, 130
"""Exit codes of the process of a run, beside 0 (done) and 1 (an error of the program)."""
RETRIES = 2
"""How often a run whose process was killed is started again; it goes on from its last checkpoint."""
Process = subprocess.Popen[bytes]


def start(run: SweepRun, folder: SweepFolder, environment: Mapping[str, str], *, modules: tuple[str, ...]) -> Process:
    """Start the process of a run in a session of its own, so that Ctrl-C reaches it through its starter alone.

    Raises:
        InputError: the folder of the sweep is not there, as on a machine that does not share it.
    """
    spec = {
        **vars(run),
        "out": str(folder.run(run.name)),
        "lock": str(folder.lock(run.name)),
        "modules": modules,
        "parent": os.getpid(),
    }
    try:
        with folder.log(run.name).open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "wsrnas.sweeps.child", json.dumps(spec)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **environment},
                start_new_session=True,
            )
    except OSError as error:
        raise explained(error, folder.log(run.name)) from error


def outcome(run: SweepRun, folder: SweepFolder, code: int) -> Outcome:
    """Return what an exit code means, and leave word of it."""
    if code == 0:
        found = Outcome(name=run.name, state="done")
    elif code == ELSEWHERE:
        found = Outcome(name=run.name, state="elsewhere", message="another sweep is working on it")
    elif code == STOPPED:
        found = Outcome(name=run.name, state="stopped", message="stopped after a checkpoint")
    elif code < 0:
        found = Outcome(name=run.name, state="failed", message=f"its process was killed (signal {-code}), for want of "
                        "memory or from outside; the same command goes on from the last checkpoint")  # fmt: skip
    else:
        found = Outcome(name=run.name, state="failed", message=_last_words(folder.log(run.name), code))
    folder.write_outcome(found)
    return found


def complete(
    run: SweepRun,
    folder: SweepFolder,
    environment: Mapping[str, str],
    *,
    modules: tuple[str, ...],
    started: Callable[[Process], None] = lambda process: None,
) -> Outcome:
    """Do a run to its end on a machine of a cluster, starting its process again where it was killed."""
    if not folder.path.is_dir():
        message = f"this machine ({os.uname().nodename}) does not have {folder.path}: share it, or mount it there"
        return Outcome(name=run.name, state="failed", message=message)
    try:
        for _ in range(1 + RETRIES):
            process = start(run, folder, environment, modules=modules)
            started(process)
            found = outcome(run, folder, process.wait())
            if process.returncode >= 0:
                break
    except InputError as error:
        return Outcome(name=run.name, state="failed", message=str(error))
    return found


def _last_words(log: Path, code: int) -> str:
    """Return the sentence that a run was refused with, else the last line of its traceback."""
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    said = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
    if code == REFUSED and said:
        return said[-1]
    return f"{lines[-1] if lines else f'exit code {code}'} (see {log})"
