"""`wsrnas study payoff`: is what a search finds better than what costs nothing, or the same?"""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from wsrnas.data import load_data
from wsrnas.progress import progress
from wsrnas.runs import RunFolder
from wsrnas.runtime import Runtime
from wsrnas.search.limits import LimitsConfig, limited_space
from wsrnas.search.setup import network_config
from wsrnas.spaces import get_space
from wsrnas.spaces.genotype import Genotype
from wsrnas.studies.gains import Array, gain
from wsrnas.studies.parts import without_nan
from wsrnas.studies.payoff.config import PayoffConfig, payoff_config
from wsrnas.studies.payoff.report import page, show, to_markdown
from wsrnas.studies.payoff.searches import STRATEGIES, largest, one_shot_winner, paper_winner, search
from wsrnas.studies.searches import Found
from wsrnas.studies.trainings import Judged, Trainer

OPPONENTS = ("same-size", "random-search", "largest", "one-shot", "paper")
SHARED = {"one-shot": one_shot_winner, "paper": paper_winner}


def run(
    *,
    scale: str = "smoke",
    space: str = "nb201",
    data_root: str | None = None,
    out: str | Path | None = None,
    seed: int = 0,
    limits: LimitsConfig | None = None,
    shared_searches: int | None = None,
    config: PayoffConfig | None = None,
) -> dict[str, Any]:
    """Search with many seeds, train winners and what they have to beat again, and say what the search gained.

    Every step of a search and every network is a file in `out`: the same command goes on where it stopped. study.json
    and the report are written after every search, and say how many of those registered are done.

    Args:
        scale: ``smoke``, ``small`` (digits, or CIFAR-10 at 16×16 with a data root) or ``paper`` (a GPU).
        space: darts, nb201 or stages.
        data_root: folder with CIFAR-10 as parquet files.
        out: run folder; ``runs/study-payoff-SPACE-SCALE`` if not given.
        seed: of the first search; the others have the numbers after it.
        limits: the largest network that a search may name; the largest architecture keeps them too.
        shared_searches: how many of the searches have opponents under shared weights; null takes the scale's number.
        config: a study of other sizes than the scale's.

    Returns:
        What ``study.json`` holds: `against` (gain, low, high, wins and searches by opponent, in points of wide
        accuracy), `objective` (the same in accuracy weighted as Eq. 10 weighs losses), `searches`, `costs`.
    """
    if config is None:
        config = payoff_config(scale, space, root=data_root, seed=seed, limits=limits, shared_searches=shared_searches)
    name = config.search.space.name
    kept = f"runs/study-payoff-{name}-{scale}" if out is None else out
    with RunFolder.open(kept, kind="study", config={"study": "payoff", "scale": scale, **asdict(config)}) as folder:
        return _Payoff(config, scale, folder).run()


