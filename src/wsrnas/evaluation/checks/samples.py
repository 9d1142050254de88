"""What a share among few images can say."""

from __future__ import annotations

from torch import Tensor

from wsrnas.evaluation.statistics import wilson_interval


def surely(flags: Tensor, share: float) -> bool:
    """Tell whether more than `share` of the images are flagged, and that by more than a few images' luck.

    The lower end of Wilson's 95 % interval has to be above half the share.
    """
    return enough(int(flags.sum()), len(flags), share)


def enough(count: int, total: int, share: float) -> bool:
    """Tell the same of a count among `total` images."""
    return total > 0 and count > share * total and wilson_interval(count, total)[0] > share / 2
