"""ψ by name, told the sizes of the space and what tells its architectures apart."""

from __future__ import annotations

from typing import Any

from wsrnas.estimators.loss import LOSS_ESTIMATORS
from wsrnas.estimators.loss.base import LossEstimator
from wsrnas.estimators.loss.features import Features
from wsrnas.estimators.loss.gaussian_process import GaussianProcessLossEstimator
from wsrnas.parts import PartConfig
from wsrnas.search.base import Budget, Evaluator
from wsrnas.search.wsr.settings import WsrSettings
from wsrnas.spaces.base import SearchSpace
from wsrnas.spaces.sized import sized_features


def path_features(space: SearchSpace) -> Features:
    """Return the features by which the Gaussian process tells the architectures of a space apart."""
    return space.features


def estimator_sizes(space: SearchSpace, strengths: int, seed: int) -> dict[str, int]:
    """Return what every ψ is told: E, K, one loss for the clean images and one per strength, and its seed."""
    return {
        "num_edges": space.num_edges,
        "num_operations": space.num_operations,
        "num_losses": 1 + strengths,
        "seed": seed,
    }


def loss_estimator(settings: WsrSettings, evaluator: Evaluator, seed: int, budget: Budget) -> LossEstimator:
    """Return ψ, untrained.

    Raises:
        InputError: an unknown name, or settings that this ψ does not have.
    """
    given: dict[str, Any] = dict(estimator_sizes(evaluator.space, len(evaluator.strengths), seed))
    kind = LOSS_ESTIMATORS.kind(settings.loss_estimator, argument="strategy.settings.loss_estimator")
    if kind is GaussianProcessLossEstimator:
        share = settings.live_edges_after
        given["paths"] = sized_features(evaluator.space) if settings.size else path_features(evaluator.space)
        given["until"] = None if share is None else int(share * budget.queries)
    config = PartConfig(name=settings.loss_estimator, settings=settings.loss_estimator_settings)
    return LOSS_ESTIMATORS.build(config, argument="strategy.settings.loss_estimator", **given)