class _Payoff:
    """The searches done so far: of each the networks of its winner and of every opponent, by training seed."""

    def __init__(self, config: PayoffConfig, scale: str, folder: RunFolder) -> None:
        own = config.search
        self.config, self.scale, self.folder = config, scale, folder
        self.data, self.runtime = load_data(own.data, own.seed), Runtime(own.runtime)
        self.trainer = Trainer(config=own, data=self.data, runtime=self.runtime, folder=folder)
        self.sizes = network_config(own, self.data)
        self.space = limited_space(get_space(own.space.name), own.limits, self.sizes)
        self.largest = largest(self.space, self.sizes, own.seed)
        self.winners: list[list[Judged]] = []
        self.opponents: dict[str, list[list[list[Judged]]]] = {name: [] for name in OPPONENTS}
        self.searches: list[dict[str, Any]] = []

    def run(self) -> dict[str, Any]:
        """Do the searches one after the other; report after each."""
        result: dict[str, Any] = {}
        with progress("study of what a search is worth", self.config.searches) as bar:
            for index in range(self.config.searches):
                self._search(index)
                result = self._written()
                bar.advance(note=f"search {index + 1}")
        show(result)
        return result

    def _search(self, index: int) -> None:
        given = (self.config, index, self.data, self.runtime, self.folder)
        found = {name: search(name, *given) for name in STRATEGIES}
        winner = found["ours"].genotype
        self.winners.append(self._judged(winner))
        rivals = self.trainer.same_size(winner, self.config.rivals, self.config.seeds, "payoff")
        self.opponents["same-size"].append(rivals)
        self.opponents["random-search"].append([self._judged(found["random"].genotype)])
        self.opponents["largest"].append([[network] for network in self._judged(self.largest)])
        if index < self.config.shared_searches:
            for name, winner_of in SHARED.items():
                found[name] = winner_of(found["ours"].cost, *given)
                self.opponents[name].append([self._judged(found[name].genotype)])
        self.searches.append({name: self._described(one) for name, one in found.items()})

    def _judged(self, genotype: Genotype) -> list[Judged]:
        """Return the networks of an architecture, made once for all that ask for it."""
        return self.trainer.networks(genotype, self.config.seeds, "payoff")

    def _described(self, found: Found) -> dict[str, Any]:
        genotype = found.genotype
        accuracy = np.mean([network.accuracy for network in self._judged(genotype)], axis=0)
        return {
            "id": genotype.id,
            "genotype": genotype.to_json(),
            "parameters": self.space.parameters(genotype, self.sizes),
            "cost": found.cost,
            "accuracy": [float(one) for one in accuracy],
        }

    def _gains(self, coefficients: Array) -> dict[str, dict[str, Any]]:
        """Return the gains by opponent, in points of accuracy weighted by `coefficients` (1+S,)."""

        def scores(networks: list[Judged]) -> Array:
            return np.asarray(np.mean([network.right @ coefficients for network in networks], axis=0))

        own = np.stack([scores(networks) for networks in self.winners])
        found = {}
        for name, opponents in self.opponents.items():
            if opponents:
                others = np.stack([np.stack([scores(one) for one in rivals]) for rivals in opponents])
                seed = self.config.search.seed
                found[name] = gain(own[: len(others)], others, draws=self.config.draws, seed=seed)
        return found

    def _written(self) -> dict[str, Any]:
        """Write study.json and the report of the searches done so far."""
        own, config = self.config.search, self.config
        strengths = len(own.spectrum.all_strengths())
        equation = replace(own.spectrum, clean_weight=0.8, robust_weight=0.2, strength_weights=None).objective()
        result = {
            "title": (
                f"{self.space.name}, {self.scale} scale, {self.data.name} {'×'.join(map(str, self.data.image_shape))}, "
                f"{self._within()}{len(self.searches)} of {config.searches} searches, "
                f"{own.budget.queries} candidates each, {own.labels.epochs} epochs, {config.seeds} fresh seeds, "
                f"{len(self.winners[0][0].right)} test images"
            ),
            "against": self._gains(np.array([0.0, *([1 / strengths] * strengths)])),
            "objective": self._gains(equation.coefficients().double().numpy()),
            "done": len(self.searches),
            "registered": config.searches,
            "strengths": [0.0, *own.spectrum.all_strengths()],
            "searches": self.searches,
            "rules": list(config.rules),
        }
        self.folder.write_json("study.json", without_nan(result))
        self.folder.write_text("study.md", to_markdown(result))
        drawn = Genotype.from_json(self.searches[0]["ours"]["genotype"])
        page(result, f"{self._command()} --out {self.folder.path}", self.space.draw(drawn)).write(
            self.folder.path / "report.html"
        )
        return result

    def _within(self) -> str:
        counts = self.config.search.limits.counts()
        return "".join(f"at most {most:,} {name.replace('_', '-')}, " for name, most in counts.items())

    def _command(self) -> str:
        own, usual = self.config.search, payoff_config(self.scale, self.space.name, root=self.config.search.data.root)
        words = [f"wsrnas study payoff --space {self.space.name} --scale {self.scale} --seed {own.seed}"]
        if own.data.root is not None:
            words.append(f"--data.root {own.data.root}")
        for name in own.limits.counts():
            words.append(f"--limits.{name} {getattr(own.limits, name)}")
        if self.config.shared_searches != usual.shared_searches:
            words.append(f"--shared_searches {self.config.shared_searches}")
        return " ".join(words)
