"""`wsrnas train`: train an architecture adversarially."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from wsrnas.cli.settings import Parser, parse_config, said
from wsrnas.data import load_data
from wsrnas.training.config import TrainConfig


def train(arguments: Sequence[str]) -> int:
    """Train an architecture adversarially."""
    from wsrnas.models.named import describe, network_spec, read_arch, size_of
    from wsrnas.training.train import train as run_train

    parser = Parser(prog="wsrnas train", description=train.__doc__)
    parser.add_argument("--arch", required=True, help="a zoo name, genotype.json, a search run, or published text")
    parser.add_argument("--out", required=True, help="run folder")
    config, options = parse_config(TrainConfig, "train", parser, arguments, default="pgd-digits")
    arch = read_arch(options.arch)
    data = load_data(config.data, config.seed)
    network = network_spec(arch, config.network, data, said=said(arguments, "train", "network"))
    config = replace(config, network=size_of(network, config.network))
    print(f"network: {describe(arch, network)}")
    result = run_train(config, network, options.out, data=data)
    clean, robust = result.held_out_accuracy, result.held_out_robust_accuracy
    held_out = "" if clean is None else f"; held-out accuracy {clean:.1%}"
    held_out += "" if robust is None or result.strength is None else f", under PGD at {result.strength:g} {robust:.1%}"
    print(f"trained: {options.out}, epoch {result.epoch} kept{held_out}")
    print(f"next: wsrnas evaluate {options.out}")
    return 0
