"""From the measurements of all test networks to one row per candidate, and to the default they speak for."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from scipy.stats import kendalltau
from scipy.stats import t as student

from wsrnas.estimators.noise import fidelity, loss_error
from wsrnas.studies.noise.candidates import PAPER_STRENGTHS, Candidate

Measured = dict[str, Any]

GOAL_FIDELITY, GOAL_BEYOND, GOAL_LOSS_ERROR, GOAL_TAU = 0.97, 0.90, 0.05, 0.9


@dataclass(frozen=True)
class Interval:
    """A number over networks with its 95 % interval; no interval from a single network."""

    value: float
    low: float
    high: float


def over_networks(networks: Sequence[Measured], statistic: Callable[[Sequence[Measured]], float]) -> Interval:
    """Return a statistic of all networks, with Student's interval over jackknife pseudo-values.

    Ratios of sums (such as fidelity) are not means over networks; leaving one network out at a time gives their error.
    """
    value, count = statistic(networks), len(networks)
    if count < 2 or math.isnan(value):
        return Interval(value, math.nan, math.nan)
    left_out = [statistic([*networks[:i], *networks[i + 1 :]]) for i in range(count)]
    if any(math.isnan(v) for v in left_out):
        return Interval(value, math.nan, math.nan)
    pseudo = [count * value - (count - 1) * v for v in left_out]
    half = float(student.ppf(0.975, count - 1)) * statistics.stdev(pseudo) / math.sqrt(count)
    return Interval(value, value - half, value + half)


def fidelity_at(name: str, place: int) -> Callable[[Sequence[Measured]], float]:
    """Return the statistic Σ(clean − estimated) / Σ(clean − real) over networks at one strength; NaN if not judged."""

    def statistic(networks: Sequence[Measured]) -> float:
        if networks[0]["candidates"][name]["measured"][place] is None:
            return math.nan
        clean = sum(n["clean"][0] for n in networks)
        real = sum(n["real"][place][0] for n in networks)
        estimated = sum(n["candidates"][name]["measured"][place][0] for n in networks)
        return fidelity(clean, real, estimated)

    return statistic


def loss_error_over(name: str, places: Sequence[int]) -> Callable[[Sequence[Measured]], float]:
    """Return the statistic mean |L̂ − L|/L over networks and strengths."""

    def statistic(networks: Sequence[Measured]) -> float:
        errors = [
            abs(loss_error(n["real"][place][1], n["candidates"][name]["measured"][place][1]))
            for n in networks
            for place in places
        ]
        return statistics.fmean(errors) if errors else math.nan

    return statistic


def rank_agreement(name: str, places: Sequence[int]) -> Callable[[Sequence[Measured]], float]:
    """Return the statistic: Kendall's τ of networks ranked by estimated and by real loss, mean over strengths."""

    def statistic(networks: Sequence[Measured]) -> float:
        found = []
        for place in places:
            if networks[0]["candidates"][name]["measured"][place] is None or len(networks) < 2:
                return math.nan
            real = [n["real"][place][1] for n in networks]
            estimated = [n["candidates"][name]["measured"][place][1] for n in networks]
            found.append(float(kendalltau(real, estimated).statistic))
        return statistics.fmean(found)

    return statistic


def _mean(values: Sequence[float]) -> float:
    finite = [value for value in values if not math.isnan(value)]
    return statistics.fmean(finite) if finite else math.nan


