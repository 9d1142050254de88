"""Noise estimators (AN-Estimator, φ): one file each, listed here by the name recipes use."""

from __future__ import annotations

from typing import Any

from wsrnas.errors import refuse
from wsrnas.estimators.noise.attention import AANE
from wsrnas.estimators.noise.base import NoiseEstimator, project
from wsrnas.estimators.noise.encoding import EANE, EANEMinus
from wsrnas.estimators.noise.examples import EXAMPLES, examples_per_image, push_noise
from wsrnas.estimators.noise.fidelity import fidelity, loss_error
from wsrnas.estimators.noise.fit import RELEASED_FIT, NoiseFit, NoiseLoss, RaisedLoss, fit_noise_estimator
from wsrnas.estimators.noise.form import Form
from wsrnas.estimators.noise.plus import PlusANE
from wsrnas.estimators.noise.refine import REFINE_STEP, refine, refine_outwards
from wsrnas.estimators.noise.rescale import Rescale
from wsrnas.estimators.noise.weighted_average import WeightedAverage
from wsrnas.parts import PartConfig, Parts
from wsrnas.rng import fixed_global_seed
from wsrnas.types import Norm

NOISE_ESTIMATORS: Parts[NoiseEstimator] = Parts(
    NoiseEstimator,
    "noise_estimators",
    [
        ("weighted-average", WeightedAverage),
        ("rescale", Rescale),
        ("a-ane", AANE),
        ("e-ane", EANE),
        ("e-ane-minus", EANEMinus),
        ("plus-ane", PlusANE),
    ],
)


def noise_estimator(
    name: str,
    *,
    image_shape: tuple[int, int, int],
    norm: Norm = "Linf",
    seed: int = 0,
    **sizes: Any,
) -> NoiseEstimator:
    """Return the estimator of that name; learned ones are built for images of `image_shape`, weights drawn from `seed`.

    `sizes` are the keyword arguments of its class, such as ``form="printed"`` or ``hidden=90``.

    Raises:
        InputError: an unknown name, a size the estimator does not have, or a norm it does not know.
    """
    config = PartConfig(name=name, settings=sizes)
    with fixed_global_seed(seed, "noise_estimator", name):
        built = NOISE_ESTIMATORS.build(config, argument="noise_estimator", image_shape=image_shape, norm=norm)
    if built.norm != norm:
        remedy = "let its constructor take norm= and hand it on"
        refuse("noise_estimator", expected=f"an estimator for the norm {norm}", got=f"{name}, made for {built.norm}",
               remedy=remedy)  # fmt: skip
    return built


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
