"""A search from settings to report: runs a strategy on an evaluator, survives kills, names a verified winner."""

from __future__ import annotations

import time
from dataclasses import asdict
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Any

import torch
from torch import nn

from wsrnas import rng
from wsrnas.configure import configured
from wsrnas.data import DataBundle, load_data
from wsrnas.errors import one_of, refuse
from wsrnas.models.budget import write_budget
from wsrnas.models.load import load_run
from wsrnas.progress import progress
from wsrnas.runs import RunFolder
from wsrnas.runs.shared import shared_run
from wsrnas.runtime import Runtime, leaving, processes
from wsrnas.search.build import build_strategy
from wsrnas.search.config import SearchConfig
from wsrnas.search.costs import FINALISTS, VERIFICATION
from wsrnas.search.evaluators.build import build_evaluator
from wsrnas.search.evaluators.scoring import blind
from wsrnas.search.finalists.alone import train_alone
from wsrnas.search.finalists.choice import named, with_largest
from wsrnas.search.finalists.examples import save_examples
from wsrnas.search.finalists.rivals import train_rivals
from wsrnas.search.latency import Latencies
from wsrnas.search.outcome import outcome
from wsrnas.search.pareto import SIZES, write_front
from wsrnas.search.report.asked import check_sections
from wsrnas.search.report.model_card import write_model_card
from wsrnas.search.report.page import write_search_report
from wsrnas.search.result import FILE, SearchResult
from wsrnas.search.setup import (
    latencies_of,
    network_config,
    refuse_idle_processes,
    space_within_limits,
)
from wsrnas.search.size_share import labelled_genotypes
from wsrnas.spaces import get_space
from wsrnas.spaces.genotype import Genotype
from wsrnas.spaces.sampling import parameter_count
from wsrnas.types import Losses

EXAMPLES = 8


def search(
    recipe: str | SearchConfig = "digits",
    *,
    out: str | Path | None = None,
    preset: str | None = None,
    pareto: str = "params",
    **settings: Any,
) -> SearchResult:
    """Search for a robust architecture, or go on with a search, and return what it found.

    ``search("digits", seed=1, strategy="evolution", space={"channels": 8})``

    Args:
        recipe: a shipped recipe, a YAML file such as a run's own config.yaml, or a whole configuration.
        out: run folder; default ``runs/RECIPE-PRESET-seedSEED``. The same call in the same folder resumes.
        preset: ours or paper.
        pareto: params, or latency to draw the front by that as well: what was measured is timed at the end.
        settings: of `SearchConfig`, nested or dotted (``**{"space.channels": 8}``).

    Raises:
        InputError: an unknown recipe, preset or setting, a value that does not fit, or unusable data or folder.
    """
    config = recipe if isinstance(recipe, SearchConfig) else configured(
        SearchConfig, "search", recipe, settings, preset=preset
    )  # fmt: skip
    named = f"{Path(config.recipe).stem}-{config.preset}-seed{config.seed}"
    return run_search(config, out if out is not None else Path("runs") / named, pareto=pareto)


def run_search(config: SearchConfig, out: str | Path, *, pareto: str = "params") -> SearchResult:
    """Run a search, or resume it, and return what it found; `pareto` as for `search`.

    On CPU a search killed at any moment and started again ends bit for bit as one that was never killed. Several
    processes (torchrun, srun) share every batch and come to the same up to the order of float additions; networks that
    are trained alone at the end are divided among them.

    Raises:
        InputError: settings, data or run folder are not usable; the message names the remedy.
    """
    one_of("pareto", pareto, tuple(SIZES))
    check_sections(config.sections)
    runtime = Runtime(config.runtime)
    data = processes.together(lambda: load_data(config.data, config.seed))
    processes.together(lambda: _refuse_processes(config, data, pareto))
    latencies = latencies_of(config, data, runtime)
    latencies.read(Path(out))
    processes.together(lambda: space_within_limits(config, data, runtime, latencies))
    with shared_run(out, kind="search", config=asdict(config)) as run:
        if config.limits.latency_ms is not None:
            latencies.keep(run.path)
        return _Search(config, data, runtime, run, latencies).run(pareto)


