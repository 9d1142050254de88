"""Noise estimators by name."""

from __future__ import annotations

from typing import Any

from wsrnas.errors import nearest, refuse
from wsrnas.estimators.noise.attention import AANE
from wsrnas.estimators.noise.base import NoiseEstimator
from wsrnas.estimators.noise.encoding import EANE, EANEMinus
from wsrnas.estimators.noise.plus import PlusANE
from wsrnas.estimators.noise.rescale import Rescale
from wsrnas.estimators.noise.weighted_average import WeightedAverage
from wsrnas.rng import fixed_global_seed
from wsrnas.types import Norm

NOISE_ESTIMATORS: dict[str, type[NoiseEstimator]] = {
    "weighted-average": WeightedAverage,
    "rescale": Rescale,
    "a-ane": AANE,
    "e-ane": EANE,
    "e-ane-minus": EANEMinus,
    "plus-ane": PlusANE,
}


def noise_estimator(
    name: str,
    *,
    image_shape: tuple[int, int, int],
    norm: Norm = "Linf",
    seed: int = 0,
    **sizes: Any,
) -> NoiseEstimator:
    """Return the estimator of that name; learned ones are built for images of `image_shape`, weights drawn from `seed`.

    `sizes` are the keyword arguments of its class, such as ``weights="paper"`` or ``hidden=90``.

    Raises:
        InputError: an unknown name, or a size the estimator does not have.
    """
    if name not in NOISE_ESTIMATORS:
        refuse("noise_estimator", expected="a known name", got=name, remedy=nearest(name, list(NOISE_ESTIMATORS)))
    kind = NOISE_ESTIMATORS[name]
    arguments: dict[str, Any] = {"norm": norm, **sizes}
    if kind.needs_training:
        arguments["image_shape"] = image_shape
    try:
        with fixed_global_seed(seed, "noise_estimator", name):
            return kind(**arguments)
    except TypeError as error:
        refuse(name, expected=f"settings of {kind.__name__}", got=", ".join(sizes) or "none", remedy=str(error))
