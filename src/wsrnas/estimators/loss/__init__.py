"""Loss estimators (VLE, ψ)."""

from wsrnas.estimators.loss.base import LossEstimator
from wsrnas.estimators.loss.ensemble import EnsembleLossEstimator
from wsrnas.estimators.loss.gaussian_process import GaussianProcessLossEstimator
from wsrnas.estimators.loss.lstm import LSTMLossEstimator
from wsrnas.parts import Parts

LOSS_ESTIMATORS: Parts[LossEstimator] = Parts(
    LossEstimator,
    "loss_estimators",
    [
        ("lstm", LSTMLossEstimator),
        ("ensemble", EnsembleLossEstimator),
        ("gaussian-process", GaussianProcessLossEstimator),
    ],
)

__all__ = [
    "LOSS_ESTIMATORS",
    "EnsembleLossEstimator",
    "GaussianProcessLossEstimator",
    "LSTMLossEstimator",
    "LossEstimator",
]
