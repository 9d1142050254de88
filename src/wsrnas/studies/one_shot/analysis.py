"""From labels and stand-alone scores to correlations, differences and choices, with intervals over genotypes."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from wsrnas.studies.one_shot.choice import at_equal_cost, choosing, expected_best, trained_finalists
from wsrnas.studies.one_shot.config import OneShotStudyConfig
from wsrnas.studies.one_shot.ranks import Array, Bootstrap, estimate, partial
from wsrnas.studies.one_shot.supernet import SAMPLINGS

PAIRS = (
    ("genotype, as searched", "all-edges, as searched"),
    ("genotype, at the end", "all-edges, at the end"),
    ("genotype, at the end", "all-edges, genotype at the end"),
    ("genotype, refreshed", "genotype, as searched"),
    ("genotype, at the end", "genotype, as searched"),
    ("all-edges, refreshed", "all-edges, as searched"),
    ("genotype, at the end", "parameters"),
)


def analysis(
    config: OneShotStudyConfig,
    labels: dict[str, dict[str, Any]],
    scores: list[list[dict[str, Any]]],
    parameters: list[int],
    *,
    images: int,
    trained_images: int,
) -> dict[str, Any]:
    """Return all correlations and choices from one-shot labels by sampling and stand-alone scores by genotype and seed.

    What one-shot losses are judged by is the mean over training seeds. Columns: the clean loss, that of each strength,
    their mean ("wide"), Eq. 10, and "accuracy": the mean one-shot loss against the stand-alone wide accuracy.
    """
    search = config.search
    objective = search.spectrum.objective().coefficients().double().numpy()
    losses = [np.array([score["losses"] for score in found]) for found in scores]
    wide = [np.array([np.mean(score["accuracy"][1:]) for score in found]) for found in scores]
    accuracy = np.array([found.mean() for found in wide])
    truth = _columns(np.stack([found.mean(axis=0) for found in losses]), objective, accuracy)
    boot = Bootstrap(config.genotypes, draws=config.draws, seed=search.seed)
    variants = _variants(labels, config)
    heads = ["clean", *(f"{s:g}" for s in search.spectrum.all_strengths()), "wide", "Eq. 10", "accuracy"]
    columns = {name: _columns(measured, objective) for name, measured in variants.items()}
    columns["parameters"] = np.repeat(-np.array(parameters, dtype=np.float64)[:, None], len(heads), axis=1)
    found = {name: _agreement(boot, values, truth, columns["parameters"]) for name, values in columns.items()}
    repeats = Bootstrap(config.repeated, draws=config.draws, seed=search.seed)
    seeds = [
        _columns(np.stack([found[seed] for found in losses[: config.repeated]]), objective, _at(wide, seed, config))
        for seed in (0, 1)
    ]
    size = -np.array(parameters[: config.repeated], dtype=np.float64)[:, None].repeat(len(heads), axis=1)
    found["another training seed"] = _agreement(repeats, seeds[0], seeds[1], size)
    checkpoints = {
        sampling: {
            update: _agreement(boot, _columns(np.array(values), objective), truth, columns["parameters"])
            for update, values in labels[sampling]["checkpoints"].items()
        }
        for sampling in SAMPLINGS
    }
    repeated = scores[: config.repeated]
    twice = {
        kind: np.array([[score[kind] for score in found] for found in repeated]) for kind in ("losses", "accuracy")
    }
    shown = ("genotype, as searched", "genotype, at the end", "all-edges, genotype at the end")
    return {
        "heads": heads,
        "variants": {name: {k: _plain(v) for k, v in kinds.items()} for name, kinds in found.items()},
        "differences": _differences(found, heads.index("Eq. 10"), heads.index("accuracy")),
        "checkpoints": {
            sampling: {update: {k: _plain(v) for k, v in kinds.items()} for update, kinds in by_update.items()}
            for sampling, by_update in checkpoints.items()
        },
        "refresh": {sampling: _refresh_shift(labels[sampling]) for sampling in SAMPLINGS},
        "spread": _spread(wide, parameters, repeats, config),
        "random_accuracy": float(accuracy.mean()),
        "choosing": {name: choosing(boot, search, variants[name], accuracy) for name in shown},
        "trained_finalists": trained_finalists(
            repeats,
            search,
            variants["genotype, as searched"][: config.repeated],
            twice["losses"],
            twice["accuracy"],
        ),
        "equal_cost": {
            name: at_equal_cost(boot, search, variants[name], accuracy, images, trained_images) for name in shown
        },
        "genotypes": [
            {
                "id": str(index),
                "parameters": parameters[index],
                "alone": [{key: score[key] for key in ("losses", "accuracy")} for score in scores[index]],
                "one_shot": {name: measured[index].tolist() for name, measured in variants.items()},
            }
            for index in range(config.genotypes)
        ],
    }


def _variants(labels: dict[str, dict[str, Any]], config: OneShotStudyConfig) -> dict[str, Array]:
    """Return one-shot losses (n, 1+S) by where and when they were taken."""
    own, edges, last = labels["genotype"], labels["all-edges"], str(config.updates)
    found = {
        "genotype, as searched": own["as searched"],
        "genotype, refreshed": own["refreshed"],
        "genotype, at the end": own["checkpoints"][last],
        "all-edges, as searched": edges["as searched"],
        "all-edges, refreshed": edges["refreshed"],
        "all-edges, at the end": edges["all edges at the end"],
        "all-edges, genotype at the end": edges["checkpoints"][last],
    }
    return {name: np.array(values, dtype=np.float64) for name, values in found.items()}


def _columns(losses: Array, objective: Array, accuracy: Array | None = None) -> Array:
    wide = losses[:, 1:].mean(axis=1)
    last = wide if accuracy is None else -accuracy
    return np.concatenate([losses, np.stack([wide, losses @ objective, last], axis=1)], axis=1)


def _at(wide: list[Array], seed: int, config: OneShotStudyConfig) -> Array:
    return np.array([found[seed] for found in wide[: config.repeated]])


def _agreement(boot: Bootstrap, measured: Array, truth: Array, size: Array) -> dict[str, list[Array]]:
    """Return τ, ρ and τ given the parameter count, by column and draw."""
    pairs = list(zip(measured.T, truth.T, size.T))
    tau = [boot.kendall(x, y) for x, y, _ in pairs]
    given = [partial(xy, boot.kendall(x, z), boot.kendall(y, z)) for xy, (x, y, z) in zip(tau, pairs)]
    return {"tau": tau, "rho": [boot.spearman(x, y) for x, y, _ in pairs], "tau_given_size": given}


def _plain(values: list[Array]) -> list[dict[str, float]]:
    return [asdict(estimate(value)) for value in values]


def _differences(found: dict[str, dict[str, list[Array]]], *columns: int) -> list[dict[str, Any]]:
    """Return paired differences of τ for the pairs of variants that decide a default."""
    return [
        {
            "first": first,
            "second": second,
            "tau": [asdict(estimate(found[first]["tau"][c] - found[second]["tau"][c])) for c in columns],
        }
        for first, second in PAIRS
    ]


def _refresh_shift(labels: dict[str, Any]) -> dict[str, Any]:
    """Return how many labels a refresh changed, and the mean change of their loss over the strengths.

    A label is taken right after an update on that very architecture; measured again, it is no longer the one trained
    last. Where that shift is large, refreshed labels and others cannot be compared.
    """
    before, after = (np.array(labels[kind])[:, 1:].mean(axis=1) for kind in ("as searched", "refreshed"))
    changed = before != after
    shift = float((after - before)[changed].mean()) if changed.any() else 0.0
    return {"changed": int(changed.sum()), "shift": shift, "sd_of_labels": float(before.std(ddof=1))}


def _spread(wide: list[Array], parameters: list[int], repeats: Bootstrap, config: OneShotStudyConfig) -> dict[str, Any]:
    """Return how far stand-alone wide accuracy differs between genotypes and between training seeds, as deviations.

    `seeds`: between two trainings of one genotype. `genotypes`: between genotypes, what seeds explain taken off;
    `genotypes_given_size`: the same around the straight line over the logarithm of the parameter count.
    `gain_of_training`: accuracy of the best by one training seed, judged by the other, over the mean; both directions.
    """
    first, second = _at(wide, 0, config), _at(wide, 1, config)
    seed_variance = float(((first - second) ** 2).mean() / 2)
    accuracy, size = np.array([found.mean() for found in wide]), np.log(parameters)
    of_means = seed_variance * float(np.mean([1 / len(found) for found in wide]))
    line = (
        np.polynomial.Polynomial.fit(size, accuracy, 1)
        if np.ptp(size) > 0
        else np.polynomial.Polynomial([float(accuracy.mean())])
    )
    around_line = float(((accuracy - line(size)) ** 2).sum()) / (len(wide) - 2)
    gains = [
        expected_best(repeats, -chosen, judged, len(judged)) - (repeats.weights @ judged) / len(judged)
        for chosen, judged in ((first, second), (second, first))
    ]
    return {
        "seeds": seed_variance**0.5,
        "genotypes": max(float(accuracy.var(ddof=1)) - of_means, 0.0) ** 0.5,
        "genotypes_given_size": max(around_line - of_means, 0.0) ** 0.5,
        "range": [float(accuracy.min()), float(accuracy.max())],
        "gain_of_training": asdict(estimate((gains[0] + gains[1]) / 2)),
    }
