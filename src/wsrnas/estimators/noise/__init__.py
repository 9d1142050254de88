"""Noise estimators (AN-Estimator, φ)."""

from wsrnas.estimators.noise.attention import AANE
from wsrnas.estimators.noise.base import NoiseEstimator, project
from wsrnas.estimators.noise.encoding import EANE, EANEMinus
from wsrnas.estimators.noise.examples import EXAMPLES, examples_per_image, push_noise
from wsrnas.estimators.noise.fidelity import fidelity, loss_error
from wsrnas.estimators.noise.fit import RELEASED_FIT, NoiseFit, NoiseLoss, RaisedLoss, fit_noise_estimator
from wsrnas.estimators.noise.form import Form
from wsrnas.estimators.noise.plus import PlusANE
from wsrnas.estimators.noise.refine import REFINE_STEP, refine, refine_outwards
from wsrnas.estimators.noise.registry import NOISE_ESTIMATORS, noise_estimator
from wsrnas.estimators.noise.rescale import Rescale
from wsrnas.estimators.noise.weighted_average import WeightedAverage

__all__ = [
    "AANE",
    "EANE",
    "EXAMPLES",
    "NOISE_ESTIMATORS",
    "REFINE_STEP",
    "RELEASED_FIT",
    "EANEMinus",
    "Form",
    "NoiseEstimator",
    "NoiseFit",
    "NoiseLoss",
    "PlusANE",
    "RaisedLoss",
    "Rescale",
    "WeightedAverage",
    "examples_per_image",
    "fidelity",
    "fit_noise_estimator",
    "loss_error",
    "noise_estimator",
    "project",
    "push_noise",
    "refine",
    "refine_outwards",
]
