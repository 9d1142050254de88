"""Which label, at which cost: every policy says which genotypes are better, and pays for what it asks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np
import torch
from torch import Tensor

from wsrnas import rng
from wsrnas.errors import one_of, refuse
from wsrnas.estimators.loss.gaussian_process import NOISES_OF_LABELS_THAT_ERR, GaussianProcessLossEstimator
from wsrnas.search.wsr.estimator import estimator_sizes
from wsrnas.spaces import get_space
from wsrnas.spaces.sized import sized_features
from wsrnas.studies.labels.ledger import READINGS, Ledger
from wsrnas.studies.labels.table import Array, LabelTable


class LabelPolicy(ABC):
    """Ranks the genotypes of a table by labels that it asks a `Ledger` for.

    Subclasses are frozen dataclasses. `name` is short and tells policies of one table apart; `draws` says that
    scores depend on the seed.
    """

    draws: ClassVar[bool] = False

    @property
    @abstractmethod
    def name(self) -> str:
        """Return what it is called in tables."""

    @abstractmethod
    def scores(self, ledger: Ledger, seed: int) -> Array:
        """Return a score for every genotype, (A,), higher is better; all randomness from the seed."""


@final
@dataclass(frozen=True, kw_only=True)
class Counted(LabelPolicy):
    """No label: what can be counted before any training, ``parameters`` or ``multiply_adds``."""

    what: str

    def __post_init__(self) -> None:
        one_of("what", self.what, ("parameters", "multiply_adds"))

    @property
    def name(self) -> str:
        """Return what is counted."""
        return self.what.replace("_", "-")

    def scores(self, ledger: Ledger, seed: int) -> Array:
        """Return the count."""
        found: Array = getattr(ledger.table, self.what)
        return found


@final
@dataclass(frozen=True, kw_only=True)
class Labelled(LabelPolicy):
    """One label of every genotype: ``shared``, ``alone-E`` or ``from-shared-E``, E epochs with the rate annealed."""

    label: str
    reading: str = "wide loss"

    @property
    def name(self) -> str:
        """Return the label, and how it is read where that is not by the wide loss."""
        return self.label if self.reading == READINGS[0] else f"{self.label}, {self.reading}"

    def scores(self, ledger: Ledger, seed: int) -> Array:
        """Return the label's values, turned round."""
        return -ledger.ask(self.label, ledger.everyone, self.reading)


