"""ψ by name, told the sizes of the space and what tells its architectures apart."""

from __future__ import annotations

from typing import Any

from wsrnas.estimators.loss import LOSS_ESTIMATORS
from wsrnas.estimators.loss.base import LossEstimator
from wsrnas.estimators.loss.features import Features
from wsrnas.estimators.loss.gaussian_process import (
    NOISES,
    NOISES_OF_LABELS_THAT_ERR,
    GaussianProcessLossEstimator,
)
from wsrnas.parts import PartConfig
from wsrnas.search.base import Evaluator
from wsrnas.search.wsr.settings import WsrSettings
from wsrnas.spaces.base import SearchSpace
from wsrnas.spaces.sized import sized_features


def path_features(space: SearchSpace) -> Features:
    """Return the features by which the Gaussian process tells the architectures of a space apart."""
    return space.features


def estimator_sizes(space: SearchSpace, strengths: int, seed: int) -> dict[str, Any]:
    """Return what every ψ is told: E, K, one loss for the clean images and one per strength, and its seed."""
    return {
        "num_edges": space.num_edges,
        "num_operations": space.num_operations,
        "num_losses": 1 + strengths,
        "seed": seed,
    }


def loss_estimator(settings: WsrSettings, evaluator: Evaluator, seed: int) -> LossEstimator:
    """Return ψ, untrained.

    Where labels err, a Gaussian process stays on paths, and may take most of what it sees for noise.

    Raises:
        InputError: an unknown name, or settings that this ψ does not have.
    """
    given = estimator_sizes(evaluator.space, len(evaluator.strengths), seed)
    kind = LOSS_ESTIMATORS.kind(settings.loss_estimator, argument="strategy.settings.loss_estimator")
    if kind is GaussianProcessLossEstimator:
        exact = evaluator.exact
        given["paths"] = sized_features(evaluator.space) if settings.size else path_features(evaluator.space)
        given["until"] = settings.live_edges_from if exact else None
        given["noises"] = NOISES if exact else NOISES_OF_LABELS_THAT_ERR
    config = PartConfig(name=settings.loss_estimator, settings=settings.loss_estimator_settings)
    return LOSS_ESTIMATORS.build(config, argument="strategy.settings.loss_estimator", **given)
