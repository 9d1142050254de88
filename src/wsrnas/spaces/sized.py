"""How large the network of an architecture is, as a feature beside those of its space."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from wsrnas import rng
from wsrnas.estimators.loss.features import Features
from wsrnas.spaces.base import NetworkConfig, SearchSpace

REFERENCE = NetworkConfig(channels=16, layers=8, num_classes=10, image_shape=(3, 32, 32))
"""The size at which parameters are counted: other widths shift their logarithm of all alike, nearly."""
SAMPLES_PER_FEATURE = 4


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class SizedFeatures(Features):
    """The groups of `features` and one more: log₂ of the parameters, w·(details of H, 1).

    In the cells of this package parameters are linear in the edges in use, so the fit is exact in a genotype and a
    straight line between two.
    """

    features: Features
    weights: Float[Tensor, "D"]

    def __call__(self, encodings: Float[Tensor, "M E K"]) -> tuple[Float[Tensor, "M _"], ...]:
        """Return the groups of the space, and the size (M, 1)."""
        return (*self.features(encodings), self.size(encodings)[:, None])

    def details(self, encodings: Float[Tensor, "M E K"]) -> Float[Tensor, "M _"]:
        """Return the details of the space."""
        return self.features.details(encodings)

    def size(self, encodings: Float[Tensor, "M E K"]) -> Float[Tensor, "M"]:
        """Return log₂ of the parameters."""
        return (_with_one(self.features.details(encodings)) @ self.weights).clamp_min(1.0).log2()


@lru_cache(maxsize=8)
def sized_features(space: SearchSpace) -> SizedFeatures:
    """Return the features of a space with the size added, w fitted by least squares to random architectures."""
    width = space.features.details(torch.zeros(1, space.num_edges, space.num_operations)).shape[1]
    count = SAMPLES_PER_FEATURE * (1 + width)
    samples = [space.sample(rng.stream(0, "sized features", index)) for index in range(count)]
    details = _with_one(space.features.details(torch.stack([space.encode(genotype) for genotype in samples])))
    counted = torch.tensor([space.parameters(genotype, REFERENCE) for genotype in samples], dtype=torch.float64)
    weights = torch.linalg.lstsq(details, counted[:, None], driver="gelsd").solution[:, 0]
    return SizedFeatures(features=space.features, weights=weights)


def _with_one(details: Float[Tensor, "M D"]) -> Float[Tensor, "M D1"]:
    return torch.cat([details, torch.ones(len(details), 1, dtype=details.dtype)], dim=1)