@final
@dataclass(frozen=True, kw_only=True)
class Halving(LabelPolicy):
    """All get the cheapest label, the better half of them the next, and so on; every training anneals fully.

    A genotype that went further outranks all that did not; among those that went equally far the last label decides.

    Source: Jamieson and Talwalkar, "Non-stochastic Best Arm Identification and Hyperparameter Optimization", AISTATS
    2016. Differs: a longer training begins anew, because an annealed one cannot be gone on with.
    """

    kind: str
    epochs: tuple[int, ...]
    reading: str = "wide loss"

    @property
    def name(self) -> str:
        """Return the epochs, and how the label is read where that is not by the wide loss."""
        rungs = ", ".join(map(str, self.epochs))
        return f"halving {self.kind}: {rungs}" + ("" if self.reading == READINGS[0] else f", {self.reading}")

    def scores(self, ledger: Ledger, seed: int) -> Array:
        """Return places in the order of elimination."""
        left, order = np.array(ledger.everyone), []
        for rung, epochs in enumerate(self.epochs):
            values = ledger.ask(f"{self.kind}-{epochs}", left.tolist(), self.reading)
            left = left[np.argsort(values, kind="stable")]
            kept = len(left) if rung == len(self.epochs) - 1 else max(1, len(left) // 2)
            left, dropped = left[:kept], left[kept:]
            order.append(dropped)
        best_first = np.concatenate([left, *reversed(order)])
        found = np.empty(len(best_first))
        found[best_first] = -np.arange(len(best_first), dtype=np.float64)
        return found


@final
@dataclass(frozen=True, kw_only=True)
class Smoothed(LabelPolicy):
    """ψ on one label of every genotype, size among its features: what it says of the genotypes it was fitted to."""

    label: str

    @property
    def name(self) -> str:
        """Return the label."""
        return f"ψ on {self.label}"

    def scores(self, ledger: Ledger, seed: int) -> Array:
        """Return ψ's values, turned round."""
        everyone = ledger.everyone
        return -_psi(ledger.table, everyone, ledger.ask(self.label, everyone), seed)


@final
@dataclass(frozen=True, kw_only=True)
class Combined(LabelPolicy):
    """A cheap label of all and a dear one of a random `share`: dear = a + ρ·cheap + δ, δ a Gaussian process.

    Size is among the features of δ, ρ is fitted by least squares.

    Source: Kennedy and O'Hagan, "Predicting the Output from a Complex Computer Code When Fast Approximations Are
    Available", Biometrika 2000. Differs: ρ is not given a distribution.
    """

    draws: ClassVar[bool] = True
    cheap: str
    dear: str
    share: float = 0.33

    def __post_init__(self) -> None:
        if not 0 < self.share < 1:
            refuse("share", expected="a share in (0,1)", got=self.share)

    @property
    def name(self) -> str:
        """Return both labels and the share."""
        return f"ψ on {self.cheap}, {self.share:.0%} {self.dear}"

    def scores(self, ledger: Ledger, seed: int) -> Array:
        """Return a + ρ·cheap + δ of all, turned round."""
        count = len(ledger.everyone)
        drawn = torch.randperm(count, generator=rng.stream(seed, "combined"))[: max(4, round(self.share * count))]
        some = sorted(drawn.tolist())
        cheap, dear = ledger.ask(self.cheap, ledger.everyone), ledger.ask(self.dear, some)
        spread = float(cheap[some].var())
        slope = float(np.cov(cheap[some], dear, bias=True)[0, 1]) / spread if spread > 0 else 0.0
        return -(slope * cheap + _psi(ledger.table, some, dear - slope * cheap[some], seed))


def _psi(table: LabelTable, places: list[int], values: Array, seed: int) -> Array:
    """Fit a Gaussian process on paths and size to values of some genotypes; return its mean for all, (A,)."""
    space = get_space(table.about["space"])
    encodings = torch.stack([space.encode(genotype) for genotype in table.genotypes])
    sizes: dict[str, Any] = {**estimator_sizes(space, 0, seed), "paths": sized_features(space)}
    psi = GaussianProcessLossEstimator(**sizes, noises=NOISES_OF_LABELS_THAT_ERR)
    known: Tensor = torch.from_numpy(values).float()[:, None]
    psi.fit(encodings[places], known, generator=rng.stream(seed, "labels study", "fit"))
    return np.asarray(psi.predict(encodings).mean[:, 0].double().numpy())


def policies_of(table: LabelTable) -> list[LabelPolicy]:
    """Return every policy that the labels of a table allow, cheap ones first."""
    alone, warm = table.epochs("alone"), table.epochs("from-shared")
    found: list[LabelPolicy] = [Counted(what="parameters"), Counted(what="multiply_adds"), Labelled(label="shared")]
    found += [Labelled(label=f"alone-{epochs}", reading="one strength") for epochs in alone]
    found += [Labelled(label=f"alone-{epochs}") for epochs in alone]
    found += [Labelled(label=f"alone-{epochs}", reading="wide accuracy") for epochs in alone]
    found += [Labelled(label=f"from-shared-{epochs}") for epochs in warm]
    found += [Halving(kind="alone", epochs=alone, reading=reading) for reading in ("one strength", "wide loss")]
    found += [Smoothed(label=f"alone-{epochs}") for epochs in alone]
    found += [Combined(cheap=cheap, dear=f"alone-{alone[-1]}") for cheap in ("shared", f"alone-{alone[0]}")]
    return found
