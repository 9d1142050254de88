"""What part of a search's gain is size: its labels against the parameters of what they label."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from wsrnas.estimators.loss.metrics import kendall
from wsrnas.search.objective import SearchObjective
from wsrnas.spaces.base import NetworkConfig, SearchSpace
from wsrnas.spaces.genotype import Genotype
from wsrnas.spaces.sampling import parameter_count
from wsrnas.types import Choice

FEWEST = 5


def size_share(
    lines: Sequence[dict[str, Any]],
    space: SearchSpace,
    sizes: NetworkConfig,
    objective: SearchObjective,
    winner: Genotype,
) -> dict[str, Any] | None:
    """Return Kendall τ between labels and parameters (1: the larger, the better), and the winner's gain by both.

    `gain`: by how much the winner's label of Eq. 10 is below the mean of all labels; `gain_by_size`: how much of it the
    straight line of the labels over log₂ of the parameters gives to an architecture of the winner's size. None where
    too few architectures were labelled that can be built, or the winner was not.
    """
    labelled = labelled_genotypes(lines, space, objective)
    if len(labelled) < FEWEST or space.choice(winner) not in labelled:
        return None
    counts = [parameter_count(space, genotype, sizes) for genotype, _ in labelled.values()]
    logs, values = (
        torch.tensor(counts).double().log2(),
        torch.tensor([value for _, value in labelled.values()]).double(),
    )
    spread = (logs - logs.mean()).square().sum()
    slope = float(((logs - logs.mean()) * (values - values.mean())).sum() / spread) if spread > 0 else 0.0
    place = list(labelled).index(space.choice(winner))
    return {
        "kendall": kendall(-values, logs),
        "labels": len(values),
        "gain": float(values.mean() - values[place]),
        "gain_by_size": slope * float(logs.mean() - logs[place]),
    }


def labelled_genotypes(
    lines: Sequence[dict[str, Any]], space: SearchSpace, objective: SearchObjective
) -> dict[Choice, tuple[Genotype, float]]:
    """Return the architectures that were labelled and can be built, each with Eq. 10 of its last label."""
    labels = {tuple(line["architecture"]): line["losses"] for line in lines if line.get("losses")}
    found = {}
    for choice, losses in labels.items():
        genotype = space.decode(space.one_hot(choice))
        if space.choice(genotype) == choice and len(losses) == len(objective.coefficients()):
            found[choice] = (genotype, float(objective(torch.tensor(losses))))
    return found


def size_sentence(found: dict[str, Any]) -> str:
    """Say it in words."""
    said = (
        f"Kendall τ between the labels of {found['labels']} architectures and their parameters is "
        f"{found['kendall']:+.2f} (1: the larger, the better)"
    )
    if found["gain"] <= 0:
        return f"{said}; the winner's label is no better than the mean."
    return (
        f"{said}. The winner's label is {found['gain']:.3f} below the mean; its size alone would account for "
        f"{found['gain_by_size']:.3f} of that, {found['gain_by_size'] / found['gain']:.0%}."
    )
