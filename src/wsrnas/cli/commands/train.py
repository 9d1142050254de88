"""`wsrnas train`: train an architecture adversarially."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from wsrnas import recipes
from wsrnas.cli.as_json import add_json, only_result, print_json
from wsrnas.cli.settings import Parser, given, parse_config, said
from wsrnas.data import load_data
from wsrnas.errors import refuse
from wsrnas.models.network import (
    ActivatedNetwork,
    EnsembleNetwork,
    GenotypeNetwork,
    NamedNetwork,
    NetworkSpec,
    network_from,
)
from wsrnas.parts import Parts
from wsrnas.runs.loggers import logged
from wsrnas.runtime import processes
from wsrnas.spaces.genotype import Genotype
from wsrnas.training.config import TrainConfig
from wsrnas.training.losses import LOSSES
from wsrnas.training.schedules import SCHEDULES

DEFAULT = "pgd-digits"
NETWORK = "trains"
"""The key of a training's config.yaml that describes its network."""


def train(arguments: Sequence[str]) -> int:
    """Train an architecture adversarially."""
    from wsrnas.models.named import describe, network_spec, read_arch, size_of
    from wsrnas.training.report.page import write_train_report
    from wsrnas.training.report.record import next_commands, read_train_run
    from wsrnas.training.said import notes, what_is_trained
    from wsrnas.training.train import train as run_train

    parser = Parser(prog="wsrnas train", description=train.__doc__)
    forms = "a zoo name, genotype.json, a search run, or published text; not needed with a run's config.yaml as recipe"
    parser.add_argument("--arch", default=None, help=forms)
    parser.add_argument("--out", default=None, help="run folder")
    parser.add_argument("--log", default=None, help="show metrics elsewhere too: tensorboard, wandb, mlflow")
    add_json(parser)
    parts: dict[str, Parts[Any]] = {"loss": LOSSES, "schedule": SCHEDULES}
    config, options = parse_config(
        TrainConfig, "train", parser, arguments, default=DEFAULT, parts=parts, aside=(NETWORK,)
    )
    if options.out is None:
        refuse("--out", expected="a run folder", got="nothing", remedy="name one such as --out runs/b")
    again = _again(given(arguments, "--recipe") or DEFAULT)
    if options.arch is None and again is None:
        remedy = "give a zoo name (wsrnas zoo list), a genotype file or a search run"
        refuse("--arch", expected="an architecture", got="nothing", remedy=remedy)
    if options.arch is None and isinstance(again, GenotypeNetwork):
        arch: Genotype | str = again.genotype
    else:
        arch = read_arch(again.name if options.arch is None and isinstance(again, NamedNetwork) else options.arch)
    data = load_data(config.data, config.seed)
    network = network_spec(arch, config.network, data, said=said(arguments, "train", "network"))
    config = replace(config, network=size_of(network, config.network))
    with only_result(options.json):
        print(f"network: {describe(arch, network)}")
        for note in data.notes:
            print(f"data: {note}")
        print(what_is_trained(config, data))
        for note in notes(config):
            print(f"note: {note}")
        with logged(options.log):
            result = run_train(config, network, options.out, data=data)
        page = processes.first(lambda: write_train_report(Path(options.out)))
    if not processes.is_first():
        return 0
    if options.json:
        print_json({"path": result.path, **result.to_dict(), "report": page})
        return 0
    print(result)
    print(f"report: {page}")
    for command, _ in next_commands(read_train_run(Path(options.out)))[:1]:
        print(f"next: {command}")
    return 0


def _again(recipe: str) -> NetworkSpec | None:
    """Return the network of the training whose config.yaml the recipe is, before bands and activation were applied."""
    described = recipes.load("train", recipe).get(NETWORK)
    if described is None:
        return None
    if not isinstance(described, dict):
        refuse(f"--recipe {recipe}", expected=f"a network under {NETWORK!r}", got=type(described).__name__)
    network = network_from(described, source=f"--recipe {recipe}")
    if isinstance(network, EnsembleNetwork):
        network = network.members[0]
    return network.network if isinstance(network, ActivatedNetwork) else network
