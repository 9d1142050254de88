"""The "Basic" case of Table 6: Eq. 10 without any estimator."""

from __future__ import annotations

from typing import ClassVar, final

from torch import Tensor

from wsrnas.search.strategies.mixture import MixtureStrategy


@final
class NaiveGradient(MixtureStrategy):
    """A ← A − c·∇_A [α·L₀ + β·Σ βᵢ·Lᵢ] by back-propagation through the super-network on adversarial images of D_v.

    Source: Wsr-NAS, Section 4.4 and Table 6, "Basic".
    Differs from the paper: nothing it states; its step size is not given.
    """

    name: ClassVar[str] = "naive-gradient"
    robust: ClassVar[bool] = True

    def target(self, losses: Tensor) -> Tensor:
        """Return Eq. 10."""
        return self.objective(losses)
