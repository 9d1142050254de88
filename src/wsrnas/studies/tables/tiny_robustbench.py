"""`wsrnas bench tiny-robustbench`: which label, at which cost, ranks final robustness? Judged on learning curves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jaxtyping import Float
from rich.console import Console
from rich.table import Table
from torch import Tensor

from wsrnas.errors import refuse
from wsrnas.estimators.loss.metrics import kendall
from wsrnas.files import check_writable, write_json
from wsrnas.studies.tables.policies import Policy, label_policies, psi_policies, truth
from wsrnas.studies.tables.tiny_table import load_curves

EQUAL_SIZE = "partial Kendall tau given the number of parameters"


def run(
    data: str | Path, *, seeds: int = 5, json_path: str | Path | None = None, quiet: bool = False
) -> dict[str, Any]:
    """Judge every policy by Kendall τ with final robust accuracy; print a table; return what `--json` writes.

    Per policy: `tau` over all networks; `tau_equal_size`, what is left of it among networks of equal size
    (`partial_kendall` given the parameters); `cost`, epochs of training for each network of the table.

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
    partial = [partial_kendall(scores, final, parameters) for scores in policy.scores]
    return {
        "tau": round(sum(taus) / len(taus), 4),
        "tau_equal_size": round(sum(partial) / len(partial), 4),
        "cost": round(policy.cost, 2),
    }


def partial_kendall(x: Float[Tensor, "A"], y: Float[Tensor, "A"], given: Float[Tensor, "A"]) -> float:
    """Return (τ_xy − τ_xz·τ_yz) / √((1 − τ_xz²)·(1 − τ_yz²)), z = `given`: how x ranks y where z does not tell.

    0 where z tells everything about x or y.

    Source: Kendall, "Partial Rank Correlation", Biometrika 1942.
    """
    xz, yz = kendall(x, given), kendall(y, given)
    left = (1 - xz**2) * (1 - yz**2)
    return (kendall(x, y) - xz * yz) / left**0.5 if left > 1e-12 else 0.0


def _print(result: dict[str, Any]) -> None:
    title = f"Kendall tau with final robust accuracy, {result['networks']} networks, {result['epochs']} epochs each"
    shown = Table(title=title, caption=f"at equal size: {EQUAL_SIZE}")
    shown.add_column("policy", no_wrap=True)
    for name in ("tau", "at equal size", "epochs a network"):
        shown.add_column(name, justify="right")
    for name, row in sorted(result["policies"].items(), key=lambda item: item[1]["cost"]):
        shown.add_row(name, f"{row['tau']:.2f}", f"{row['tau_equal_size']:.2f}", f"{row['cost']:.1f}")
    Console().print(shown)
