"""What a search has found, put together from its finalists and from what it wrote down on the way."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import torch

from wsrnas.data import DataBundle
from wsrnas.estimators.loss.metrics import kendall_per_head
from wsrnas.runs import RunFolder
from wsrnas.search.config import SearchConfig
from wsrnas.search.evaluators.charged import ChargedEvaluator
from wsrnas.search.result import Finalist, SearchResult
from wsrnas.search.setup import count_parameters, network_config
from wsrnas.search.size_share import size_share
from wsrnas.spaces import get_space
from wsrnas.spaces.genotype import Genotype
from wsrnas.types import Choice, Losses


def outcome(
    config: SearchConfig,
    data: DataBundle,
    evaluator: ChargedEvaluator,
    folder: RunFolder,
    ranked: list[tuple[Genotype, Losses]],
    *,
    alone: bool,
    seconds: float,
    charged: float,
    latency: dict[str, Any] | None,
) -> SearchResult:
    """Return the result of a search.

    Args:
        ranked: the finalists with their verified losses, best first.
        alone: whether they were trained alone for it, at `charged` image passes.
        latency: what is said of a limit of latency, where there is one.
    """
    sizes, objective, lines = network_config(config, data), config.spectrum.objective(), folder.lines()

    def described(genotype: Genotype, losses: Losses) -> Finalist:
        searched = _search_losses(evaluator.space.choice(genotype), lines)
        return Finalist(
            id=genotype.id,
            parameters=count_parameters(evaluator.space.build(genotype, sizes)),
            verified_losses=tuple(losses.tolist()),
            verified_objective=float(objective(losses)),
            losses=None if searched is None else tuple(searched),
        )

    winner, finalists = ranked[0][0], tuple(described(*one) for one in ranked)
    spectrum, apart = evaluator.spectrum, config.evaluator == "trained"
    known = spectrum.strengths if apart else config.spectrum.attacked_strengths()
    return SearchResult(
        path=folder.path,
        genotype=winner,
        strategy=config.strategy.name,
        recipe=config.recipe,
        preset=config.preset,
        seed=config.seed,
        evaluator=config.evaluator,
        space=evaluator.space.name,
        data={
            "name": data.name,
            "fingerprint": data.fingerprint,
            "classes": data.num_classes,
            "notes": list(data.notes),
        },
        strengths=spectrum.strengths,
        known=known,
        estimated=tuple(strength for strength in spectrum.strengths if strength not in known),
        fallen_back=tuple(strength for strength in spectrum.attacked if strength not in known),
        objective=asdict(objective),
        winner=finalists[0],
        finalists=finalists,
        verified_by="training alone" if alone or apart else "shared weights",
        kendall=_held_out_agreement(lines),
        fidelity=_mean_fidelity(lines),
        warnings=tuple(warning for line in lines for warning in line.get("warnings", [])),
        cost=evaluator.cost,
        spent=dict(evaluator.spent),
        verification_cost=charged,
        seconds=seconds,
        latency=latency,
        size=size_share(lines, get_space(config.space.name), sizes, objective, winner),
    )


def _search_losses(choice: Choice, lines: list[dict[str, Any]]) -> list[float] | None:
    """Return the losses last measured for an architecture during the search."""
    found = [line["losses"] for line in lines if line.get("losses") and tuple(line.get("architecture", ())) == choice]
    return found[-1] if found else None


def _held_out_agreement(lines: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Kendall τ per loss between what ψ predicted and what was then measured."""
    pairs = [(line["predicted"], line["losses"]) for line in lines if line.get("predicted") is not None]
    if len(pairs) < 3:
        return None
    predicted, measured = (torch.tensor(column) for column in zip(*pairs))
    return {"per_strength": kendall_per_head(predicted, measured), "held_out": len(pairs)}


def _mean_fidelity(lines: list[dict[str, Any]]) -> dict[str, float]:
    shares: dict[str, list[float]] = {}
    for line in lines:
        for strength, share in (line.get("fidelity") or {}).items():
            if share is not None:
                shares.setdefault(strength, []).append(share)
    return {strength: sum(found) / len(found) for strength, found in shares.items()}
