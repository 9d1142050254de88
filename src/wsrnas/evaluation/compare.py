"""Several evaluated runs, and the paper's rows, in one table and one figure; paired tests between the runs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from wsrnas import zoo
from wsrnas.errors import nearest, refuse
from wsrnas.evaluation.result import Evaluation
from wsrnas.evaluation.statistics import Difference, over_seeds, paired_difference
from wsrnas.evaluation.summary import PROTOCOLS, read_evaluations
from wsrnas.evaluation.tables import COLOURS, curve_series, percent, to_csv, to_markdown
from wsrnas.files import write_atomic
from wsrnas.report.figures import Series, curve_figure
from wsrnas.report.page import Page
from wsrnas.types import format_strength

DRAWN = ("WsrNet-Basic PGD-7", "WsrNet-Robust PGD-7", "RACL PGD-7")
"""The paper's rows in the figure; the table has all of them."""
PAPER_PROTOCOL = "paper, released protocol"


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the table: accuracies as fractions by strength, intervals where we measured them."""

    name: str
    protocol: str
    clean: float | None
    accuracy: dict[float, float]
    interval: dict[float, tuple[float, float]]


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """All rows, and each run against the reference on the same images, where they share them."""

    rows: tuple[Row, ...]
    differences: dict[str, dict[float, Difference]]
    reference: str
    figure: str
    seeds: str = ""

    @property
    def strengths(self) -> list[float]:
        """Return every strength that some row has, ascending."""
        return sorted({strength for row in self.rows for strength in row.accuracy if strength > 0})

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Return headers and rows as text, percentages with one decimal and the interval's half width."""
        headers = ["model", "protocol", "clean", *[format_strength(s) for s in self.strengths]]
        rows = []
        for row in self.rows:
            cells = [row.name, row.protocol, percent(row.clean)]
            for strength in self.strengths:
                text = percent(row.accuracy.get(strength))
                if strength in row.interval:
                    low, high = row.interval[strength]
                    text += f" ±{100 * (high - low) / 2:.1f}"
                cells.append(text)
            rows.append(cells)
        return headers, rows

    def paired(self) -> tuple[list[str], list[list[str]]]:
        """Return the paired differences to the reference in points, with bootstrap intervals and McNemar p-values."""
        headers = [f"minus {self.reference}", "strength", "difference", "95 % interval", "McNemar p"]
        rows = [
            [
                name,
                format_strength(strength) if strength else "clean",
                f"{100 * one.value:+.1f}",
                f"[{100 * one.low:+.1f}, {100 * one.high:+.1f}]",
                f"{one.p_value:.2g}",
            ]
            for name, values in self.differences.items()
            for strength, one in values.items()
        ]
        return headers, rows

    def __str__(self) -> str:
        """Return the tables as Markdown."""
        text = to_markdown(*self.table())
        if self.differences:
            text += "\n" + to_markdown(*self.paired())
        return text + (f"\n{self.seeds}\n" if self.seeds else "")

    def write(self, folder: Path) -> Path:
        """Write compare.md, compare.csv, compare.svg and compare.html; returns the path of the page."""
        write_atomic(folder / "compare.md", str(self))
        write_atomic(folder / "compare.csv", to_csv(*self.table()))
        write_atomic(folder / "compare.svg", self.figure)
        page = Page("Robustness compared", f"{len(self.rows)} rows")
        page.section("Curves", "Strict curves are solid with 95 % intervals; released and paper numbers are dashed.")
        page.figure(self.figure, "Accuracy under attack by strength.")
        page.section("Table", "Rows of the paper were measured with the released protocol: compare them with our "
                     "released rows only, never with strict ones.")  # fmt: skip
        page.table(*self.table(), "Percent; ± is half the 95 % Wilson interval. A dash: not measured.")
        if self.differences:
            page.section("Paired differences", "On the same images, in points; p is McNemar's exact test.")
            page.table(*self.paired(), "")
        if self.seeds:
            page.text(self.seeds)
        return page.write(folder / "compare.html")


def compare(runs: Sequence[Path], *, paper: bool | None = None, reference: str | None = None) -> Comparison:
    """Compare evaluated folders.

    Args:
        runs: folders that `evaluate(out=…)` wrote to.
        paper: add the rows of the paper's Tables 1 and 2, labelled "paper, released protocol"; None adds them when a
            run was evaluated on CIFAR-10, the data of those tables.
        reference: name of the run that the others are compared with; default: the first.

    Raises:
        InputError: no runs, a folder without an evaluation, names that repeat, or an unknown reference.
    """
    if not runs:
        refuse("runs", expected="at least one evaluated folder", got="none")
    names = _names(runs)
    measured = {name: read_evaluations(run) for name, run in zip(names, runs)}
    if reference is not None and reference not in names:
        refuse("reference", expected=f"one of {', '.join(names)}", got=reference, remedy=nearest(reference, names))
    base = reference or names[0]
    rows = [_row(name, result) for name, found in measured.items() for result in found.values()]
    wanted = any(_data_name(run) == "cifar10" for run in runs) if paper is None else paper
    printed = paper_rows() if wanted else []
    differences = {
        name: differing
        for name, found in measured.items()
        if name != base and (differing := _differences(_main(found), _main(measured[base])))
    }
    return Comparison(
        rows=(*rows, *printed),
        differences=differences,
        reference=base,
        figure=_figure(measured, [row for row in printed if row.name in DRAWN]),
        seeds=_seeds(runs, measured),
    )


