"""`wsrnas study thesis`: do more strengths help a search, and do they help at large strengths?"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from wsrnas.data import load_data
from wsrnas.progress import progress
from wsrnas.runs import RunFolder
from wsrnas.runtime import Runtime
from wsrnas.search.setup import network_config
from wsrnas.spaces import get_space
from wsrnas.studies.gains import Array, gain
from wsrnas.studies.parts import without_nan
from wsrnas.studies.searches import Found, search_trained
from wsrnas.studies.thesis.config import ThesisConfig, thesis_config
from wsrnas.studies.thesis.report import page, show, to_markdown
from wsrnas.studies.trainings import Judged, Trainer

SAME_SIZE = "same-size"


def run(
    *,
    scale: str = "smoke",
    space: str = "nb201",
    data_root: str | None = None,
    out: str | Path | None = None,
    seed: int = 0,
    config: ThesisConfig | None = None,
) -> dict[str, Any]:
    """Search with many seeds for every case at equal cost, train the winners again, and compare them.

    Every step of a search and every network is a file in `out`: the same command goes on where it stopped.

    Args:
        scale: ``smoke``, ``small`` (digits, or CIFAR-10 at 16×16 with a data root) or ``paper`` (a GPU).
        space: darts, nb201 or stages.
        data_root: folder with CIFAR-10 as parquet files.
        out: run folder; ``runs/study-thesis-SPACE-SCALE`` if not given.
        seed: of the first search; the others have the numbers after it.
        config: a study of other sizes than the scale's.

    Returns:
        What ``study.json`` holds: for `wide` and `large` strengths, the gain of the widest case over every other and
        over random architectures of its size, in points of accuracy.
    """
    config = thesis_config(scale, space, root=data_root, seed=seed) if config is None else config
    name = config.search.space.name
    kept = f"runs/study-thesis-{name}-{scale}" if out is None else out
    with RunFolder.open(kept, kind="study", config={"study": "thesis", "scale": scale, **asdict(config)}) as folder:
        return _Thesis(config, scale, folder).run()


class _Thesis:
    """The searches done so far: of each case the networks of its winners, by training seed."""

    def __init__(self, config: ThesisConfig, scale: str, folder: RunFolder) -> None:
        own = config.search
        self.config, self.scale, self.folder = config, scale, folder
        self.data, self.runtime = load_data(own.data, own.seed), Runtime(own.runtime)
        self.trainer = Trainer(config=config.judging(), data=self.data, runtime=self.runtime, folder=folder)
        self.space, self.sizes = get_space(own.space.name), network_config(own, self.data)
        self.networks: dict[str, list[list[list[Judged]]]] = {name: [] for name in (*config.cases, SAME_SIZE)}
        self.searches: list[dict[str, Any]] = []

    def run(self) -> dict[str, Any]:
        """Do the searches one after the other; report after each."""
        result: dict[str, Any] = {}
        with progress("study of the thesis", self.config.searches) as bar:
            for index in range(self.config.searches):
                self._search(index)
                result = self._written()
                bar.advance(note=f"search {index + 1} of every case")
        show(result)
        return result

    def _search(self, index: int) -> None:
        described = {}
        for case in self.config.cases:
            own = self.config.search_of(case, index, self.data)
            part = f"search-{case}-{index}"
            with self.folder.timed(f"search {case}"):
                found = search_trained(
                    part, own, self.config.finalists, self.data, self.runtime, self.folder, favour_largest=False
                )
            networks = self.trainer.networks(found.genotype, self.config.seeds, "thesis")
            self.networks[case].append([networks])
            described[case] = self._described(found, networks, own.budget.queries)
        rivals = self.trainer.same_size(found.genotype, self.config.rivals, self.config.seeds, "thesis")
        self.networks[SAME_SIZE].append(rivals)
        self.searches.append(described)

    def _described(self, found: Found, networks: list[Judged], queries: int) -> dict[str, Any]:
        accuracy = np.mean([network.accuracy for network in networks], axis=0)
        return {
            "id": found.genotype.id,
            "genotype": found.genotype.to_json(),
            "parameters": self.space.parameters(found.genotype, self.sizes),
            "candidates": queries,
            "cost": found.cost,
            "accuracy": [float(one) for one in accuracy],
        }

    def _gains(self, coefficients: Array) -> dict[str, dict[str, Any]]:
        """Return the gains of the widest case by opponent, in points of accuracy weighted by `coefficients` (1+S,)."""

        def scores(name: str) -> Array:
            return np.stack(
                [
                    np.stack([np.mean([network.right @ coefficients for network in one], axis=0) for one in several])
                    for several in self.networks[name]
                ]
            )

        own = scores(self.config.widest)[:, 0]
        others = [name for name in self.networks if name != self.config.widest]
        seed = self.config.search.seed
        return {name: gain(own, scores(name), draws=self.config.draws, seed=seed) for name in others}

    def _written(self) -> dict[str, Any]:
        """Write study.json and the report of the searches done so far."""
        own, config, count = self.config.search, self.config, len(self.config.strengths)
        upper = count - max(1, count // 3)
        large = np.array([0.0, *(float(place >= upper) / (count - upper) for place in range(count))])
        result = {
            "title": (
                f"{self.space.name}, {self.scale} scale, {self.data.name} {'×'.join(map(str, self.data.image_shape))}, "
                f"{len(self.searches)} of {config.searches} searches a case, {own.labels.epochs} epochs, "
                f"{config.seeds} fresh seeds, {len(self.data.test)} test images"
            ),
            "widest": config.widest,
            "cases": {name: list(strengths) for name, strengths in config.cases.items()},
            "wide": self._gains(np.array([0.0, *([1 / count] * count)])),
            "large": self._gains(large),
            "done": len(self.searches),
            "registered": config.searches,
            "strengths": [0.0, *config.strengths],
            "searches": self.searches,
            "rules": list(config.rules),
        }
        self.folder.write_json("study.json", without_nan(result))
        self.folder.write_text("study.md", to_markdown(result))
        root = f" --data.root {own.data.root}" if own.data.root else ""
        command = f"wsrnas study thesis --space {self.space.name} --scale {self.scale}{root} --seed {own.seed}"
        page(result, f"{command} --out {self.folder.path}").write(self.folder.path / "report.html")
        return result
