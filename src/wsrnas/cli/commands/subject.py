"""What `evaluate` and `check` ask alike: which model, on which images, where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from wsrnas.cli.settings import Parser, given
from wsrnas.data import DataConfig


def subject_parser(command: str, description: str | None) -> Parser:
    """Return a parser with the options that both have."""
    parser = Parser(prog=f"wsrnas {command}", description=description)
    parser.add_argument("run", nargs="?", default=None, help="a run folder, an export, or a network of wsrnas zoo list")
    parser.add_argument(
        "--model", default=None, help="package.module:callable, a .onnx file, timm:NAME, hf:NAME or a zoo name"
    )
    parser.add_argument("--weights", default=None, help=".safetensors or .pt state dict for --model")
    parser.add_argument("--norm", default="Linf", help="Linf or L2")
    parser.add_argument("--limit", type=int, default=None, help="how many test images")
    parser.add_argument("--others", nargs="+", default=[], help="other models of the same classes, to make noise on")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or mps")
    parser.add_argument("--out", default=None, help="folder written to (default: the run)")
    parser.add_argument("--seed", type=int, default=0, help="of all random starts")
    parser.add_class_arguments(DataConfig, "data")
    return parser


def subject_options(options: Any, arguments: Sequence[str]) -> dict[str, Any]:
    """Return the options that both have as keyword arguments."""
    return {
        "model": options.model,
        "weights": options.weights,
        "norm": options.norm,
        "data": data_options(options, arguments),
        "limit": options.limit,
        "others": options.others,
        "device": options.device,
        "out": options.out,
        "seed": options.seed,
    }


def data_options(options: Any, arguments: Sequence[str]) -> dict[str, Any]:
    """Return the data settings that were given; one given at its default still changes the run's."""
    names = [field.name for field in fields(DataConfig)]
    if given(arguments, "--data") is not None:
        return {name: getattr(options.data, name) for name in names}
    return {name: getattr(options.data, name) for name in names if given(arguments, f"--data.{name}") is not None}
