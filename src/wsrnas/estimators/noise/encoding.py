"""E-ANE and E-ANE⁻: the hidden states of the RNN are feature maps of the image's size."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar, final

from torch import Tensor

from wsrnas.estimators.noise.base import NoiseEstimator, Strengths, WantedNoises, WantedStrengths
from wsrnas.estimators.noise.form import Form, average_of, check_form, entering, leaving, only_corrected
from wsrnas.estimators.noise.maps import Block, FeatureMapRNN, MapAttention, plain_block
from wsrnas.estimators.noise.weighted_average import Weights, weighted_average
from wsrnas.types import Images, Noises, Norm


class FeatureMapANE(NoiseEstimator):
    """What E-ANE, E-ANE⁻ and plus-ANE share: δ̂_ε̂ = drawn + δ̄_ε̂, drawn from feature maps for hidden states.

    `weights` None leaves the average away.
    """

    needs_training: ClassVar[bool] = True

    def __init__(
        self,
        colours: int,
        block: Block,
        *,
        norm: Norm,
        form: Form,
        weights: Weights | None,
        state_channels: int,
        strength_channels: int,
    ) -> None:
        super().__init__(norm=norm)
        self.form: Form = form
        self.weights: Weights | None = weights
        self.states = FeatureMapRNN(
            colours, state_channels=state_channels, strength_channels=strength_channels, form=form, block=block
        )

    @abstractmethod
    def drawn(self, known_states: Tensor, asked_states: Tensor) -> WantedNoises:
        """Return noises as they leave the networks, from the pairs of states (B,N1 or N2,2S,H,W)."""

    def estimate(
        self, images: Images, known_noise: Noises, known_strengths: Strengths, wanted_strengths: WantedStrengths
    ) -> WantedNoises:
        seen_noise = entering(known_noise, known_strengths, self.form, self.norm)
        drawn = self.drawn(*self.states(images, seen_noise, known_strengths, wanted_strengths))
        noise_hat = leaving(drawn, wanted_strengths, self.form, self.norm)
        if self.weights is None:
            return noise_hat
        return noise_hat + weighted_average(known_noise, known_strengths, wanted_strengths, self.weights)


@final
class EANE(FeatureMapANE):
    """E-ANE: as A-ANE, with feature maps for hidden states, and attention over maps (values from pairs of states).

    δ̂_ε̂ = Σᵢ softmax(K q)ᵢ·vᵢ + δ̄_ε̂. Query and values are blocks of two convolutions on the pairs of states, the keys
    the pairs themselves.

    Args:
        image_shape: (C,H,W); only C matters, any H and W will do.
        form: ``printed``, or ``corrected``: noises enter divided by their strengths and leave multiplied by ε̂,
            strengths enter divided by 0.1, keys pass a block, attention is softmax(K q/√d).
        weights: of Eq. 6, ``paper`` or ``linear``; None takes those of the form, as printed or linear.
        width: channels inside each block.
        state_channels: channels of the hidden states.
        strength_channels: channels of the map of the strength's encoding.
        query_size: channels of keys and queries; None takes 50. The printed form has those of a pair of states.
        grid: side of what keys and queries are pooled to.

    Source: Cheng et al., AAAI 2023, the ablation of Table 5; width and query size from the released code.
    The paper does not say: the layers and their sizes, how maps are compared (here by their largest values over the
    grid, as in the released code), what the first state is (here a convolution of the image, without a further layer).
    Differs from the paper: ``printed``, estimates are projected; ``corrected``, that and what is listed above.
    Differs from the released code: the state starts from a convolution of the image and not the image itself; the
    strength is a constant map and not a learned picture; the query is a step of the RNN and not made from noises; both
    neighbours get their own weight in the average; values may be negative (no ReLU at the end); the average is not zero
    above the known range.
    """

    def __init__(
        self,
        *,
        image_shape: tuple[int, int, int],
        norm: Norm = "Linf",
        form: Form = "corrected",
        weights: Weights | None = None,
        width: int = 100,
        state_channels: int = 8,
        strength_channels: int = 8,
        query_size: int | None = None,
        grid: int = 1,
    ) -> None:
        check_form(form)
        block, colours = plain_block(width), image_shape[0]
        super().__init__(
            colours,
            block,
            norm=norm,
            form=form,
            weights=average_of(form, weights),
            state_channels=state_channels,
            strength_channels=strength_channels,
        )
        size = compared_channels(form, query_size, state_channels)
        self.attention = MapAttention(2 * state_channels, colours, size=size, grid=grid, form=form, block=block)

    def drawn(self, known_states: Tensor, asked_states: Tensor) -> WantedNoises:
        """Return Σᵢ softmax(K q)ᵢ·vᵢ."""
        attended: Tensor = self.attention(known_states, asked_states)
        return attended


def compared_channels(form: Form, query_size: int | None, state_channels: int) -> int:
    """Return the channels of keys and queries: those of a pair of states in the printed form."""
    why = f"whose keys are the pairs of states, 2·{state_channels} channels"
    return only_corrected(form, "query_size", query_size, 2 * state_channels if form == "printed" else 50, why=why)


@final
class EANEMinus(FeatureMapANE):
    """E-ANE⁻: E-ANE without attention; its output are the query feature maps, a block on the two states at ε̂.

    ``printed``: δ̂_ε̂ = block(the two states at ε̂), with no average, so `weights` has no meaning there;
    ``corrected``: δ̂_ε̂ = ε̂·block(the two states at ε̂) + δ̄_ε̂, as in the other designs.

    Arguments as `EANE`. Source: Cheng et al., AAAI 2023, the ablation of Table 5.
    The paper does not say, and both forms differ from the paper and the released code, as `EANE`; the released code
    trains this design for 8 times as many steps as A-ANE.
    """

    def __init__(
        self,
        *,
        image_shape: tuple[int, int, int],
        norm: Norm = "Linf",
        form: Form = "corrected",
        weights: Weights | None = None,
        width: int = 100,
        state_channels: int = 8,
        strength_channels: int = 8,
    ) -> None:
        check_form(form)
        chosen = average_of(form, only_corrected(form, "weights", weights, None, why="which adds no average"))
        block, colours = plain_block(width), image_shape[0]
        super().__init__(
            colours,
            block,
            norm=norm,
            form=form,
            weights=None if form == "printed" else chosen,
            state_channels=state_channels,
            strength_channels=strength_channels,
        )
        self.out = block(2 * state_channels, colours)

    def drawn(self, known_states: Tensor, asked_states: Tensor) -> WantedNoises:
        """Return block(the two states at ε̂)."""
        return self.out(asked_states.flatten(0, 1)).unflatten(0, asked_states.shape[:2])
