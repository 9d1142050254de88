"""A search from settings to report: runs a strategy on the super-network, survives kills, names a verified winner."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from wsrnas import rng
from wsrnas.data import DataBundle, load_data
from wsrnas.errors import refuse
from wsrnas.estimators.loss.metrics import kendall_per_head
from wsrnas.models.load import load_run
from wsrnas.progress import progress
from wsrnas.runs import RunFolder
from wsrnas.runtime import Runtime
from wsrnas.search.base import Strategy
from wsrnas.search.builders import get_strategy
from wsrnas.search.config import SearchConfig
from wsrnas.search.evaluators.measure import Timer
from wsrnas.search.evaluators.one_shot import OneShot
from wsrnas.search.finalists.alone import audition
from wsrnas.search.finalists.examples import save_examples
from wsrnas.search.finalists.rivals import compare_with_random
from wsrnas.search.objective import SearchObjective
from wsrnas.search.report.model_card import write_model_card
from wsrnas.search.report.page import write_search_report
from wsrnas.search.setup import count_parameters, loss_estimator, network_config
from wsrnas.search.wsr.choose import Chooser, GradientChooser, ProposingChooser
from wsrnas.search.wsr.propose import ProposeSettings
from wsrnas.search.wsr.wsr_nas import WsrNas
from wsrnas.spaces.genotype import Genotype
from wsrnas.types import Choice

EXAMPLES = 8


def search(config: SearchConfig, out: str | Path) -> Path:
    """Run a search, or resume it, and return the path of its report.

    On CPU a search killed at any moment and started again ends bit for bit as one that was never killed.

    Raises:
        InputError: settings, data or run folder are not usable; the message names the remedy.
    """
    data = load_data(config.data, config.seed)
    runtime = Runtime(config.runtime)
    if runtime.world_size > 1:
        remedy = "start it without torchrun; `wsrnas train` uses several"
        refuse("processes", expected="1: a search runs in one process", got=runtime.world_size, remedy=remedy)
    run = RunFolder.open(out, kind="search", config=asdict(config))
    try:
        return _Search(config, data, runtime, run).run()
    finally:
        run.close()


class _Search:
    """The parts of one run and the order they are used in."""

    def __init__(self, config: SearchConfig, data: DataBundle, runtime: Runtime, run: RunFolder) -> None:
        self.config, self.data, self.runtime, self.folder = config, data, runtime, run
        self.objective = config.spectrum.objective()
        self.evaluator = OneShot(config, data, runtime, timer=run.timed)
        self.strategy = strategy(config, self.evaluator, self.objective, run.timed)
        self.seconds = 0.0
        self.best = float("inf")

    def run(self) -> Path:
        """Search, verify, compare, report."""
        self._restore()
        self._search()
        winner = self._verified()
        self.folder.write_text("genotype.json", winner.to_json() + "\n")
        self.folder.write_text("cell.svg", self.evaluator.space.draw(winner))
        if self.config.compare.random:
            comparison = compare_with_random(self.config, self.data, winner, self.folder)
            self.folder.write_json("comparison.json", comparison)
        self._save_examples(winner)
        write_model_card(self.folder.path)
        return write_search_report(self.folder.path)

    def _save_examples(self, winner: Genotype) -> None:
        """Attack a few images of D_v: the winner trained alone where there is one, else inside the super-network."""
        alone = self.folder.path / "compare" / "winner"
        space = self.evaluator.space
        model = load_run(alone) if alone.is_dir() else self.evaluator.supernet.at(space.choice(winner))
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
        state = self.folder.load_checkpoint()
        if state is None:
            return
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
                self.folder.log(**self._line())
                self.seconds += time.perf_counter() - started
                self.folder.save_checkpoint(
                    {
                        "strategy": strategy.state_dict(),
                        "evaluator": self.evaluator.state_dict(),
                        "seconds": self.seconds,
                        "best": self.best,
                    }
                )
                bar.advance(note=self._note())

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

    def _verified(self) -> Genotype:
        """Measure the finalists again, name the winner and write result.json."""
        space, started = self.evaluator.space, time.perf_counter()
        finalists = self.strategy.finalists(self.config.choose.finalists)
        cost = self.evaluator.cost
        alone = self.config.choose.audition > 0 and len(finalists) > 1
        if alone:
            heard = audition(self.config, self.data, self.runtime, finalists, self.folder)
            losses = heard.losses
            self.evaluator.cost += heard.passes
        else:
            with self.folder.timed("verification"):
                losses = self.evaluator.verify([space.architecture(genotype) for genotype in finalists])
        order = sorted(range(len(finalists)), key=lambda place: float(self.objective(losses[place])))
        winner = finalists[order[0]]
        lines = self.folder.lines()
        described = [
            {
                "id": finalists[place].id,
                "losses": _search_losses(space.choice(finalists[place]), lines),
                "verified_losses": losses[place].tolist(),
                "verified_objective": float(self.objective(losses[place])),
                "parameters": count_parameters(space.build(finalists[place], network_config(self.config, self.data))),
            }
            for place in order
        ]
        spectrum = self.evaluator.spectrum
        self.folder.write_json(
            "result.json",
            {
                "recipe": self.config.recipe,
                "preset": self.config.preset,
                "seed": self.config.seed,
                "space": space.name,
                "data": {"name": self.data.name, "fingerprint": self.data.fingerprint},
                "strengths": list(spectrum.strengths),
                "known": list(self.config.spectrum.attacked_strengths()),
                "estimated": [s for s in spectrum.strengths if s not in self.config.spectrum.attacked_strengths()],
                "fallen_back": [s for s in spectrum.attacked if s not in self.config.spectrum.attacked_strengths()],
                "objective": asdict(self.objective),
                "winner": described[0],
                "finalists": described,
                "verified_by": "training alone" if alone else "shared weights",
                "kendall": _held_out_agreement(lines),
                "fidelity": _mean_fidelity(lines),
                "warnings": [warning for line in lines for warning in line.get("warnings", [])],
                "cost": self.evaluator.cost,
                "verification_cost": self.evaluator.cost - cost,
                "seconds": self.seconds + time.perf_counter() - started,
            },
        )
        return winner

    def _note(self) -> str:
        phase = self.strategy.record.get("phase", self.strategy.name)
        return str(phase) if self.best == float("inf") else f"{phase}, best objective {self.best:.3f}"


def strategy(config: SearchConfig, evaluator: OneShot, objective: SearchObjective, timer: Timer) -> Strategy:
    """Return the search that the settings name."""
    if config.strategy != WsrNas.name:
        queries = config.choose.population + config.choose.iterations
        return get_strategy(config.strategy)(evaluator, objective, config.seed, queries=queries)
    return WsrNas(
        evaluator,
        objective,
        config.seed,
        estimator=loss_estimator(config, evaluator.space, len(objective.strength_weights)),
        chooser=chooser(config, evaluator, objective),
        settings=config.choose,
        memory=config.loss.memory,
        timer=timer,
    )


def chooser(config: SearchConfig, evaluator: OneShot, objective: SearchObjective) -> Chooser:
    """Return the way of choosing that the settings name."""
    settings = config.choose
    if settings.method == "gradient":
        return GradientChooser(
            evaluator.space,
            objective,
            config.seed,
            temperature=settings.temperature,
            step_size=settings.step_size,
        )
    trust = 0.0 if config.loss.estimator == "gaussian-process" else 0.5
    propose = ProposeSettings(exploration=settings.explore, trust=trust)
    return ProposingChooser(evaluator.space, objective, config.seed, settings=propose, design=settings.design)


def _search_losses(choice: Choice, lines: list[dict[str, Any]]) -> list[float] | None:
    """Return the losses last measured for an architecture during the search."""
    found = [line["losses"] for line in lines if line.get("losses") and tuple(line.get("architecture", ())) == choice]
    return found[-1] if found else None


def _held_out_agreement(lines: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Kendall τ per loss between what ψ predicted and what was then measured."""
    pairs = [(line["predicted"], line["losses"]) for line in lines if line.get("predicted") is not None]
    if len(pairs) < 3:
        return None
    predicted, measured = (torch.tensor(column) for column in zip(*pairs))
    return {"per_strength": kendall_per_head(predicted, measured), "held_out": len(pairs)}


def _mean_fidelity(lines: list[dict[str, Any]]) -> dict[str, float]:
    shares: dict[str, list[float]] = {}
    for line in lines:
        for strength, share in (line.get("fidelity") or {}).items():
            if share is not None:
                shares.setdefault(strength, []).append(share)
    return {strength: sum(found) / len(found) for strength, found in shares.items()}
