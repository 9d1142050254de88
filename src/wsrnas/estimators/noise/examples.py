"""What the noise memory M_a is filled with (Eq. 4)."""

from __future__ import annotations

from torch import Tensor

from wsrnas.errors import one_of, refuse
from wsrnas.estimators.memory import NoiseMemory
from wsrnas.types import Images, Noises

EXAMPLES = ("leave-one-out", "printed")


def examples_per_image(known: int, examples: str) -> int:
    """Return how many entries of M_a one image with `known` known noises makes."""
    one_of("examples", examples, EXAMPLES)
    return 1 if examples == "printed" else known + 1


def push_noise(
    memory: NoiseMemory, images: Images, noises: Noises, strengths: Tensor, examples: str = "leave-one-out"
) -> None:
    """Add one batch to M_a; of its entries the oldest leave.

    `noises` (B,N1+1,C,H,W) are the N1 known noises and, last, the one at the random strength ε̂; `strengths` (N1+1,) are
    theirs. Known noises are given to φ in ascending order of strength.
    ``printed``: (x, {δ_ε1 … δ_εN1}, ε̂, δ_ε̂), B entries: φ is given the known noises, the label is the noise at ε̂.
    ``leave-one-out``: each of the N1+1 noises is the label once, and the others are what φ is given: B·(N1+1) entries
    of the same attacks.

    Source: Cheng et al., AAAI 2023, Eq. 4; leaving one out is the released code's.
    Differs from the paper: ``printed``, nothing; ``leave-one-out``, known strengths are labels too, and the random one
    is among the inputs.
    Differs from the released code: there the noise at the random strength always comes last, whatever its strength.

    Raises:
        InputError: not one strength for each of at least two noises, or `examples` is neither.
    """
    count = noises.shape[1]
    if strengths.shape != (count,) or count < 2:
        refuse("strengths", expected=f"one for each of at least two noises, ({count},)", got=tuple(strengths.shape))
    order = strengths.argsort(stable=True).tolist()
    for label in (count - 1,) if examples_per_image(count - 1, examples) == 1 else order:
        others = [place for place in order if place != label]
        memory.push(images, noises[:, others], strengths[others], float(strengths[label]), noises[:, label])
