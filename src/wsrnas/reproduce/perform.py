"""The runs of a table, done: chains that wait for nobody side by side, what each came to kept as a file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from wsrnas.files import read_object, write_json
from wsrnas.progress import progress
from wsrnas.reproduce.runs import Outcome, Run
from wsrnas.runs import RunFolder
from wsrnas.runtime import RuntimeConfig
from wsrnas.runtime.parallel import each

Chain = tuple[Run, ...]


@dataclass(frozen=True, kw_only=True)
class _Place:
    """The folder of a table and that of its runs."""

    table: Path
    runs: Path


def chains(runs: Sequence[Run]) -> list[Chain]:
    """Return the runs in groups, each run after those it needs; runs of different groups need nothing of each other."""
    found: list[list[Run]] = []
    for run in runs:
        group = next((one for one in found if any(run.needs(before) for before in one)), None)
        if group is None:
            found.append([run])
        else:
            group.append(run)
    return [tuple(group) for group in found]


def perform(name: str, runs: Sequence[Run], folder: RunFolder, where: Path, workers: int | None) -> dict[str, Outcome]:
    """Return what every run came to, by `Run.outcome`; what is done already is read, the rest done now.

    Args:
        name: of the table.
        where: folder of the runs.
        workers: processes; None is one per processor. Results do not depend on it.

    Raises:
        InputError: a run that refuses; it and those before it go on from there at the next call.
    """
    kept = {run.outcome: read_object(folder.path / run.outcome) for run in runs}
    groups = {chain[-1].name: chain for chain in chains([run for run in runs if not kept[run.outcome]])}
    with progress(name, len(runs), done=sum(bool(one) for one in kept.values())) as bar:
        found = each(
            _chain,
            groups,
            config=RuntimeConfig(workers=workers),
            common=partial(_Place, table=folder.path, runs=where),
            on_done=lambda done: bar.advance(len(groups[done]), note=done),
        )
    for outcomes in found.values():
        kept |= outcomes
    return kept


def _chain(place: _Place, chain: Chain) -> dict[str, Outcome]:
    found = {}
    for run in chain:
        found[run.outcome] = run.perform(place.runs)
        write_json(place.table / run.outcome, found[run.outcome])
    return found