def summarise(
    networks: Sequence[Measured], candidates: Sequence[Candidate], strengths: tuple[float, ...], attack_steps: int
) -> list[dict[str, Any]]:
    """Return one row per candidate; `inside` are the paper's six strengths, `beyond` those above all known ones,
    up to twice the largest."""
    rows = []
    inside = [place for place, strength in enumerate(strengths) if strength in PAPER_STRENGTHS]
    real_passes = 2 * attack_steps * len(inside)
    for candidate in candidates:
        judged = candidate.judged_at(strengths)
        largest = max(candidate.known, default=math.inf)
        beyond = [place for place, s in enumerate(strengths) if s in judged and s > largest]
        by_strength = [over_networks(networks, fidelity_at(candidate.name, place)) for place in range(len(strengths))]
        passes = candidate.passes([strengths[place] for place in inside], attack_steps)
        rows.append(
            {
                "name": candidate.name,
                "kind": candidate.kind,
                "learned": candidate.learned,
                "shortened": candidate.known_steps is not None,
                "known": list(candidate.known),
                "passes": passes,
                "passes_share": passes / real_passes,
                "time_share": _mean([_time_share(n, candidate, strengths, inside) for n in networks]),
                "fidelity": [asdict(interval) for interval in by_strength],
                "worst_inside": min((by_strength[place].value for place in inside), default=math.nan),
                "worst_beyond": min((by_strength[place].value for place in beyond), default=math.nan),
                "loss_error": asdict(over_networks(networks, loss_error_over(candidate.name, inside))),
                "tau": [rank_agreement(candidate.name, [place])(networks) for place in range(len(strengths))],
                "mean_tau": asdict(over_networks(networks, rank_agreement(candidate.name, inside))),
                "accuracy": [_accuracy(networks, candidate.name, place) for place in range(len(strengths))],
                "squared_error": _mean([n["candidates"][candidate.name]["squared_error"] for n in networks]),
                "violations": sum(n["candidates"][candidate.name]["violations"] for n in networks),
            }
        )
        rows[-1]["goals_met"] = goals_met(rows[-1])
    return rows


def _accuracy(networks: Sequence[Measured], name: str, place: int) -> float:
    measured = [n["candidates"][name]["measured"][place] for n in networks]
    return _mean([pair[0] for pair in measured if pair is not None])


def _time_share(network: Measured, candidate: Candidate, strengths: Sequence[float], inside: Sequence[int]) -> float:
    """Return the time of the candidate's noises over that of real attacks at the same strengths, from one run.

    The candidate was timed on all strengths it had to make noises for, of which only those inside count.
    """
    seconds = network["seconds_per_image"]
    attacks = {strength: seconds[f"attack {strength:g}"] for strength in strengths}
    asked = [s for s in candidate.judged_at(strengths) if s not in candidate.exact_at()]
    used = [strengths[place] for place in inside if strengths[place] in asked]
    own = seconds[candidate.name] * len(used) / len(asked)
    whole = sum(attacks[strengths[place]] for place in inside)
    return (sum(attacks[strength] for strength in candidate.exact_at()) + own) / whole


def goals_met(row: dict[str, Any]) -> dict[str, bool]:
    """Return which of the goals for a default estimator a row meets."""
    return {
        "fidelity": row["worst_inside"] >= GOAL_FIDELITY,
        "beyond": math.isnan(row["worst_beyond"]) or row["worst_beyond"] >= GOAL_BEYOND,
        "loss error": row["loss_error"]["value"] <= GOAL_LOSS_ERROR,
        "rank": row["mean_tau"]["value"] >= GOAL_TAU,
        "violations": row["violations"] == 0,
    }


def choose_default(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the row that should be the default: the cheapest that meets all goals.

    Where none does, the one that meets most goals, then has the smallest loss error. A learned one is chosen only if
    its loss error is smaller than that of every unlearned one by more than the interval. Shortened attacks at known
    strengths are not chosen: how many steps a real attack has is not for the estimator to say.
    """
    able = [row for row in rows if row["kind"] != "real" and not row["shortened"]]
    unlearned = [row for row in able if not row["learned"]]
    limit = min(row["loss_error"]["low"] for row in unlearned)
    able = unlearned + [row for row in able if row["learned"] and row["loss_error"]["high"] < limit]
    full = [row for row in able if all(row["goals_met"].values())]
    if full:
        return min(full, key=lambda row: (row["passes"], row["loss_error"]["value"]))
    return max(able, key=lambda row: (sum(row["goals_met"].values()), -row["loss_error"]["value"]))
