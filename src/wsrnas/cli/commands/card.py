"""A card of the zoo as a page of text, or as JSON."""

from __future__ import annotations

import json

import torch
from rich.console import Console
from rich.table import Table

from wsrnas import zoo as models
from wsrnas.errors import refuse
from wsrnas.networks.budget import Budget, count_budget, measure_budget
from wsrnas.types import format_strength
from wsrnas.weights import shipped
from wsrnas.zoo.paper import CAUTION, PAPER, SOURCE

SECONDS = 1.0
"""How long a network is timed."""
MEASURED = "measured by: the authors of the paper that prints it, or copied from another paper."


def show_card(name: str, *, as_json: bool, batch_size: int = 1, device: torch.device | None = None) -> None:
    """Print what is known about a model, its cost counted anew, and timed where a device is given."""
    card = models.card(name)
    budget = None if card.architecture is None else _budget(card, batch_size, device)
    if budget is None and device is not None:
        got = f"{card.name}, which was never published"
        refuse("--measure", expected="a model that can be built", got=got)
    if as_json:
        shown: dict[str, object] = {"multiply_adds": None, "budget": None}
        if budget is not None:
            shown = {"multiply_adds": budget.multiply_adds, "budget": budget.to_dict()}
        parameters = None if budget is None else budget.parameters
        print(json.dumps({**card.to_dict(), "parameters": parameters, **shown}, indent=1))
        return
    console = Console()
    facts = Table(box=None, pad_edge=False, show_header=False)
    facts.add_column(no_wrap=True, style="bold")
    facts.add_column(overflow="fold")
    for what, text in _facts(card, budget):
        facts.add_row(what, text)
    console.print(f"[bold]{card.title}[/bold]", highlight=False)
    console.print(facts, highlight=False)
    if card.published:
        console.print()
        _results(console, card)


def _budget(card: models.Card, batch_size: int, device: torch.device | None) -> Budget:
    with torch.device("meta" if device is None else device):
        network = models.create(card.name)
    if device is None:
        return count_budget(network, card.image_shape, batch_size=batch_size)
    return measure_budget(network, card.image_shape, batch_size=batch_size, seconds=SECONDS)


def _facts(card: models.Card, budget: Budget | None) -> list[tuple[str, str]]:
    million = card.parameters_millions_paper
    printed = "" if million is None else f"{million:.{0 if million >= 100 else 1}f} M in print"
    lines = [("name", ", ".join((card.name, *card.aliases))), ("family", card.family)]
    if budget is None:
        lines.append(("architecture", "several networks" if card.family == "search" else "never published"))
        lines += [("parameters", printed)] if printed else []
    else:
        height, width = card.image_shape[1:]
        drop = "" if card.drop_path is None else f", drop path {card.drop_path:g}"
        lines += [
            ("architecture", card.status),
            ("size", models.network_settings(card.name).size + drop),
            ("made for", f"{card.num_classes} classes, images of {height} x {width}"),
            ("parameters", f"{budget.parameters:,} counted{f', {printed}' if printed else ''}"),
            *budget.rows()[1:],
            ("weights", _weights(card.name)),
        ]
    if card.search_cost is not None:
        how = ", extrapolated" if card.search_cost.extrapolated else ""
        lines.append(("search cost", f"{card.search_cost.printed} GPU days (Table 3{how})"))
    lines += [("search for one", card.search)] if card.search else []
    lines += [("source", card.source), ("licence", card.licence)]
    return lines + ([("notes", card.notes)] if card.notes else [])


def _weights(name: str) -> str:
    train = f"wsrnas train --arch {name} trains it"
    return f"{', '.join(shipped(name))} (small; its README.md says how robust)" if shipped(name) else f"none; {train}"


def _results(console: Console, card: models.Card) -> None:
    strengths = sorted({strength for result in card.published for strength in result.robust})
    columns: dict[str, list[float | None]] = {"clean": [result.natural for result in card.published]}
    columns |= {format_strength(one): [result.robust.get(one) for result in card.published] for one in strengths}
    columns |= {"mean": [result.robust_mean for result in card.published]}
    columns |= {"FGSM": [result.fgsm for result in card.published]}
    columns = {name: values for name, values in columns.items() if any(value is not None for value in values)}
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("published (%)", no_wrap=True)
    for name in columns:
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("measured by", no_wrap=True)
    table.add_column("note", justify="right")
    notes: list[str] = []
    for place, result in enumerate(card.published):
        tables = f"Table{'s' if len(result.tables) > 1 else ''} {' and '.join(map(str, result.tables))}"
        note = f"{tables if result.tables else result.paper}; {result.attack}; {result.measured_by}"
        notes += [] if note in notes else [note]
        cells = [_percent(values[place]) for values in columns.values()]
        table.add_row(result.training, *cells, result.source, str(1 + notes.index(note)))
    console.print(table, highlight=False)
    lines = [f"{place} {note}" for place, note in enumerate(notes, start=1)]
    from_paper = any(result.paper == PAPER for result in card.published)
    for line in (*lines, MEASURED, *((f"Tables: {SOURCE}.", CAUTION) if from_paper else ())):
        console.print(line, highlight=False, markup=False)


def _percent(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.1f}" if round(value, 1) == value else f"{value:.2f}"
