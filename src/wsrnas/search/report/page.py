"""report.html of a search, written from the files of its run folder only, so that it can be written again any time."""

from __future__ import annotations

import statistics
import warnings
from pathlib import Path

from wsrnas.errors import InputError
from wsrnas.report.page import Page
from wsrnas.report.words import duration
from wsrnas.search.report.asked import Asked, add_asked
from wsrnas.search.report.record import SearchRecord, read_search_run
from wsrnas.search.report.sections import SECTIONS
from wsrnas.search.report.sections.robustness import gain_over_random
from wsrnas.search.result import SearchResult


def write_search_report(run_path: Path, *, sections: Asked | None = None) -> Path:
    """Write `report.html` into the folder of a search, finished or not, and return its path.

    Args:
        run_path: the folder.
        sections: of your own, as in `SearchConfig`; None takes those that config.yaml names, if their modules have been
            imported. One that cannot be made is left out with a warning.

    Raises:
        InputError: not the folder of a search, damaged files, no iteration yet, or a folder that cannot be written.
    """
    record = read_search_run(run_path)
    page = Page(f"Search report: {record.setting('recipe', record.path.name)}", _subtitle(record))
    page.facts(_headline(record))
    if not record.result:
        last = record.metrics[-1]
        text = (
            f"This search is not finished: the last iteration written is {last['iteration']} "
            f"({last.get('phase', '?')}). Start the same command again to go on."
        )
        page.callout("warning", text)
    if said := _learned_nothing(record):
        page.callout("warning", f"{said[:1].upper()}{said[1:]}.")
    for warning in record.result.get("warnings") or []:
        page.callout("warning", str(warning)[:1].upper() + str(warning)[1:])
    *ours, facts = (kind() for _, kind in SECTIONS.items())
    for section in ours:
        section.add(page, record)
    left_out = add_asked(page, record, sections)
    facts.add(page, record)
    written = page.write(run_path / "report.html")
    for sentence in left_out:
        warnings.warn(sentence, stacklevel=2)
    return written


def _learned_nothing(record: SearchRecord) -> str:
    try:
        return SearchResult.read(record.path).learned_nothing
    except InputError:  # not finished, or of an earlier version: nothing can be said
        return ""


def _subtitle(record: SearchRecord) -> str:
    return (
        f"{record.method}, on {record.data}, seed {record.setting('seed', '?')}; "
        f"strengths {', '.join(record.loss_names[1:])}"
    )


def _headline(record: SearchRecord) -> dict[str, object]:
    facts: dict[str, object] = {"architectures measured": len(record.labelled)}
    if record.taus:
        facts["Kendall τ of the loss estimator"] = f"{statistics.fmean(record.taus):.2f}"
    if fidelity := record.means("fidelity"):
        facts["lowest fidelity of the noise estimate"] = f"{min(fidelity.values()):.2f}"
    gain = gain_over_random(record)
    if gain is not None:
        facts["points of robust accuracy over random"] = f"{100 * gain:+.1f}"
    seconds = record.result.get("seconds") or sum(float(line["seconds"]) for line in record.timings)
    if seconds:
        facts["time"] = duration(float(seconds))
    return facts
