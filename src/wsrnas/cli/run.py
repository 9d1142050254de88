"""`wsrnas train`: train an architecture adversarially."""

from __future__ import annotations

from collections.abc import Sequence

from wsrnas.cli.settings import Parser, parse_config
from wsrnas.data import load_data
from wsrnas.training.config import TrainConfig


def train(arguments: Sequence[str]) -> int:
    """Train an architecture adversarially."""
    from wsrnas.models.named import network_spec
    from wsrnas.training.train import train as run_train

    parser = Parser(prog="wsrnas train", description=train.__doc__)
    parser.add_argument("--arch", required=True, help="a zoo name, genotype.json, a search run, or published text")
    parser.add_argument("--out", required=True, help="run folder")
    config, options = parse_config(TrainConfig, "train", parser, arguments, default="pgd-digits")
    data = load_data(config.data, config.seed)
    result = run_train(config, network_spec(options.arch, config.network, data), options.out, data=data)
    clean, robust = result.held_out_accuracy, result.held_out_robust_accuracy
    held_out = "" if clean is None else f"; held-out accuracy {clean:.1%}"
    held_out += "" if robust is None or result.strength is None else f", under PGD at {result.strength:g} {robust:.1%}"
    print(f"trained: {options.out}, epoch {result.epoch} kept{held_out}")
    print(f"next: wsrnas evaluate {options.out}")
    return 0
