"""`wsrnas bench tiny-robustbench`: which label, at which cost, ranks final robustness? Judged on learning curves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from rich.console import Console
from rich.table import Table
from torch import Tensor

from wsrnas.errors import refuse
from wsrnas.estimators.loss.metrics import kendall
from wsrnas.files import check_writable, write_json
from wsrnas.studies.tables.policies import Policy, label_policies, psi_policies, truth
from wsrnas.studies.tables.tiny_table import load_curves

SAME_SIZE = 0.05
EQUAL_SIZE = f"Kendall tau over the pairs of networks within {SAME_SIZE:.0%} of each other's parameters"


def run(
    data: str | Path, *, seeds: int = 5, json_path: str | Path | None = None, quiet: bool = False
) -> dict[str, Any]:
    """Judge every policy by Kendall τ with final robust accuracy; print a table; return what `--json` writes.

    Per policy: `tau` over all networks; `tau_equal_size`, over the pairs of equal size alone
    (`kendall_at_equal_size`); `cost`, epochs of training for each network of the table.

    Args:
        data: folder of the published files.
        seeds: how often networks are dealt out to ψ and to those that it ranks.
        json_path: where to write the result.
        quiet: print nothing.

    Raises:
        InputError: no such files, damaged ones, or fewer than one seed.
    """
    if seeds < 1:
        refuse("--seeds", expected="at least 1", got=seeds)
    check_writable(json_path, argument="--json")
    curves = load_curves(data)
    final = truth(curves)
    judged = [*label_policies(curves), *psi_policies(curves, seeds=seeds, quiet=quiet)]
    result = {
        "networks": len(final),
        "epochs": curves.epochs,
        "drop": curves.drop,
        "equal_size": EQUAL_SIZE,
        "policies": {policy.name: _judged(policy, final, curves.parameters) for policy in judged},
    }
    if not quiet:
        _print(result)
    if json_path is not None:
        write_json(Path(json_path), result)
    return result


def _judged(policy: Policy, final: Float[Tensor, "A"], parameters: Float[Tensor, "A"]) -> dict[str, float]:
    taus = [kendall(scores, final) for scores in policy.scores]
    equal = [kendall_at_equal_size(scores, final, parameters) for scores in policy.scores]
    return {
        "tau": round(sum(taus) / len(taus), 4),
        "tau_equal_size": round(sum(equal) / len(equal), 4),
        "cost": round(policy.cost, 2),
    }


def kendall_at_equal_size(x: Float[Tensor, "A"], y: Float[Tensor, "A"], parameters: Float[Tensor, "A"]) -> float:
    """Return Kendall's τ_b over the pairs of networks alone whose parameters differ by at most `SAME_SIZE`.

    0 where there is no such pair, or all are tied. Partial τ given the size (Kendall, 1942) would not do: where both
    follow size closely and nothing else, it is far from 0.
    """
    first, second = torch.triu_indices(len(x), len(x), offset=1)
    ratio = parameters[first] / parameters[second]
    near = torch.maximum(ratio, 1 / ratio) <= 1 + SAME_SIZE
    left = (x[first] - x[second]).sign()[near].double()
    right = (y[first] - y[second]).sign()[near].double()
    untied = float(left.abs().sum() * right.abs().sum()) ** 0.5
    return float((left * right).sum()) / untied if untied else 0.0


def _print(result: dict[str, Any]) -> None:
    title = f"Kendall tau with final robust accuracy, {result['networks']} networks, {result['epochs']} epochs each"
    shown = Table(title=title, caption=f"at equal size: {EQUAL_SIZE}")
    shown.add_column("policy", no_wrap=True)
    for name in ("tau", "at equal size", "epochs a network"):
        shown.add_column(name, justify="right")
    for name, row in sorted(result["policies"].items(), key=lambda item: item[1]["cost"]):
        shown.add_row(name, f"{row['tau']:.2f}", f"{row['tau_equal_size']:.2f}", f"{row['cost']:.1f}")
    Console().print(shown)