def paper_rows() -> list[Row]:
    """Return the paper's printed numbers, each labelled with the protocol they were measured with."""
    return [
        Row(
            name=f"{row.model} {row.result.training}",
            protocol=PAPER_PROTOCOL,
            clean=row.result.natural / 100,
            accuracy={strength: value / 100 for strength, value in row.result.robust.items()},
            interval={},
        )
        for row in zoo.paper_rows()
    ]


def _names(runs: Sequence[Path]) -> list[str]:
    short = [run.resolve().name for run in runs]
    names = [name if short.count(name) == 1 else str(run) for name, run in zip(short, runs)]
    if len(set(names)) < len(names):
        refuse("runs", expected="each folder once", got=", ".join(names))
    return names


def _data_name(run: Path) -> str | None:
    about = run / "eval" / "about.json"
    return json.loads(about.read_text())["data"].get("name") if about.is_file() else None


def _main(found: dict[str, Evaluation]) -> Evaluation:
    return next(iter(found.values()))


def _row(name: str, result: Evaluation) -> Row:
    return Row(
        name=name,
        protocol=result.protocol,
        clean=result.clean_accuracy,
        accuracy=dict(zip(result.strengths, result.accuracy)),
        interval={s: (low, high) for s, low, high in zip(result.strengths, result.ci_low, result.ci_high)},
    )


def _same_images(first: Evaluation, second: Evaluation) -> bool:
    return all(first.settings[key] == second.settings[key] for key in ("images", "labels"))


def _differences(one: Evaluation, base: Evaluation) -> dict[float, Difference]:
    if one.protocol != base.protocol or one.norm != base.norm or not _same_images(one, base):
        return {}
    found = {0.0: paired_difference(one.clean_correct.tolist(), base.clean_correct.tolist())}
    for k, strength in enumerate(one.strengths):
        if strength > 0 and strength in base.strengths:
            other = base.survives[:, base.strengths.index(strength)]
            found[strength] = paired_difference(one.survives[:, k].tolist(), other.tolist())
    return found


def _seeds(runs: Sequence[Path], measured: dict[str, dict[str, Evaluation]]) -> str:
    """Return mean ± sd of runs that differ in nothing but the seed: same network and, seeds aside, same settings."""
    groups: dict[str, list[str]] = {}
    for run, name in zip(runs, measured):
        network, settings = run / "network.json", run / "config.yaml"
        if "strict" in measured[name] and network.is_file() and settings.is_file():
            config = {key: value for key, value in yaml.safe_load(settings.read_text()).items() if key != "seed"}
            groups.setdefault(network.read_text() + json.dumps(config, sort_keys=True), []).append(name)
    lines = []
    for names in groups.values():
        strict = [measured[name]["strict"] for name in names]
        if len(strict) < 2 or any(one.strengths != strict[0].strengths for one in strict[1:]):
            continue
        parts = [
            f"{format_strength(strength)}: {over_seeds([one.accuracy[k] for one in strict])}"
            for k, strength in enumerate(strict[0].strengths)
        ]
        lines.append(f"Mean ± sd over the seeds {', '.join(names)} (strict): " + "; ".join(parts) + ".")
    return "\n\n".join(lines)


def _figure(measured: dict[str, dict[str, Evaluation]], printed: list[Row]) -> str:
    series: list[Series] = []
    for place, (name, found) in enumerate(measured.items()):
        colour = COLOURS[place % len(COLOURS)]
        for protocol in PROTOCOLS:
            if protocol in found:
                label = name if protocol == "strict" else f"{name}, released"
                series.append(curve_series(found[protocol], label, colour=colour, dashed=protocol == "released"))
    for row in printed:
        strengths = sorted(row.accuracy)
        points = [row.clean or 0.0, *[row.accuracy[s] for s in strengths]]
        series.append(Series(f"paper: {row.name}", [0.0, *strengths], points, style="dashed", colour="#888888"))
    first = _main(next(iter(measured.values())))
    label = f"strength ({first.norm} radius, pixels in [0,1])"
    return curve_figure(series, x_label=label, y_label="accuracy", chance=1 / first.classes, percent=True)
