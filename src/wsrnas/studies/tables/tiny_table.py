"""Published learning curves of DARTS-space networks trained adversarially, in their own file format."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from wsrnas.errors import InputError, refuse
from wsrnas.files import read_text
from wsrnas.spaces.base import NetworkConfig
from wsrnas.spaces.darts import DartsSpace
from wsrnas.spaces.genotype import Genotype
from wsrnas.spaces.parse import parse_darts
from wsrnas.studies.tables.assignment import parse_values
from wsrnas.typed import finite, fits

WHERE = "give the folder of the published files robust_bench_seed_*.json of Tiny-RobustBench (Feng et al., ICLR 2025)"
FILES = "robust_bench_seed_*.json"
CLEAN, ROBUST = "test_ep_top1_original", "test_ep_top1_adv"
FEWEST = 20
"""Fewer networks rank by chance."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Curves:
    """Networks with their learning curves, in percent: `clean` and `robust` test accuracy (A, epochs).

    `robust` is 0 in the epochs in which nobody attacked. `drop` is the epoch, counted from 1, after which the learning
    rate falls; `parameters` (A,) are counted for the published size.
    """

    genotypes: tuple[Genotype, ...]
    parameters: Float[Tensor, "A"]
    clean: Float[Tensor, "A epochs"]
    robust: Float[Tensor, "A epochs"]
    drop: int

    @property
    def epochs(self) -> int:
        """How long every network was trained."""
        return self.clean.shape[1]

    @property
    def attacked(self) -> list[int]:
        """The epochs, counted from 1, in which every network's robust accuracy was measured."""
        measured = (self.robust > 0).all(dim=0)
        return [epoch + 1 for epoch in range(self.epochs) if measured[epoch]]


def load_curves(folder: str | Path) -> Curves:
    """Read every `robust_bench_seed_*.json` of a folder: lists of networks with genotype, settings and curves.

    Source: Feng et al., Tiny-RobustBench, ICLR 2025: random DARTS cells, PGD-7 training at 8/255, one drop of the rate.

    Raises:
        InputError: no such folder, damaged files, networks that were trained in different ways, or too few.
    """
    root = Path(folder)
    files = sorted(root.glob(FILES)) if root.is_dir() else []
    if not files:
        refuse("--data", expected=f"a folder with {FILES}", got=str(root), remedy=WHERE)
    entries: list[tuple[str, dict[str, Any]]] = []
    for path in files:
        content = parse_values(read_text(path, remedy=WHERE), path, remedy=WHERE)
        if not isinstance(content, list) or not all(isinstance(entry, dict) for entry in content):
            refuse(str(path), expected="a list of networks", got=type(content).__name__, remedy=WHERE)
        entries += [(f"{path}: network {place}", entry) for place, entry in enumerate(content, start=1)]
    if len(entries) < FEWEST:
        refuse(str(root), expected=f"at least {FEWEST} networks", got=len(entries), remedy=WHERE)
    for where, entry in entries:
        _check_entry(where, entry)
    where, first = entries[0]
    for other, entry in entries[1:]:
        for key in ("optim", "adversarial_param"):
            if entry[key] != first[key]:
                refuse(other, expected=f"{key} as of {where}", got=repr(entry[key])[:120], remedy=WHERE)
        if _size(entry) != _size(first) or len(entry[CLEAN]) != len(first[CLEAN]):
            expected = f"width, depth and epochs as of {where}"
            refuse(other, expected=expected, got=f"{_size(entry)} and {len(entry[CLEAN])} epochs", remedy=WHERE)
    genotypes = tuple(_genotype(where, entry["net"]["genotype"]) for where, entry in entries)
    space, (width, depth) = DartsSpace(), _size(first)
    config = NetworkConfig(channels=width, layers=depth, num_classes=10, image_shape=(3, 32, 32))
    curves = Curves(
        genotypes=genotypes,
        parameters=torch.tensor([float(space.parameters(genotype, config)) for genotype in genotypes]),
        clean=torch.tensor([[float(value) for value in entry[CLEAN]] for _, entry in entries]),
        robust=torch.tensor([[float(value) for value in entry[ROBUST]] for _, entry in entries]),
        drop=first["optim"]["lr_descent_epoch"][0],
    )
    if not 1 <= curves.drop < curves.epochs:
        refuse(where, expected=f"a drop of the rate before epoch {curves.epochs}", got=curves.drop, remedy=WHERE)
    after = [epoch for epoch in curves.attacked if epoch > curves.drop]
    if len(after) < 4:
        expected = "robust accuracy of every network in at least 4 epochs after the drop"
        refuse(str(root), expected=expected, got=len(after), remedy=WHERE)
    return curves


def _check_entry(where: str, entry: dict[str, Any]) -> None:
    """Refuse a network without what is read of it, or with numbers that are no percentages."""
    for key, kind in (("net", dict), ("optim", dict), ("adversarial_param", dict), (CLEAN, list), (ROBUST, list)):
        if not isinstance(entry.get(key), kind):
            refuse(where, expected=f"the field '{key}'", got=repr(entry.get(key))[:80], remedy=WHERE)
    for key in (CLEAN, ROBUST):
        if not fits(entry[key], list[float]) or not finite(entry[key]) or not all(0 <= v <= 100 for v in entry[key]):
            refuse(f"{where}: {key}", expected="percentages", got=repr(entry[key])[:80], remedy=WHERE)
    if len(entry[CLEAN]) != len(entry[ROBUST]) or not entry[CLEAN]:
        got = f"{len(entry[CLEAN])} and {len(entry[ROBUST])}"
        refuse(where, expected="as many clean as robust accuracies", got=got, remedy=WHERE)
    net, drops = entry["net"], entry["optim"].get("lr_descent_epoch")
    if not fits(drops, list[int]) or not drops:
        refuse(f"{where}: lr_descent_epoch", expected="the epochs of drops", got=repr(drops)[:80], remedy=WHERE)
    for key in ("width", "depth"):
        if type(net.get(key)) is not int or not 1 <= net[key] <= 1000:
            refuse(f"{where}: {key}", expected="a whole number", got=repr(net.get(key))[:80], remedy=WHERE)
    if net.get("aux"):
        refuse(f"{where}: aux", expected="no auxiliary classifier", got=repr(net["aux"])[:80], remedy=WHERE)


def _size(entry: dict[str, Any]) -> tuple[int, int]:
    return entry["net"]["width"], entry["net"]["depth"]


def _genotype(where: str, cells: Any) -> Genotype:
    """Read the fields of DARTS; the published files write `reduce_concate`."""
    if not isinstance(cells, dict):
        refuse(f"{where}: genotype", expected="normal and reduce", got=repr(cells)[:80], remedy=WHERE)
    known = {key.replace("concate", "concat"): value for key, value in cells.items()}
    fields = ", ".join(f"{key}={value!r}" for key, value in known.items())
    try:
        genotype = parse_darts(f"Genotype({fields})")
        DartsSpace().choice(genotype)
    except InputError as error:
        raise InputError(f"{where}: {error}; {WHERE}") from error
    return genotype
