"""The "Basic" case of Table 6: Eq. 10 without any estimator."""

from __future__ import annotations

from typing import ClassVar, final

from torch import Tensor

from wsrnas.search.strategies.mixture import MixtureStrategy


@final
class NaiveGradient(MixtureStrategy):
    """A ← A − c·∇_A [α·L₀ + β·Σ βᵢ·Lᵢ] by back-propagation through the super-network on adversarial images of D_v.

    It is slow, which is what Table 6 is about: each of the `steps_per_query` steps of an iteration attacks a batch of
    D_v at all S strengths through all K operations of every edge, which takes 2·steps·S + 2·(1+S) passes an image, and
    each of them costs five to nine passes of a sampled network. What the edges have in common is computed once
    (`wsrnas.spaces.mixing`).

    Source: Wsr-NAS, Section 4.4 and Table 6, "Basic".
    Differs from the paper: nothing it states; its step size is not given.
    """

    name: ClassVar[str] = "naive-gradient"
    robust: ClassVar[bool] = True

    def target(self, losses: Tensor) -> Tensor:
        """Return Eq. 10."""
        return self.objective(losses)
