"""How true an estimate is: the share of the accuracy drop it causes, and the error of the loss it causes."""

from __future__ import annotations

import math


def fidelity(clean_accuracy: float, real_accuracy: float, estimated_accuracy: float) -> float:
    """(clean acc − acc under δ̂) / (clean acc − acc under real PGD at the same ε); 1 is perfect.

    All in the same unit, or all summed over the same networks. NaN where the real attack lowers nothing, since there
    is no drop to recover.
    """
    drop = clean_accuracy - real_accuracy
    return (clean_accuracy - estimated_accuracy) / drop if drop > 0 else math.nan


def loss_error(real_loss: float, estimated_loss: float) -> float:
    """(L under δ̂ − L under real PGD) / L under real PGD: signed, negative where the estimate is too weak."""
    return (estimated_loss - real_loss) / real_loss
