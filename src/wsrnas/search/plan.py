"""What a search will cost, before it starts: `--dry-run`."""

from __future__ import annotations

import math
from dataclasses import dataclass

from wsrnas import rng
from wsrnas.attacks.apgd import APGD
from wsrnas.data import DataBundle, load_data
from wsrnas.runtime import Runtime
from wsrnas.search.config import SearchConfig
from wsrnas.search.evaluators.measure import Refinement
from wsrnas.search.finalists.alone import audition_settings, training_passes
from wsrnas.search.finalists.rivals import training_settings
from wsrnas.search.setup import count_parameters, network_config
from wsrnas.spaces import get_space
from wsrnas.training.throughput import Throughput, estimate_passes, measure_throughput

LEARNED = ("a-ane", "e-ane", "e-ane-minus", "plus-ane")


@dataclass(frozen=True)
class Phase:
    """One phase of a search: how many images pass through a network, forward and backward passes one each."""

    name: str
    passes: int


def phases(config: SearchConfig, data: DataBundle) -> list[Phase]:
    """Return the network passes of every phase, as `OneShot` and the comparison will make them."""
    weights, noise, choose = config.weights, config.noise, config.choose
    attacked, strengths = len(config.spectrum.attacked_strengths()), len(config.spectrum.all_strengths())
    estimated = strengths - attacked
    pgd = 2 * weights.steps
    epoch = _whole(len(data.train), weights.images, weights.batch_size)
    valid = _whole(len(data.valid), config.loss.images, config.loss.batch_size)
    measured = choose.population + choose.iterations
    sample = config.loss.batch_size * max(1, math.ceil(noise.fidelity_images / config.loss.batch_size))
    checks = (choose.population + measured) // noise.fidelity_every - choose.population // noise.fidelity_every
    refining = Refinement(noise.refine, noise.refine_step).passes(estimated)
    one_measure = valid * (pgd * attacked + refining + 1 + strengths)
    found = [
        Phase("warm up (lines 2-5)", choose.population * epoch * (pgd + 2)),
        Phase("adversarial training (build and search)", measured * epoch * (pgd + 2)),
    ]
    if config.noise.estimator in LEARNED and estimated:
        batches = noise.attacked_batches(weights.batch_size, attacked)
        examples = _whole(len(data.train), batches * weights.batch_size, weights.batch_size)
        found.append(Phase("attacks for the noise estimator", measured * examples * pgd * (attacked + 1)))
    found.append(Phase("attacks and losses on D_v", (measured + choose.refresh * choose.iterations) * one_measure))
    if estimated:
        found.append(Phase("fidelity checks", checks * sample * (pgd * strengths + refining + 1 + 2 * estimated)))
    if choose.audition and choose.finalists > 1 and choose.method == "propose":
        each = training_passes(audition_settings(config), data)
        found.append(Phase("finalists trained alone", choose.finalists * each))
    apgd = APGD(eps=config.weights.radius(), steps=choose.verify_steps).passes
    found.append(Phase("verification", choose.finalists * valid * ((apgd + 1) * strengths + 1)))
    if config.compare.random:
        settings = training_settings(config)
        images = load_data(settings.data, config.seed).train
        each = sum(estimate_passes(settings, len(images), 0).values())
        found.append(Phase("comparison training", (1 + config.compare.random) * each))
    return found


def _whole(available: int, wanted: int | None, batch_size: int) -> int:
    count = available if wanted is None else min(wanted, available)
    return count // batch_size * batch_size or count


def throughput(config: SearchConfig, data: DataBundle, runtime: Runtime, *, samples: int = 3) -> tuple[Throughput, int]:
    """Time random sub-networks for a few seconds; return the median and the weights of the super-network."""
    space = get_space(config.space.name)
    with rng.fixed_global_seed(config.seed, "plan"):
        supernet = runtime.prepare(space.supernet(network_config(config, data)))
    measured = []
    for index in range(samples):
        choice = space.choice(space.sample(rng.stream(config.seed, "plan", index)))
        measured.append(
            measure_throughput(
                supernet.at(choice),
                data.image_shape,
                batch_size=config.weights.batch_size,
                runtime=runtime,
                seconds=1.0,
            )
        )
    return sorted(measured, key=lambda found: found.passes)[samples // 2], count_parameters(supernet)


def plan(config: SearchConfig) -> str:
    """Return what a recipe will do: passes per phase, and hours at the throughput measured on this device now."""
    data = load_data(config.data, config.seed)
    runtime = Runtime(config.runtime)
    speed, weights = throughput(config, data, runtime)
    found = phases(config, data)
    total = sum(phase.passes for phase in found)
    strengths = ", ".join(f"{strength:g}" for strength in config.spectrum.all_strengths())
    attacked = ", ".join(f"{strength:g}" for strength in config.spectrum.attacked_strengths())
    lines = [
        f"recipe {config.recipe}, preset {config.preset}, seed {config.seed}, device {runtime.device}",
        f"data: {data.name}, {len(data.train)} images in D_t, {len(data.valid)} in D_v, shape {data.image_shape}",
        f"super-network: {config.space.name}, {config.space.channels} channels, {config.space.layers} cells, "
        f"{weights:,} weights",
        f"strengths: {strengths}; attacked for real: {attacked}; the others by {config.noise.estimator}"
        + (f", {config.noise.refine} gradient steps each" if config.noise.refine else ""),
        _steps(config),
        f"architectures: {config.choose.population} to warm up and build, {config.choose.iterations} to search",
        "",
        f"{'phase':<42}{'image passes':>16}{'hours':>10}",
        *(f"{phase.name:<42}{phase.passes:>16,.0f}{speed.hours(phase.passes):>10.2f}" for phase in found),
        f"{'total':<42}{total:>16,.0f}{speed.hours(total):>10.2f}",
        "",
        f"measured just now: {speed.passes:,.0f} image passes a second at batch {speed.batch_size}; "
        "the estimators, data loading and checkpoints come on top",
    ]
    return "\n".join(lines)


def _steps(config: SearchConfig) -> str:
    """Say how far PGD gets: without a random start, no further than its steps reach."""
    weights = config.weights
    ratio = 2.5 / weights.steps if weights.step_ratio is None else weights.step_ratio
    reach = weights.steps * ratio
    short = f": at most {reach:.3g} of every strength is reached" if reach < 1 else ""
    return f"attacks: PGD-{weights.steps} from the clean image, steps of {ratio:.3g} of the strength{short}"
