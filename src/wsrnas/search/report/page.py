"""report.html of a search, written from the files of its run folder only, so that it can be written again any time."""

from __future__ import annotations

import json
import statistics
from pathlib import Path

from wsrnas.errors import InputError
from wsrnas.report.page import Page
from wsrnas.report.words import duration
from wsrnas.search.report.record import SearchRecord, read_search_run
from wsrnas.search.report.sections.estimators import add_loss_estimator, add_noise_estimator
from wsrnas.search.report.sections.examples import add_examples
from wsrnas.search.report.sections.found import add_architecture, add_commands
from wsrnas.search.report.sections.front import add_front
from wsrnas.search.report.sections.losses import add_losses
from wsrnas.search.report.sections.robustness import add_robustness, gain_over_random
from wsrnas.search.report.sections.spread import add_spread
from wsrnas.search.report.sections.timing import add_time
from wsrnas.search.result import SearchResult
from wsrnas.types import format_strength


def write_search_report(run_path: Path) -> Path:
    """Write `report.html` into the folder of a search, finished or not, and return its path.

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
    add_architecture(page, record)
    add_commands(page, record)
    add_robustness(page, record)
    add_spread(page, record)
    add_front(page, record)
    add_losses(page, record)
    add_loss_estimator(page, record)
    add_noise_estimator(page, record)
    add_time(page, record)
    add_examples(page, record)
    _add_facts(page, record)
    return page.write(run_path / "report.html")


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


def _add_facts(page: Page, record: SearchRecord) -> None:
    known = [format_strength(strength) for strength in record.result.get("known") or []]
    estimated = [format_strength(strength) for strength in record.result.get("estimated") or []]
    objective = record.result.get("objective") or {}
    weights = ", ".join(f"{weight:.3g}" for weight in objective.get("strength_weights") or [])
    cost = record.result.get("cost") or next(
        (line["cost"] for line in reversed(record.metrics) if line.get("cost") is not None), None
    )
    rows = [
        ("recipe", record.setting("recipe")),
        ("preset", record.setting("preset")),
        ("method", record.method),
        ("architectures", f"{record.setting('budget.population')} + {record.setting('budget.iterations')}"),
        ("seed", record.setting("seed")),
        ("data", record.data),
        ("search space", record.result.get("space") or record.setting("space.name")),
        ("strengths attacked", ", ".join(known) or None),
        ("strengths estimated", ", ".join(estimated) or ("none" if known else None)),
        ("gradient steps on every estimate", record.setting("noise_estimator.refine")),
        ("weight of the clean loss", objective.get("clean_weight")),
        ("weights of the strengths", weights or None),
        ("network passes, one image each", None if cost is None else f"{float(cost):,.0f}"),
        ("device", record.setting("runtime.device")),
        ("graphics card", record.env.get("cuda") or "none"),
        ("precision", record.setting("runtime.precision")),
        ("threads", record.env.get("threads")),
        ("wsrnas", record.env.get("wsrnas")),
        ("PyTorch", record.env.get("torch")),
        ("Python", record.env.get("python")),
        ("system", record.env.get("platform")),
        ("started", record.env.get("created")),
    ]
    page.section(
        "Facts of this run", "All settings are in config.yaml of the run folder; everything here is read from it."
    )
    shown = [(name, _plain(value)) for name, value in rows if value is not None]
    page.table(["setting", "value"], shown, "What this result depends on.")


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)
