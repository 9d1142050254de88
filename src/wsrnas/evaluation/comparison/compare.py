"""Several evaluated runs, and the paper's rows, in one table and one figure; paired tests between the runs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from wsrnas.errors import InputError, nearest, refuse
from wsrnas.evaluation.comparison.comparable import Measured, beside_the_paper, incomparable, noteworthy, read_measured
from wsrnas.evaluation.comparison.comparison import Comparison
from wsrnas.evaluation.comparison.paper import DRAWN, paper_rows
from wsrnas.evaluation.comparison.row import Row
from wsrnas.evaluation.folder.summary import same_images
from wsrnas.evaluation.protocols import PROTOCOLS, Strict
from wsrnas.evaluation.result import Evaluation
from wsrnas.evaluation.statistics import Difference, over_seeds, paired_difference
from wsrnas.evaluation.tables import COLOURS, curve_series
from wsrnas.files import read_settings, read_text
from wsrnas.report.figures import Series, curve_figure


def compare(
    runs: Sequence[Path], *, paper: bool | None = None, reference: str | None = None, anyway: bool = False
) -> Comparison:
    """Compare evaluated folders.

    Args:
        runs: folders that `evaluate(out=…)` wrote to.
        paper: add the rows of the paper's Tables 1 and 2; None adds them when every run was evaluated on their data,
            CIFAR-10 in Linf.
        reference: name of the run that the others are compared with; default: the first.
        anyway: put into one table what cannot be compared, and only say what differs.

    Raises:
        InputError: no runs, a folder without an evaluation, names that repeat, an unknown reference, runs of other
            data, classes, norms or protocols, or the paper's rows beside other data than theirs.
    """
    if not runs:
        refuse("runs", expected="at least one evaluated folder", got="none")
    names = _names(runs)
    if reference is not None and reference not in names:
        refuse("reference", expected=f"one of {', '.join(names)}", got=reference, remedy=nearest(reference, names))
    measured = [read_measured(name, folder) for name, folder in zip(names, runs)]
    forbidding = incomparable(measured)
    if forbidding and not anyway:
        raise InputError(
            f"runs: expected runs that can be compared, got {'; '.join(forbidding)}; compare like with like, or pass "
            "--anyway (in Python anyway=True)"
        )
    base = next(run for run in measured if run.name == (reference or names[0]))
    printed = paper_rows() if _wanted(measured, paper) else []
    return Comparison(
        rows=(*(Row.of(run.name, result) for run in measured for result in run.results.values()), *printed),
        differences={
            run.name: differing
            for run in measured
            if run is not base and (differing := _differences(run.main, base.main))
        },
        reference=base.name,
        figure=_figure(measured, [row for row in printed if row.name in DRAWN]),
        notes=(*(f"Cannot be compared: {one}." for one in forbidding), *(f"{one}." for one in noteworthy(measured))),
        doubts=tuple(f"{run.name}: {doubt}" for run in measured for doubt in run.main.doubts),
        seeds=_seeds(measured),
    )


def _wanted(measured: Sequence[Measured], paper: bool | None) -> bool:
    suited = [beside_the_paper(run) for run in measured]
    if paper and False in suited:
        other = measured[suited.index(False)]
        got = f"{other.name} on {other.data_name or 'other data'} ({other.main.classes} classes, {other.main.norm})"
        refuse("paper", expected="runs on CIFAR-10 in Linf, as the paper's rows are", got=got, remedy="leave it out")
    return paper if paper is not None else all(one is True for one in suited)


def _names(runs: Sequence[Path]) -> list[str]:
    short = [run.resolve().name for run in runs]
    names = [name if short.count(name) == 1 else str(run) for name, run in zip(short, runs)]
    if len(set(names)) < len(names):
        refuse("runs", expected="each folder once", got=", ".join(names))
    return names


def _differences(one: Evaluation, base: Evaluation) -> dict[float, Difference]:
    if one.protocol != base.protocol or one.norm != base.norm or not same_images(one, base):
        return {}
    found = {0.0: paired_difference(one.clean_correct.tolist(), base.clean_correct.tolist())}
    for k, strength in enumerate(one.strengths):
        if strength > 0 and strength in base.strengths:
            other = base.survives[:, base.strengths.index(strength)]
            found[strength] = paired_difference(one.survives[:, k].tolist(), other.tolist())
    return found


def _seeds(measured: Sequence[Measured]) -> str:
    """Return mean ± sd of runs that differ in nothing but the seed: same network and, seeds aside, same settings."""
    groups: dict[str, list[Measured]] = {}
    for run in measured:
        network, settings = run.folder / "network.json", run.folder / "config.yaml"
        if Strict.name in run.results and network.is_file() and settings.is_file():
            config = {key: value for key, value in read_settings(settings).items() if key != "seed"}
            groups.setdefault(read_text(network) + json.dumps(config, sort_keys=True), []).append(run)
    lines = []
    for members in groups.values():
        strict = [run.results[Strict.name] for run in members]
        if len(strict) < 2 or any(one.strengths != strict[0].strengths for one in strict[1:]):
            continue
        parts = [
            f"{strict[0].text(k)}: {over_seeds([one.accuracy[k] for one in strict])}"
            for k in range(len(strict[0].strengths))
        ]
        names = ", ".join(run.name for run in members)
        lines.append(f"Mean ± sd over the seeds {names} ({Strict.name}): " + "; ".join(parts) + ".")
    return "\n\n".join(lines)


def _figure(measured: Sequence[Measured], printed: list[Row]) -> str:
    series: list[Series] = []
    for place, run in enumerate(measured):
        colour = COLOURS[place % len(COLOURS)]
        for protocol, result in run.results.items():
            series.append(curve_series(result, PROTOCOLS[protocol].label(run.name), colour=colour))
    for row in printed:
        strengths = sorted(row.accuracy)
        points = [row.clean or 0.0, *[row.accuracy[s] for s in strengths]]
        series.append(Series(f"paper: {row.name}", [0.0, *strengths], points, style="dashed", colour="#888888"))
    norms = {run.main.norm for run in measured}
    label = f"strength ({' and '.join(sorted(norms))} radius, pixels in [0,1])"
    chances = {1 / run.main.classes for run in measured}
    chance = chances.pop() if len(chances) == 1 else None
    return curve_figure(series, x_label=label, y_label="accuracy", chance=chance, percent=True)
