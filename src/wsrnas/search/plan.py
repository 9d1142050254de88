"""What a search will cost, before it starts: `--dry-run`."""

from __future__ import annotations

from dataclasses import dataclass

from wsrnas import rng
from wsrnas.data import DataBundle, load_data
from wsrnas.report.words import duration
from wsrnas.runtime import Runtime
from wsrnas.search.base import Strategy
from wsrnas.search.build import build_strategy
from wsrnas.search.config import SearchConfig
from wsrnas.search.costs import FINALISTS, RIVALS, VERIFICATION, Amounts, Costs, passes_of_calls
from wsrnas.search.evaluators.one_shot import OneShot
from wsrnas.search.finalists.alone import alone_settings, training_passes
from wsrnas.search.finalists.rivals import training_settings
from wsrnas.search.setup import count_parameters
from wsrnas.search.strategies.mixture import MixtureStrategy
from wsrnas.training.throughput import Throughput, estimate_passes, measure_throughput
from wsrnas.types import format_strength


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
                f"at {self.speed.passes:,.0f} image passes a second, measured at batch {self.speed.batch_size};",
                "estimators, data loading and checkpoints come on top, and other work on this machine slows it down",
            ]
        )


def phases(config: SearchConfig, data: DataBundle, strategy: Strategy, evaluator: OneShot) -> dict[str, int]:
    """Return the network passes of every phase, as the evaluator will charge them, and of the trainings after it."""
    spectrum = evaluator.spectrum
    found = passes_of_calls(
        config,
        data,
        spectrum,
        strategy.calls,
        learned=evaluator.noise_estimator.needs_training,
        robust_mixture=isinstance(strategy, MixtureStrategy) and strategy.robust,
    )
    finalists = min(config.finalists.count, strategy.most_finalists)
    if config.finalists.epochs and finalists > 1:
        each = training_passes(alone_settings(config), data)
        found[FINALISTS] = finalists * (each + _verifying(config, data, evaluator))
    else:
        found[VERIFICATION] = finalists * _verifying(config, data, evaluator)
    if config.rivals.count:
        settings = training_settings(config)
        images = load_data(settings.data, config.seed).train
        found[RIVALS] = (1 + config.rivals.count) * sum(estimate_passes(settings, len(images), 0).values())
    return found


def _verifying(config: SearchConfig, data: DataBundle, evaluator: OneShot) -> int:
    return Costs.of(config).verifying(Amounts.of(config, data, evaluator.spectrum).measured, evaluator.spectrum)


def plan(config: SearchConfig) -> SearchPlan:
    """Return what these settings will do, with the speed of this device measured for a few seconds."""
    data = load_data(config.data, config.seed)
    runtime = Runtime(config.runtime)
    evaluator = OneShot(config, data, runtime)
    strategy = build_strategy(
        config.strategy, evaluator, config.spectrum.objective(), config.seed, budget=config.budget
    )
    strengths = ", ".join(map(format_strength, evaluator.spectrum.strengths))
    attacked = ", ".join(map(format_strength, evaluator.spectrum.attacked))
    noise = config.noise_estimator
    estimated = f"; the others by {noise.name}" + (f", {noise.refine} gradient steps each" if noise.refine else "")
    facts = (
        f"recipe {config.recipe}, preset {config.preset}, seed {config.seed}, device {runtime.device}",
        f"strategy: {config.strategy.name}"
        + "".join(f", {key} {value}" for key, value in config.strategy.settings.items()),
        f"data: {data.name}, {len(data.train)} images in D_t, {len(data.valid)} in D_v, shape {data.image_shape}",
        f"super-network: {config.space.name}, {config.space.channels} channels, {config.space.layers} cells, "
        f"{count_parameters(evaluator.supernet):,} weights",
        f"strengths: {strengths}; attacked for real: {attacked}" + (estimated if evaluator.spectrum.estimated else ""),
        f"attacks: {_steps(config)}",
        f"architectures: {config.budget.population} to warm up, {config.budget.queries} measured"
        + "".join(f", at most {most:,} {name}" for name, most in config.limits.numbers().items()),
    )
    speed = throughput(config, data, runtime, evaluator)
    return SearchPlan(config=config, facts=facts, passes=phases(config, data, strategy, evaluator), speed=speed)


def _steps(config: SearchConfig) -> str:
    """Say how far PGD gets: without a random start, no further than its steps reach."""
    training = config.training
    ratio = 2.5 / training.steps if training.step_ratio is None else training.step_ratio
    reach = training.steps * ratio
    short = f", which reach {reach:.3g} of every strength at most" if reach < 1 else ""
    return f"PGD-{training.steps} from the clean image, steps of {ratio:.3g} of the strength{short}"


def throughput(
    config: SearchConfig, data: DataBundle, runtime: Runtime, evaluator: OneShot, *, samples: int = 3
) -> Throughput:
    """Time random sub-networks for a few seconds and return the median."""
    measured = []
    for index in range(samples):
        choice = evaluator.space.choice(evaluator.space.sample(rng.stream(config.seed, "plan", index)))
        measured.append(
            measure_throughput(
                evaluator.supernet.at(choice),
                data.image_shape,
                batch_size=config.training.batch_size,
                runtime=runtime,
                seconds=1.0,
            )
        )
    return sorted(measured, key=lambda found: found.passes)[samples // 2]
