"""What a Gaussian process sees of an architecture; every search space offers its own."""

from __future__ import annotations

from abc import ABC, abstractmethod

from jaxtyping import Float
from torch import Tensor


class Features(ABC):
    """Functions of H (M, E, K), differentiable in it, in double precision; alike for architectures that are alike."""

    @abstractmethod
    def __call__(self, encodings: Float[Tensor, "M E K"]) -> tuple[Float[Tensor, "M _"], ...]:
        """Return groups of features that say what architectures share; each group gets a length scale of its own."""

    @abstractmethod
    def details(self, encodings: Float[Tensor, "M E K"]) -> Float[Tensor, "M _"]:
        """Return features that tell any two architectures apart, for a process with many labels."""
