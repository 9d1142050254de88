"""Label policies on learning curves: what each says of a network, and how many epochs that takes."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from wsrnas import rng
from wsrnas.estimators.loss.features import Features
from wsrnas.estimators.loss.gaussian_process import GaussianProcessLossEstimator
from wsrnas.progress import progress
from wsrnas.search.wsr.estimator import estimator_sizes
from wsrnas.spaces.darts import DartsSpace
from wsrnas.spaces.sized import sized_features
from wsrnas.studies.tables.tiny_table import Curves

FINAL = 3
"""Final robust accuracy is the mean over the last so many epochs, which no policy looks at."""
AVERAGED = 5
EARLY, HALF = 0.1, 0.5
EXPONENTS = tuple(place / 10 for place in range(1, 31))
"""c of the learning curve a − b·e^−c."""
HALVINGS = 3
EXACT = 100
FEWEST_RANKED = 10


class Policy(NamedTuple):
    """Scores (repeats, A), higher is better, and the epochs of training they cost for each network of the table."""

    name: str
    cost: float
    scores: Float[Tensor, "R A"]


def truth(curves: Curves) -> Float[Tensor, "A"]:
    """Return final robust accuracy."""
    return _mean(curves.robust, curves.attacked[-FINAL:])


def label_policies(curves: Curves) -> list[Policy]:
    """Return the policies that look at the curves of the network itself, or at nothing but its size.

    A label at an epoch is clean test accuracy, the one measured in every epoch; "attacked" ones are robust accuracy,
    which exists after the drop of the learning rate only.
    """
    early, half = max(1, round(EARLY * curves.epochs)), max(1, round(HALF * curves.epochs))
    before, after = curves.drop, curves.drop + 1
    attacked = [epoch for epoch in curves.attacked[:-FINAL] if epoch > curves.drop]
    averaged = range(max(1, before - AVERAGED + 1), before + 1)
    found = [("size", 0.0, curves.parameters)]
    found += [(f"epoch-{epoch}", float(epoch), curves.clean[:, epoch - 1]) for epoch in (early, half)]
    found += [
        (f"learning-curve-{half}", float(half), extrapolated(curves.clean[:, :half], curves.epochs)),
        ("before-drop", float(before), curves.clean[:, before - 1]),
        (f"average-of-{AVERAGED}-before-drop", float(before), _mean(curves.clean, averaged)),
        ("after-drop", float(after), curves.clean[:, after - 1]),
        ("after-drop-attacked", float(attacked[0]), curves.robust[:, attacked[0] - 1]),
        (f"average-of-{len(attacked)}-attacked", float(attacked[-1]), _mean(curves.robust, attacked)),
    ]
    return [*(Policy(name, cost, scores[None]) for name, cost, scores in found), successive_halving(curves)]


def extrapolated(curve: Float[Tensor, "A epochs"], epochs: int) -> Float[Tensor, "A"]:
    """Return a − b·`epochs`^−c of each network, a, b, c fitted to its curve by least squares, c among `EXPONENTS`.

    Source: the power law of Domhan et al., "Speeding up Automatic Hyperparameter Optimization", IJCAI 2015 (pow3).
    """
    best = torch.full((len(curve),), torch.inf, dtype=torch.float64)
    found = torch.zeros(len(curve), dtype=torch.float64)
    at = torch.arange(1, curve.shape[1] + 1, dtype=torch.float64)
    for exponent in EXPONENTS:
        design = torch.stack([torch.ones_like(at), at**-exponent], dim=1)
        fitted = torch.linalg.lstsq(design, curve.double().T).solution
        error = (design @ fitted - curve.double().T).square().sum(dim=0)
        end = fitted[0] + fitted[1] * epochs**-exponent
        found, best = torch.where(error < best, end, found), torch.minimum(error, best)
    return found.float()


def successive_halving(curves: Curves) -> Policy:
    """Train all for an eighth of the epochs, keep the better half by the label, double their epochs, and so on.

    The last ones train to the end but for the epochs of the truth and are ranked by robust accuracy. A network dropped
    earlier ranks below every one dropped later; among those dropped together the label decides.

    Source: Jamieson and Talwalkar, "Non-stochastic Best Arm Identification and Hyperparameter Optimization", AISTATS
    2016.
    """
    last = curves.attacked[-FINAL - 1]
    rungs = [max(1, last // 2**power) for power in range(HALVINGS, 0, -1)]
    left = torch.arange(len(curves.clean))
    scores = torch.zeros(len(curves.clean))
    spent, trained = 0, 0
    for level, epoch in enumerate(rungs):
        spent, trained = spent + len(left) * (epoch - trained), epoch
        label = curves.clean[left, epoch - 1]
        scores[left] = _with_level(level, label)
        left = left[label.argsort(descending=True, stable=True)[: max(1, len(left) // 2)]]
    spent += len(left) * (last - trained)
    scores[left] = _with_level(len(rungs), curves.robust[left, last - 1])
    return Policy("successive-halving", spent / len(scores), scores[None])


def _with_level(level: int, label: Float[Tensor, "L"]) -> Float[Tensor, "L"]:
    """Percentages are at most 100, so that a level outweighs them."""
    return 101.0 * level + label


def psi_policies(curves: Curves, *, seeds: int, quiet: bool = True) -> list[Policy]:
    """Return ψ as it ships, without and with the size among its features, fitted to final accuracies of others.

    Networks are dealt out in groups, `seeds` times; those of a group are ranked by a ψ fitted to at most `EXACT`
    networks of the other groups. The cost is that of these full trainings, spread over all networks of the table.
    """
    space, count = DartsSpace(), len(curves.clean)
    labels = min(EXACT, count - FEWEST_RANKED)
    encodings = torch.stack([space.encode(genotype) for genotype in curves.genotypes])
    clean = _mean(curves.clean, curves.attacked[-FINAL:])
    losses = 1 - torch.stack([clean, truth(curves)], dim=1) / 100
    kinds: dict[str, Features] = {f"psi-{labels}": space.features, f"psi-{labels}-size": sized_features(space)}
    groups = -(-count // max(FEWEST_RANKED, count - labels))
    found = []
    with progress("fits", len(kinds) * seeds * groups, quiet=quiet) as bar:
        for name, features in kinds.items():
            scores = torch.zeros(seeds, count)
            for seed in range(seeds):
                order = torch.randperm(count, generator=rng.stream(seed, "tiny-robustbench"))
                for group in order.tensor_split(groups):
                    others = order[~torch.isin(order, group)][:labels]
                    psi = GaussianProcessLossEstimator(**estimator_sizes(space, 1, seed), paths=features)
                    psi.fit(encodings[others], losses[others], generator=rng.stream(seed, "tiny-robustbench", "fit"))
                    scores[seed, group] = -psi.predict(encodings[group]).mean[:, 1]
                    bar.advance(note=name)
            found.append(Policy(name, labels * curves.epochs / count, scores))
    return found


def _mean(curve: Float[Tensor, "A epochs"], epochs: range | list[int]) -> Float[Tensor, "A"]:
    return curve[:, [epoch - 1 for epoch in epochs]].mean(dim=1)
