"""How long architectures take on this machine: measured once each, written down, and guessed where it is clear."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from statistics import median
from typing import Any, TypedDict

import torch
from torch import Tensor, nn

from wsrnas import rng
from wsrnas.errors import refuse
from wsrnas.files import explained, read_text, write_atomic
from wsrnas.networks.cost import measure_latency
from wsrnas.spaces.base import NetworkConfig, SearchSpace
from wsrnas.spaces.genotype import Genotype
from wsrnas.typed import fits

FILE = "latency.jsonl"
SAMPLES, AGAIN = 48, 8
"""Random architectures that the guess is fitted to, and how many of them are timed a second time."""
SURE, LEAST_MARGIN, MOST_MARGIN = 3.0, 0.1, 0.3
"""A guess decides alone where it is further from the limit than so many standard errors of it, within these shares.

More than the last would time nearly every candidate, and errors that large are those of a busy machine, not of the fit.
"""
APART = 1.2
"""Two medians further apart than this factor are no measurement of the network alone: a third is taken."""
RIDGES = (0.0001, 0.001, 0.01, 0.1, 1.0, 10.0, 100.0)
REMEDY = "start the search anew in another folder"


class Line(TypedDict):
    """A line of latency.jsonl."""

    genotype: str
    milliseconds: float
    again: bool


class Latencies:
    """Milliseconds of one forward pass of the stand-alone network: a median of 20 after a warm-up, the least of two.

    Other work on the machine can only make a network look slower, hence the least; three where two disagree.
    Every architecture is timed at most once; the numbers are kept in `FILE` of a run folder, so that a search that goes
    on decides as it did before, on whatever machine. Timing one takes some tenths of a second, and a search compares
    thousands with its limit: the ms of `SAMPLES` random architectures are fitted by a ridge regression on what they are
    made of, and an architecture is timed where that guess is not clearly on one side of the limit.

    Args:
        prepare: moves a network to the device of the run.
    """

    def __init__(
        self,
        space: SearchSpace,
        sizes: NetworkConfig,
        *,
        batch_size: int = 1,
        prepare: Callable[[nn.Module], nn.Module] = lambda network: network,
    ) -> None:
        self.space, self.sizes, self.batch_size, self.prepare = space, sizes, batch_size, prepare
        self.known: dict[str, float] = {}
        self.again: dict[str, float] = {}
        self._file: Path | None = None

    def measured(self, genotype: Genotype) -> float:
        """Return the milliseconds of an architecture, timed now where that was never done."""
        if genotype.id not in self.known:
            self._add(genotype, self._timed(genotype), again=False)
        return self.known[genotype.id]

    def excess(self, genotype: Genotype, most: float) -> float:
        """Return by which factor an architecture is over a limit, less 1; 0 where it keeps it."""
        if genotype.id not in self.known:
            guess = self.guess(genotype) / most - 1
            if abs(guess) > self.margin:
                return max(guess, 0.0)
        return max(self.measured(genotype) / most - 1, 0.0)

    def guess(self, genotype: Genotype) -> float:
        """Return the milliseconds that the fit expects."""
        weights, _, logarithm = self._fit
        found = (self._features([genotype]) @ weights)[0]
        return float(found.exp() if logarithm else found.clamp_min(1e-6))

    @property
    def margin(self) -> float:
        """The share of the limit within which nothing is decided by a guess."""
        return min(max(LEAST_MARGIN, SURE * self._fit[1]), MOST_MARGIN)

    @property
    def repeats(self) -> float:
        """By which share the second timing of an architecture differs from the first, the median of `AGAIN`."""
        self.sampled()
        return median(abs(self.again[one] / self.known[one] - 1) for one in self.again)

    def sampled(self) -> list[Genotype]:
        """Return the architectures the guess rests on, all timed; the first ones twice, the others in between."""
        found = [self.space.sample(rng.stream(0, "latency", index)) for index in range(SAMPLES)]
        for genotype in found:
            self.measured(genotype)
        for genotype in found[:AGAIN]:
            if genotype.id not in self.again:
                self._add(genotype, self._timed(genotype), again=True)
        return found

    def kept(self, genotypes: list[Genotype], most: float) -> list[Genotype]:
        """Return those that keep a limit when they are timed, whatever was guessed; the fastest where none does."""
        found = [one for one in genotypes if self.measured(one) <= most]
        return found or [min(genotypes, key=self.measured)]

    def said(self, winner: Genotype, most: float) -> dict[str, Any]:
        """Return what a report tells: the limit, the winner, and how sure timing and guess are."""
        return {
            "most_ms": most,
            "winner_ms": self.measured(winner),
            "batch_size": self.batch_size,
            "timed": len(self.known),
            "repeats": self.repeats,
            "margin": self.margin,
        }

    def read(self, folder: Path) -> None:
        """Take over what a run wrote down earlier; a last line that was cut off does not count.

        Raises:
            InputError: a damaged file; names the line.
        """
        path = folder / FILE
        if not path.is_file():
            return
        lines = read_text(path, remedy=REMEDY).splitlines(keepends=True)
        for number, text in enumerate((line for line in lines if line.endswith("\n")), start=1):
            line = _read(text, f"{path}: line {number}")
            (self.again if line["again"] else self.known)[line["genotype"]] = line["milliseconds"]

    def keep(self, folder: Path) -> None:
        """Write what is known to a run folder, and from now on every new number before it is used."""
        lines = [(self.known, False), (self.again, True)]
        texts = (_text(one, ms, again) for values, again in lines for one, ms in values.items())
        write_atomic(folder / FILE, "".join(texts))
        self._file = folder / FILE

    @cached_property
    def _fit(self) -> tuple[Tensor, float, bool]:
        """The weights of ms or of log(ms), the standard error of a guess as a share, and whether it is the logarithm.

        Whatever errs least when each architecture is left out in turn; errors of ms are taken as shares of it.
        """
        sampled = self.sampled()
        x, y = self._features(sampled), torch.tensor([self.known[one.id] for one in sampled]).double()
        found = []
        for logarithm, rows, target in ((False, x / y[:, None], torch.ones_like(y)), (True, x, y.log())):
            for ridge in RIDGES:
                penalty = ridge * torch.eye(x.shape[1], dtype=x.dtype)
                penalty[0, 0] = 1e-9
                inverse = torch.linalg.inv(rows.T @ rows + penalty)
                weights = inverse @ rows.T @ target
                left_out = (target - rows @ weights) / (1 - ((rows @ inverse) * rows).sum(1)).clamp_min(1e-6)
                found.append((float(left_out.square().mean().sqrt()), weights, logarithm))
        error, weights, logarithm = min(found, key=lambda fit: fit[0])
        return weights, error, logarithm

    def _features(self, genotypes: list[Genotype]) -> Tensor:
        """Return a one, how often each option is taken, and which one where: (N, 1 + K + E·K)."""
        rows = torch.stack([self.space.encode(genotype) for genotype in genotypes]).double()
        return torch.cat([torch.ones(len(rows), 1).double(), rows.sum(1), rows.flatten(1) / 2], dim=1)

    def _timed(self, genotype: Genotype) -> float:
        with rng.fixed_global_seed(0, "latency", "weights"):
            network = self.prepare(self.space.build(genotype, self.sizes))
        shape, batch = self.sizes.image_shape, self.batch_size
        medians = [measure_latency(network, shape, batch_size=batch, seconds=0.0).median for _ in range(2)]
        if max(medians) > APART * min(medians):
            medians.append(measure_latency(network, shape, batch_size=batch, seconds=0.0).median)
        return 1000 * min(medians)

    def _add(self, genotype: Genotype, milliseconds: float, *, again: bool) -> None:
        if self._file is not None:
            try:
                with self._file.open("a") as file:
                    file.write(_text(genotype.id, milliseconds, again))
            except OSError as error:
                raise explained(error, self._file) from error
        (self.again if again else self.known)[genotype.id] = milliseconds


def latency_sentence(found: Mapping[str, Any]) -> str:
    """Say what `Latencies.said` found in words."""
    over = "" if found["winner_ms"] <= found["most_ms"] else ", over the limit: no finalist kept it when it was timed"
    return (
        f"Limit: {found['most_ms']:.3g} ms a pass at batch {found['batch_size']}; the winner takes "
        f"{found['winner_ms']:.3g} ms{over}. {found['timed']} architectures were timed once each; a second timing "
        f"differed by {found['repeats']:.0%} (median of {AGAIN}). Further than {found['margin']:.0%} from the limit a "
        "fit to these timings decided without timing; every finalist was timed."
    )


def _text(genotype: str, milliseconds: float, again: bool) -> str:
    return json.dumps({"genotype": genotype, "milliseconds": milliseconds, "again": again}) + "\n"


def _read(text: str, source: str) -> Line:
    try:
        line: Any = json.loads(text)
    except ValueError:
        line = None
    named = isinstance(line, dict) and sorted(line) == sorted(Line.__annotations__)
    if not named or not all(fits(line[name], hint) for name, hint in LINE.items()) or not line["milliseconds"] > 0:
        refuse(source, expected=f"the fields {', '.join(LINE)}", got=text.strip()[:80], remedy=REMEDY)
    return Line(genotype=line["genotype"], milliseconds=float(line["milliseconds"]), again=line["again"])


LINE: dict[str, type] = {"genotype": str, "milliseconds": float, "again": bool}
