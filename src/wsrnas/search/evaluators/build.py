"""The one constructor of the evaluators of a user's search."""

from __future__ import annotations

from contextlib import nullcontext

from wsrnas.data import DataBundle
from wsrnas.runtime import Runtime
from wsrnas.search.base import Timer
from wsrnas.search.config import SearchConfig
from wsrnas.search.evaluators.charged import ChargedEvaluator
from wsrnas.search.evaluators.one_shot import OneShot
from wsrnas.search.evaluators.trained import Trained
from wsrnas.search.latency import Latencies


def build_evaluator(
    config: SearchConfig,
    data: DataBundle,
    runtime: Runtime,
    *,
    timer: Timer = lambda phase: nullcontext(),
    latencies: Latencies | None = None,
) -> ChargedEvaluator:
    """Return what gives the labels, by `config.evaluator`: shared weights, or each candidate trained alone.

    `latencies` is as for `space_within_limits`.
    """
    kind = {"one_shot": OneShot, "trained": Trained}[config.evaluator]
    return kind(config, data, runtime, timer=timer, latencies=latencies)
