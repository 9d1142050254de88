"""What a search will cost, before it starts: `--dry-run`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import nn

from wsrnas import rng
from wsrnas.data import DataBundle, load_data
from wsrnas.report.words import duration
from wsrnas.runtime import Runtime
from wsrnas.search.base import Strategy
from wsrnas.search.build import build_strategy
from wsrnas.search.config import SearchConfig
from wsrnas.search.costs import FINALISTS, RIVALS, VERIFICATION, Amounts, Costs, passes_of_calls, passes_of_trainings
from wsrnas.search.evaluators.build import build_evaluator
from wsrnas.search.evaluators.charged import ChargedEvaluator
from wsrnas.search.evaluators.one_shot import OneShot
from wsrnas.search.evaluators.short_training import label_attack, short_training
from wsrnas.search.finalists.alone import alone_settings, training_passes
from wsrnas.search.finalists.rivals import training_settings
from wsrnas.search.report.asked import check_sections
from wsrnas.search.setup import count_parameters, network_config
from wsrnas.search.strategies.mixture import MixtureStrategy
from wsrnas.training.throughput import Throughput, estimate_passes, measure_throughput
from wsrnas.types import format_strength

SECONDS = 4.0
"""How long the speed of the device is measured, about."""
UNSURE = 1.5
"""Rounds whose speeds differ by more than this factor are no measurement of the machine alone."""


@dataclass(frozen=True, kw_only=True)
class SearchPlan:
    """What a search will do: network passes by phase, and how fast this device makes them.

    `passes` holds images passed through a network, forward and backward passes one each.
    """

    config: SearchConfig
    facts: tuple[str, ...]
    passes: dict[str, int]
    speed: Throughput

    @property
    def total(self) -> int:
        """Return the passes of all phases."""
        return sum(self.passes.values())

    @property
    def seconds(self) -> float:
        """Return how long they take at the speed measured."""
        return 3600 * self.speed.hours(self.total)

    def to_dict(self) -> dict[str, Any]:
        """Return the plan as plain JSON values."""
        phases = {
            phase: {"passes": passes, "seconds": 3600 * self.speed.hours(passes)}
            for phase, passes in self.passes.items()
        }
        speed = {"passes_per_second": self.speed.passes, "lowest": self.speed.lowest, "highest": self.speed.highest}
        return {
            "facts": list(self.facts),
            "phases": phases,
            "passes": self.total,
            "seconds": self.seconds,
            "speed": speed,
        }

    def _between(self) -> str:
        return " and ".join(duration(self.total / speed) for speed in (self.speed.highest, self.speed.lowest))

    def _doubt(self) -> str:
        busy = self.speed.highest > UNSURE * self.speed.lowest
        return ",\nso unsure that something else must be using this machine" if busy else ""

    def __str__(self) -> str:
        """Return the plan as a table."""
        rows = [
            f"{phase:<36}{passes:>16,}{duration(3600 * self.speed.hours(passes)):>16}"
            for phase, passes in self.passes.items()
        ]
        return "\n".join(
            [
                *self.facts,
                "",
                f"{'phase':<36}{'image passes':>16}{'time':>16}",
                *rows,
                f"{'total':<36}{self.total:>16,}{duration(self.seconds):>16}",
                "",
                f"at {self.speed.passes:,.0f} image passes a second, measured at batch {self.speed.batch_size} in "
                f"{len(self.speed.rounds)} rounds",
                f"of {self.speed.lowest:,.0f} to {self.speed.highest:,.0f}: between {self._between()}{self._doubt()};",
                "estimators, data loading and checkpoints come on top, and other work on this machine slows it down",
            ]
        )


def phases(config: SearchConfig, data: DataBundle, strategy: Strategy, evaluator: ChargedEvaluator) -> dict[str, int]:
    """Return the network passes of every phase, as the evaluator will charge them, and of the trainings after it."""
    spectrum = evaluator.spectrum
    verifying = Costs.of(config).verifying(Amounts.of(config, data, spectrum).measured, spectrum)
    finalists = min(config.finalists.count, strategy.most_finalists)
    alone = config.finalists.epochs > 0 and finalists > 1
    if isinstance(evaluator, OneShot):
        found = passes_of_calls(
            config,
            data,
            spectrum,
            strategy.calls,
            learned=evaluator.noise_estimator.needs_training,
            robust_mixture=isinstance(strategy, MixtureStrategy) and strategy.robust,
        )
    else:
        found = passes_of_trainings(config, data, strategy.calls)
        verifying += 0 if alone else short_training(config).passes(len(data.train))
    if alone:
        found[FINALISTS] = finalists * (training_passes(alone_settings(config), data) + verifying)
    else:
        found[VERIFICATION] = finalists * verifying
    if config.rivals.count:
        settings = training_settings(config)
        images = load_data(settings.data, config.seed).train
        found[RIVALS] = (1 + config.rivals.count) * sum(estimate_passes(settings, len(images), 0).values())
    return found


def planned(config: SearchConfig, data: DataBundle, evaluator: ChargedEvaluator) -> dict[str, int]:
    """Return the network passes of every phase of the search that these settings describe."""
    objective = config.spectrum.objective()
    strategy = build_strategy(config.strategy, evaluator, objective, config.seed, budget=config.budget)
    return phases(config, data, strategy, evaluator)


def plan(config: SearchConfig) -> SearchPlan:
    """Return what these settings will do, with the speed of this device measured for a few seconds."""
    check_sections(config.sections)
    data = load_data(config.data, config.seed)
    runtime = Runtime(config.runtime)
    evaluator = build_evaluator(config, data, runtime)
    passes = planned(config, data, evaluator)
    facts = (
        f"recipe {config.recipe}, preset {config.preset}, seed {config.seed}, device {runtime.device}",
        f"strategy: {config.strategy.name}"
        + "".join(f", {key} {value}" for key, value in config.strategy.settings.items()),
        f"data: {data.name}, {len(data.train)} images in D_t, {len(data.valid)} in D_v, shape {data.image_shape}",
        *(_one_shot(config, evaluator) if isinstance(evaluator, OneShot) else _trained(config)),
    )
    speed = throughput(config, data, runtime, evaluator)
    return SearchPlan(config=config, facts=facts, passes=passes, speed=speed)


def _one_shot(config: SearchConfig, evaluator: OneShot) -> list[str]:
    spectrum, noise, space = evaluator.spectrum, config.noise_estimator, config.space
    estimated = f"; the others by {noise.name}" + (f", {noise.refine} gradient steps each" if noise.refine else "")
    return [
        f"super-network: {space.name}, {space.channels} channels, {space.layers} cells, "
        f"{count_parameters(evaluator.supernet):,} weights",
        f"strengths: {_listed(spectrum.strengths)}; attacked for real: {_listed(spectrum.attacked)}"
        + (estimated if spectrum.estimated else ""),
        f"attacks: {_steps(config)}",
        f"architectures: {config.budget.population} to warm up, {config.budget.queries} measured{_limits(config)}",
    ]


def _trained(config: SearchConfig) -> list[str]:
    labels, space, steps = config.labels, config.space, config.training.steps
    repeats = f", {labels.seeds} times each" if labels.seeds > 1 else ""
    return [
        f"labels: {config.budget.queries} candidates of {space.name}, {space.channels} channels{_limits(config)}, each "
        f"trained alone for {labels.epochs} epochs{repeats}",
        f"strengths: {_listed(config.spectrum.all_strengths())}, all attacked for real",
        f"attacks: PGD-{steps} in training, {label_attack(config).name} in measuring, from random starts",
    ]


def _limits(config: SearchConfig) -> str:
    said = {"latency_ms": f"ms of latency at batch {config.limits.latency_batch}"}
    return "".join(f", at most {most:,} {said.get(name, name)}" for name, most in config.limits.numbers().items())


def _listed(strengths: tuple[float, ...]) -> str:
    return ", ".join(map(format_strength, strengths))


def _steps(config: SearchConfig) -> str:
    """Say how far PGD gets: without a random start, no further than its steps reach."""
    training = config.training
    ratio = 2.5 / training.steps if training.step_ratio is None else training.step_ratio
    reach = training.steps * ratio
    short = f", which reach {reach:.3g} of every strength at most" if reach < 1 else ""
    return f"PGD-{training.steps} from the clean image, steps of {ratio:.3g} of the strength{short}"


def throughput(
    config: SearchConfig, data: DataBundle, runtime: Runtime, evaluator: ChargedEvaluator, *, samples: int = 3
) -> Throughput:
    """Time random candidates for `SECONDS`, taking turns."""
    space, sizes, networks = evaluator.space, network_config(config, data), list[nn.Module]()
    for index in range(samples):
        genotype = space.sample(rng.stream(config.seed, "plan", index))
        if isinstance(evaluator, OneShot):
            networks.append(evaluator.network(genotype))
        else:
            with rng.fixed_global_seed(config.seed, "plan", "weights"):
                networks.append(runtime.prepare(space.build(genotype, sizes)))
    batch = config.training.batch_size
    return measure_throughput(networks, data.image_shape, batch_size=batch, runtime=runtime, seconds=SECONDS)