def _refuse_processes(config: SearchConfig, data: DataBundle, pareto: str) -> None:
    refuse_idle_processes(config, len(data.train), len(data.valid))
    if processes.size() > 1 and (config.limits.latency_ms is not None or pareto == "latency"):
        remedy = "start it without torchrun, or limit multiply-adds instead"
        refuse("processes", expected="1 where latency is timed", got=processes.size(), remedy=remedy)


class _Search:
    """The parts of one run and the order they are used in."""

    def __init__(
        self, config: SearchConfig, data: DataBundle, runtime: Runtime, run: RunFolder, latencies: Latencies
    ) -> None:
        self.config, self.data, self.runtime, self.folder, self.latencies = config, data, runtime, run, latencies
        self.objective = config.spectrum.objective()
        self.evaluator = build_evaluator(config, data, runtime, timer=run.timed, latencies=latencies)
        self.strategy = build_strategy(
            config.strategy, self.evaluator, self.objective, config.seed, budget=config.budget, timer=run.timed
        )
        self.seconds = 0.0
        self.best = float("inf")

    def run(self, pareto: str) -> SearchResult:
        """Search, verify, compare, report."""
        self._restore()
        self._search()
        winner = self._verified()
        processes.first(lambda: self._name(winner, pareto))
        compared = train_rivals(self.config, self.data, winner, self.folder) if self.config.rivals.count else None
        network = None if self.config.rivals.count else self.evaluator.network(winner)
        return processes.first(lambda: self._reported(winner, compared, network))

    def _name(self, winner: Genotype, pareto: str) -> None:
        """Write the winner and the fronts down."""
        self.folder.write_text("genotype.json", winner.to_json() + "\n")
        self.folder.write_text("cell.svg", self.evaluator.space.draw(winner))
        self._fronts(pareto)

    def _reported(self, winner: Genotype, compared: dict[str, Any] | None, network: nn.Module | None) -> SearchResult:
        """Write what a search leaves behind."""
        if compared is not None:
            self.folder.write_json("comparison.json", compared)
        self._save_examples(network or load_run(self.folder.path / "compare" / "winner"))
        sizes = network_config(self.config, self.data)
        built = self.runtime.prepare(self.evaluator.space.build(winner, sizes))
        write_budget(self.folder.path, built, sizes.image_shape)
        write_model_card(self.folder.path)
        write_search_report(self.folder.path, sections=self.config.sections)
        return SearchResult.read(self.folder.path)

    def _fronts(self, pareto: str) -> None:
        """Write the front of Eq. 10 against parameters, and against latency where that is asked for."""
        # The whole space: one that was guessed to keep a limit of latency may since have been timed as over it.
        space, sizes = get_space(self.config.space.name), network_config(self.config, self.data)
        labelled = labelled_genotypes(self.folder.lines(), space, self.objective)
        write_front(self.folder.path, "params", labelled, lambda one: parameter_count(space, one, sizes))
        if pareto == "latency":
            self.latencies.keep(self.folder.path)
            batch = self.latencies.batch_size
            write_front(self.folder.path, pareto, labelled, self.latencies.measured, batch_size=batch)

    def _save_examples(self, model: nn.Module) -> None:
        """Attack a few images of D_v: the winner trained alone, or else with the weights of its label."""
        images, labels = self.data.valid.fetch(torch.arange(min(EXAMPLES, len(self.data.valid))))
        save_examples(
            self.folder.path,
            self.runtime.prepare(model),
            images.to(self.runtime.device),
            labels.to(self.runtime.device),
            self.evaluator.spectrum.strengths,
            rng.stream(self.config.seed, "examples"),
        )

    def _restore(self) -> None:
        state = processes.first(lambda: self.folder.load_checkpoint(restore=self._take))
        if state is not None and not processes.is_first():
            self._take(state)

    def _take(self, state: dict[str, Any]) -> None:
        self.strategy.load_state_dict(state["strategy"])
        self.evaluator.load_state_dict(state["evaluator"])
        self.seconds, self.best = state["seconds"], state["best"]

    def _search(self) -> None:
        strategy, total = self.strategy, self.strategy.total_iterations
        with progress("search", total, done=strategy.iteration) as bar:
            while strategy.iteration < total:
                started = time.perf_counter()
                self.folder.iteration = strategy.iteration
                strategy.step()
                processes.first(partial(self._keep, started))
                bar.advance(note=self._note())
                leaving.leave()

    def _keep(self, started: float) -> None:
        """Write down the iteration just done, which began at that time."""
        self.folder.log(**self._line())
        self.seconds += time.perf_counter() - started
        self.folder.save_checkpoint(
            {
                "strategy": self.strategy.state_dict(),
                "evaluator": self.evaluator.state_dict(),
                "seconds": self.seconds,
                "best": self.best,
            }
        )

    def _line(self) -> dict[str, Any]:
        """Return what metrics.jsonl says of the iteration just done."""
        line = {
            "phase": "search",
            "iteration": self.folder.iteration,
            "chosen": self.strategy.name,
            **self.evaluator.record,
            **self.strategy.record,
        }
        if line.get("losses") is not None:
            line["objective"] = float(self.objective(torch.tensor(line["losses"])))
            self.best = min(self.best, line["objective"])
            line["best_objective"] = self.best
        return line

    def _finalists(self) -> list[Genotype]:
        """Return the strategy's finalists, without those whose network sees nothing."""
        count, sizes = self.config.finalists.count, network_config(self.config, self.data)
        if self.evaluator.trains_alone:
            chosen = with_largest(self.strategy, count, partial(parameter_count, self.evaluator.space, config=sizes))
        else:
            chosen = self.strategy.finalists(count)
        found = [genotype for genotype in chosen if not blind(self.evaluator.space, genotype, sizes)]
        if not found:
            expected = "an architecture with a path from the image to the output among the finalists"
            remedy = "give the search more iterations (--budget.population, --budget.iterations) or another seed"
            refuse("search", expected=expected, got="none", remedy=remedy)
        return found

    def _verified(self) -> Genotype:
        """Measure the finalists again, name the winner and write result.json."""
        space, started = self.evaluator.space, time.perf_counter()
        finalists, most = self._finalists(), self.config.limits.numbers().get("latency_ms")
        finalists = finalists if most is None else self.latencies.kept(finalists, most)
        before = self.evaluator.cost
        alone = self.config.finalists.epochs > 0 and len(finalists) > 1
        if alone:
            trained = train_alone(self.config, self.data, finalists, self.folder)
            losses = trained.losses
            self.evaluator.charge(FINALISTS, trained.passes)
        else:
            with self.folder.timed(VERIFICATION):
                losses = self.evaluator.verify([space.architecture(genotype) for genotype in finalists])
        values = [[float(self.objective(one))] for one in losses]
        if alone and self.config.evaluator == "trained":  # each label is a training of its own: two tell more than one
            for value, genotype in zip(values, finalists):
                value.append(float(self.objective(self.evaluator.measure(space.architecture(genotype)))))
        sizes = network_config(self.config, self.data)
        best = named(values, [parameter_count(space, genotype, sizes) for genotype in finalists])
        order = sorted(range(len(finalists)), key=lambda place: (place != best, fmean(values[place])))
        seconds, charged = self.seconds + time.perf_counter() - started, self.evaluator.cost - before
        ranked = [(finalists[place], losses[place]) for place in order]
        processes.first(lambda: self._write_result(ranked, alone, charged, seconds))
        return finalists[order[0]]

    def _write_result(self, ranked: list[tuple[Genotype, Losses]], alone: bool, charged: float, seconds: float) -> None:
        """Write result.json of the finalists, best first; `alone`: trained alone for it, at `charged` image passes."""
        most, winner = self.config.limits.numbers().get("latency_ms"), ranked[0][0]
        latency = None if most is None else self.latencies.said(winner, most)
        result = outcome(
            self.config,
            self.data,
            self.evaluator,
            self.folder,
            ranked,
            alone=alone,
            seconds=seconds,
            charged=charged,
            latency=latency,
        )
        self.folder.write_json(FILE, result.to_json())

    def _note(self) -> str:
        phase = self.strategy.record.get("phase", self.strategy.name)
        return str(phase) if self.best == float("inf") else f"{phase}, best objective {self.best:.3f}"
