"""What choosing by one-shot losses is worth: the stand-alone accuracy of the chosen genotype against a random one's."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

import numpy as np

from wsrnas.attacks import PGD
from wsrnas.search.config import SearchConfig
from wsrnas.search.setup import size_config
from wsrnas.search.spectrum import one_of_each_interval
from wsrnas.studies.one_shot.ranks import Array, Bootstrap, estimate

BEST = 3
FINALISTS = (1, 2, 3, 5)


def selections(search: SearchConfig) -> dict[str, Array]:
    """Return by name what each of the 1+S losses weighs in a selection; index 0 is the clean loss."""
    strengths = search.spectrum.all_strengths()
    found = {"clean only": np.eye(1 + len(strengths))[0]}
    for place, strength in enumerate(strengths, start=1):
        found[f"only {strength:g}"] = np.eye(1 + len(strengths))[place]
    if len(strengths) > 3:
        three = one_of_each_interval(strengths, 3, "middle")
        name = "three: " + ", ".join(f"{strength:g}" for strength in three)
        found[name] = np.array([0.0, *(float(strength in three) for strength in strengths)]) / 3
    found["all strengths"] = np.array([0.0, *(1.0 for _ in strengths)]) / len(strengths)
    found["Eq. 10"] = search.spectrum.objective().coefficients().double().numpy()
    return found


def expected_best(boot: Bootstrap, scores: Array, accuracy: Array, count: float | int) -> Array:
    """Return, per draw, the expected accuracy of the best-scored (lowest) of `count` genotypes picked from the draw.

    Σ_j a_j (C(n−W_{j−1}, m) − C(n−W_j, m)) / C(n, m), W_j the multiplicity of the j best; m between two whole numbers
    is interpolated. All n give the chosen one's accuracy, one gives the mean.
    """
    low = min(max(math.floor(count), 1), len(scores))
    high = min(low + 1, len(scores))
    share = min(max(count - low, 0.0), 1.0)
    return (1 - share) * _best_of(boot, scores, accuracy, low) + share * _best_of(boot, scores, accuracy, high)


def _best_of(boot: Bootstrap, scores: Array, accuracy: Array, count: int) -> Array:
    size = len(scores)
    ways = np.array([math.comb(left, count) for left in range(size + 1)], dtype=np.float64) / math.comb(size, count)
    order = np.argsort(scores, kind="stable")
    taken = np.cumsum(boot.weights[:, order], axis=1).round().astype(int)
    before = np.concatenate([np.zeros((len(taken), 1), dtype=int), taken[:, :-1]], axis=1)
    return ((ways[size - before] - ways[size - taken]) * accuracy[order]).sum(axis=1)


def mean_of_best(boot: Bootstrap, scores: Array, accuracy: Array) -> Array:
    """Return, per draw, the mean accuracy of the three best-scored genotypes in it."""
    order = np.argsort(scores, kind="stable")
    present = boot.weights[:, order] > 0
    chosen = present & (present.cumsum(axis=1) <= BEST)
    return (chosen * accuracy[order]).sum(axis=1) / chosen.sum(axis=1)


def choosing(boot: Bootstrap, search: SearchConfig, losses: Array, accuracy: Array) -> list[dict[str, Any]]:
    """Return a row per selection: accuracy of the best and of the three best, and their gains over a random genotype.

    Args:
        losses: one-shot losses (n, 1+S).
        accuracy: stand-alone wide accuracies (n,).
    """
    random = (boot.weights * accuracy).sum(axis=1) / boot.weights.sum(axis=1)
    rows = []
    for name, weights in selections(search).items():
        best = expected_best(boot, losses @ weights, accuracy, len(accuracy))
        three = mean_of_best(boot, losses @ weights, accuracy)
        rows.append(
            {
                "selection": name,
                "best": asdict(estimate(best)),
                "gain": asdict(estimate(best - random)),
                "three": asdict(estimate(three)),
                "gain_three": asdict(estimate(three - random)),
            }
        )
    return rows


def trained_finalists(
    boot: Bootstrap, search: SearchConfig, labels: Array, alone: Array, accuracy: Array
) -> list[dict[str, Any]]:
    """Return what training the finalists alone is worth, a row per objective and number of finalists.

    Of the finalists, lowest by one-shot labels, the one with the lowest loss after one training is judged by the
    accuracy of the other training, against the mean of all; both directions are averaged. One finalist is the choice
    by labels alone. The mean over the strengths is judged by its mean accuracy, Eq. 10 by accuracy weighted alike.

    Args:
        labels: one-shot losses (n, 1+S).
        alone: losses trained alone (n, 2, 1+S), of two training seeds.
        accuracy: accuracies trained alone (n, 2, 1+S).
    """
    table, rows = selections(search), []
    for name in ("all strengths", "Eq. 10"):
        weights = table[name]
        order = np.argsort(labels @ weights, kind="stable")
        losses, judged = (alone @ weights)[order], (accuracy @ weights)[order]
        present = boot.weights[:, order] > 0
        for count in sorted({*FINALISTS, len(labels)}):
            among = present & (present.cumsum(axis=1) <= count)
            gains = []
            for ranked, judge in ((0, 1), (1, 0)):
                winner = np.where(among, losses[:, ranked], np.inf).argmin(axis=1)
                random = (boot.weights[:, order] @ judged[:, judge]) / boot.weights.sum(axis=1)
                gains.append(judged[winner, judge] - random)
            gain = asdict(estimate((gains[0] + gains[1]) / 2))
            rows.append({"objective": name, "finalists": count, "gain": gain})
    return rows


def passes_per_score(search: SearchConfig, images: int) -> dict[str, int]:
    """Return the network passes that one genotype's score costs, by selection: attacks and forward passes on D_v."""
    attack = PGD(eps=search.trained_at(), steps=search.training.steps, random_start=False).passes
    costs = {}
    for name, weights in selections(search).items():
        attacked, clean = int((weights[1:] > 0).sum()), int(weights[0] > 0)
        costs[name] = images * (attacked * (attack + 1) + clean)
    return costs


def at_equal_cost(
    boot: Bootstrap, search: SearchConfig, losses: Array, accuracy: Array, images: int, trained_images: int
) -> list[dict[str, Any]]:
    """Return a row per selection: how many genotypes it can score, and the expected accuracy of the best of them.

    The budget is what scoring all n by one attacked strength costs; nobody can score more than the n there are. With
    ``training``, every scored genotype also costs an epoch of training of the shared weights, as in a search.
    """
    epoch = trained_images * (2 * search.training.steps + 2)
    costs, table = passes_per_score(search, images), selections(search)
    single = min(cost for name, cost in costs.items() if name.startswith("only "))
    refined = 2 * search.training.steps + 2 * (len(search.spectrum.all_strengths()) - 1)
    estimated = images * (refined + len(search.spectrum.all_strengths()))
    wanted = [(name, weights, costs[name]) for name, weights in table.items()]
    wanted.append(("all strengths, one attacked, the others estimated and refined", table["all strengths"], estimated))
    rows = []
    for name, weights, cost in wanted:
        row: dict[str, Any] = {"selection": name, "passes": cost}
        for kind, extra in (("scoring", 0), ("training", epoch)):
            count = min(len(accuracy) * (single + extra) / (cost + extra), float(len(accuracy)))
            found = expected_best(boot, losses @ weights, accuracy, max(count, 1.0))
            row[kind] = {"scored": count, "best": asdict(estimate(found))}
        rows.append(row)
    return rows


def size_of(search: SearchConfig) -> str:
    """Return the networks' size in words."""
    size = size_config(search)
    return f"{size.channels} channels, {size.layers} cells"
