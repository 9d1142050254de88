"""`wsrnas zoo`: list, show and draw published architectures."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from wsrnas import zoo as models
from wsrnas.cli.commands.card import show_card
from wsrnas.cli.settings import Parser
from wsrnas.errors import at_least, nearest, refuse
from wsrnas.files import write_atomic
from wsrnas.runtime import device_named
from wsrnas.weights import shipped

ACTIONS = ("list", "show", "draw", "genotype")
BELOW_LIST = (
    "* weights come with these alone, small and trained on digits:",
    "{shipped}",
    "`wsrnas predict NAME PATH` uses one, `wsrnas train --arch NAME` trains any.",
    "inferred: the cell or the width that was used is a guess. unpublished: `wsrnas",
    "zoo show NAME` says which search makes such a one. Numbers are of the paper's",
    "tables, or of other papers.",
)


def zoo(arguments: Sequence[str]) -> int:
    """List, show and draw published architectures."""
    parser = Parser(prog="wsrnas zoo", description=zoo.__doc__)
    parser.add_argument("action", help=" | ".join(ACTIONS))
    parser.add_argument("name", nargs="?", default=None, help="a model, or a pattern such as wsrnet-* for list")
    parser.add_argument("--json", action="store_true", help="list and show as JSON")
    parser.add_argument("--out", default=None, help="file for draw and genotype")
    parser.add_argument("--measure", action="store_true", help="show: time the network on this machine")
    parser.add_argument("--batch", type=int, default=1, help="show: images at once, for memory and latency")
    parser.add_argument("--device", default="auto", help="show --measure: auto, cpu, cuda or mps")
    options = parser.parse_args(list(arguments))
    if options.action not in ACTIONS:
        refuse("action", expected=" | ".join(ACTIONS), got=options.action, remedy=nearest(options.action, ACTIONS))
    if options.action == "list" and options.measure:
        refuse("--measure", expected="it with show", got=options.action, remedy="time one network after the other")
    if options.action == "list":
        _list(options.name or "*", as_json=options.json)
        return 0
    if options.name is None:
        refuse("name", expected="a model of the zoo", got="nothing", remedy="wsrnas zoo list shows them")
    if options.action == "show":
        at_least(1, **{"--batch": options.batch})
        device = device_named(options.device) if options.measure else None
        show_card(options.name, as_json=options.json, batch_size=options.batch, device=device)
        return 0
    if options.measure:
        refuse("--measure", expected="it with show", got=options.action)
    if options.json:
        refuse("--json", expected="it with list or show", got=options.action, remedy="a genotype is JSON anyway")
    return _write(options.action, options.name, options.out)


def _list(pattern: str, *, as_json: bool) -> None:
    names = models.list_models(pattern)
    if not names:
        names = [models.find(pattern, argument="name")]
    cards = [models.card(name) for name in names]
    if as_json:
        print(json.dumps([card.to_dict() for card in cards], indent=1))
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("name", no_wrap=True)
    table.add_column("family", no_wrap=True)
    table.add_column("parameters", justify="right", no_wrap=True)
    table.add_column("architecture", no_wrap=True)
    table.add_column("numbers", no_wrap=True)
    for card in cards:
        size = "-" if card.parameters_millions is None else f"{card.parameters_millions:.2f} M"
        architecture = "several" if card.family == "search" else card.status
        mark = " *" if shipped(card.name) else ""
        table.add_row(card.name, card.family, size, architecture + mark, _numbers(card))
    Console().print(table)
    names_of_shipped = textwrap.fill(", ".join(shipped()) or "none here", 78, break_on_hyphens=False)
    print("", *(line.format(shipped=names_of_shipped) for line in BELOW_LIST), sep="\n")


def _numbers(card: models.Card) -> str:
    if card.tables:
        return f"Table{'s' if len(card.tables) > 1 else ''} {', '.join(map(str, card.tables))}"
    return "other papers" if card.published else "-"


def _write(action: str, name: str, out: str | None) -> int:
    from wsrnas.spaces import get_space

    genotype = models.genotype(name)
    drawn = action == "draw"
    text = get_space(genotype.space).draw(genotype) if drawn else genotype.to_json() + "\n"
    if out is None and not drawn:
        print(text)
        return 0
    path = Path(out or f"{models.find(name)}.svg")
    write_atomic(path, text)
    print(path)
    return 0
