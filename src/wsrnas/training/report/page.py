"""report.html and README.md of a training, written from the files of its run folder only."""

from __future__ import annotations

import json
from pathlib import Path

from wsrnas.errors import InputError
from wsrnas.files import write_atomic
from wsrnas.report.page import Page
from wsrnas.report.words import duration, percent
from wsrnas.spaces import get_space
from wsrnas.spaces.genotype import Genotype
from wsrnas.training.report.learning_curve import add_learning_curve, attack_text
from wsrnas.training.report.model_card import model_card
from wsrnas.training.report.record import TrainRecord, extension_text, next_commands, read_train_run, words


def write_train_report(path: str | Path) -> Path:
    """Write `report.html` into the folder of a training, and `README.md` once it is finished; return the page's path.

    Raises:
        InputError: not the folder of a training, damaged files, no epoch yet, or a folder that cannot be written.
    """
    record = read_train_run(Path(path))
    try:
        page, card = _page(record), model_card(record) if record.result else None
    except (LookupError, TypeError, AttributeError, ValueError, ArithmeticError) as error:
        if isinstance(error, InputError):
            raise
        remedy = "restore the files, or train again in another folder"
        raise InputError(f"{path}: the files of the run hold what no training writes ({error!r}); {remedy}") from error
    if card is not None:
        write_atomic(record.path / "README.md", card)
    return page.write(record.path / "report.html")


def _page(record: TrainRecord) -> Page:
    page = Page(f"Training report: {record.path.resolve().name}", _subtitle(record))
    page.facts(_headline(record))
    _add_callouts(page, record)
    add_learning_curve(page, record)
    _add_network(page, record)
    _add_commands(page, record)
    _add_time(page, record)
    _add_facts(page, record)
    return page


def _subtitle(record: TrainRecord) -> str:
    return (
        f"{record.architecture} on {record.data}, recipe {record.setting('recipe', '?')}, "
        f"loss {record.setting('loss.name', '?')}, seed {record.setting('seed', '?')}"
    )


def _headline(record: TrainRecord) -> dict[str, object]:
    result = record.result
    facts: dict[str, object] = {}
    if result.get("held_out_accuracy") is not None:
        facts["held-out accuracy"] = percent(result["held_out_accuracy"])
    if result.get("held_out_robust_accuracy") is not None:
        facts[f"under {attack_text(record)}"] = percent(result["held_out_robust_accuracy"])
    if record.members:
        facts["networks"] = len(record.members)
    elif result:
        facts["epoch kept"] = f"{result.get('epoch', '?')} of {record.epochs}"
    if result.get("parameters"):
        facts["parameters"] = f"{result['parameters']:,}"
    if seconds := _seconds(record):
        facts["time"] = duration(seconds)
    return facts


def _add_callouts(page: Page, record: TrainRecord) -> None:
    if not record.result:
        done = sum(len(one.metrics) for one in record.members) or len(record.metrics)
        whole = record.epochs * max(len(record.network.get("members") or [1]), 1)
        page.callout(
            "warning",
            f"This training is not finished: {done} of {whole} epochs are done. Start the same command again to go on.",
        )
    if record.result.get("learned_nothing"):
        text = str(record.result["learned_nothing"])
        page.callout("warning", text[:1].upper() + text[1:] + ".")
    for line in record.extensions:
        page.callout("note", extension_text(line))


def _add_network(page: Page, record: TrainRecord) -> None:
    weights = record.result.get("parameters")
    counted = f" It has {weights:,} parameters." if weights else ""
    page.section("The network", f"{record.architecture[:1].upper()}{record.architecture[1:]}.{counted}")
    if record.budget is not None:
        page.table(
            ["cost", "value"], record.budget.rows(), "Counted, so the same everywhere; latency was measured here."
        )
    described = record.network
    if described.get("kind") == "ensemble":
        page.text("The members' probabilities are averaged; the class with the largest mean is the answer.")
        described = (described.get("members") or [{}])[0]
    if described.get("kind") == "genotype":
        genotype = Genotype.from_json(json.dumps(described["genotype"]), source=str(record.path / "config.yaml"))
        drawing = get_space(genotype.space).draw(genotype)
        page.figure(drawing, "Its cells, stacked to make the network.", panel=True)


def _add_commands(page: Page, record: TrainRecord) -> None:
    intro = "Held-out numbers follow one attack of a few steps and only serve to choose an epoch."
    page.section("What to do next", intro)
    if not record.result:
        page.callout("note", "First let the training end: start the same command again.")
        return
    for command, what in next_commands(record):
        page.command(command, what)
    if (record.path / "eval" / "report.html").is_file():
        page.callout("note", "It has been evaluated already: eval/report.html in this folder.")


def _add_time(page: Page, record: TrainRecord) -> None:
    totals: dict[str, float] = {}
    for one in (record, *record.members):
        for line in one.timings:
            phase = str(line.get("phase", "?"))
            totals[phase] = totals.get(phase, 0.0) + float(line.get("seconds", 0))
    if not totals:
        return
    whole = sum(totals.values()) or 1.0
    page.section("Where the time went")
    rows = [[phase, duration(seconds), percent(seconds / whole)] for phase, seconds in totals.items()]
    page.table(["phase", "time", "share"], rows, f"{duration(whole)} in all, on {record.env.get('cuda') or 'the CPU'}.")


def _add_facts(page: Page, record: TrainRecord) -> None:
    page.section(
        "Facts of this run", "All settings are in config.yaml of the run folder; everything here is read from it."
    )
    dotted = (
        "recipe", "seed", "strengths", "data.name", "data.root", "data.image_size", "data.train_limit", "loss.name",
        "loss.settings", "bands", "awp.gamma", "activation", "ema", "optimizer.lr", "optimizer.weight_decay",
        "schedule.name", "schedule.settings", "epochs", "batch_size", "selection.by", "runtime.precision",
    )  # fmt: skip
    rows = [(name, words(record.setting(name))) for name in dotted if record.setting(name) not in (None, {})]
    named = (("wsrnas", "wsrnas"), ("torch", "PyTorch"), ("python", "Python"), ("platform", "system"),
             ("threads", "threads"), ("created", "started"))  # fmt: skip
    rows += [(shown, words(record.env[key])) for key, shown in named if record.env.get(key) is not None]
    page.table(["setting", "value"], rows, "What this result depends on.")


def _seconds(record: TrainRecord) -> float:
    return sum(float(line.get("seconds", 0)) for one in (record, *record.members) for line in one.timings)
