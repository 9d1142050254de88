"""`wsrnas study estimators`: which noise estimator is true enough, and at what price (Table 5, extended)."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from torch import nn

from wsrnas.data import DataBundle, load_data
from wsrnas.estimators.noise import NoiseEstimator
from wsrnas.progress import progress
from wsrnas.runs import RunFolder
from wsrnas.runtime import Runtime, RuntimeConfig
from wsrnas.studies.noise.candidates import Candidate, candidates
from wsrnas.studies.noise.config import Scale, StudyConfig, scale_config
from wsrnas.studies.noise.measure import measure_network
from wsrnas.studies.noise.networks import network
from wsrnas.studies.noise.phi import collect, estimator_of, train_phi, trained
from wsrnas.studies.noise.summary import choose_default, summarise
from wsrnas.studies.noise.tables import page, show, to_markdown
from wsrnas.studies.parts import without_nan

MEASURE_BATCH = 128


def run(
    *,
    scale: Scale = "smoke",
    data_root: str | None = None,
    out: str | Path | None = None,
    seed: int = 0,
    runtime: RuntimeConfig | None = None,
    config: StudyConfig | None = None,
    command: str | None = None,
) -> dict[str, Any]:
    """Compare all noise estimators on networks they have never seen, and say which should be the default.

    Several networks of different genotype are adversarially trained; φ learns from the noises of some of them; the
    others tell, per estimator and strength: accuracy, fidelity, error of the loss, rank agreement, cost, violations.
    Every finished network, φ and measurement is a file in `out`: the same command goes on where it stopped.

    Args:
        scale: ``smoke`` or ``digits`` (digits), ``small`` (CIFAR-10, reduced networks), ``paper`` (CIFAR-10, a GPU).
        data_root: folder with CIFAR-10 as parquet files; None takes it from the hub.
        out: run folder; ``runs/study-estimators-SCALE`` if not given.
        seed: of everything.
        runtime: device and threads.
        config: a study of other sizes than the scale's.
        command: the command that goes on with it, for the page, where the study is part of a larger work: nothing is
            then printed. None is `wsrnas study`.

    Returns:
        What ``study.json`` holds (there, undefined numbers are null): `rows`, `chosen`, `strengths`,
        `clean_accuracy`, `real_accuracy`, `networks`.
    """
    config = scale_config(scale, root=data_root, seed=seed) if config is None else config
    folder = RunFolder.open(
        f"runs/study-estimators-{scale}" if out is None else out,
        kind="study",
        config={"study": "estimators", "scale": scale, **asdict(config)},
    )
    try:
        result = _run(config, scale, folder, Runtime(runtime), command)
        if command is None:
            show(result)
        return result
    finally:
        folder.close()


def _run(config: StudyConfig, scale: Scale, folder: RunFolder, runtime: Runtime, command: str | None) -> dict[str, Any]:
    data = load_data(config.data, seed=config.seed)
    compared = candidates(learned=config.learned)
    total = config.train_networks * config.learned + config.test_networks * 2 + sum(c.learned for c in compared)
    with progress("study of noise estimators", total) as bar:
        estimators = _estimators(compared, config, data, runtime, folder, bar.advance)
        networks = []
        for index in range(config.train_networks, config.train_networks + config.test_networks):
            name = f"networks/{index}.json"
            measured = folder.read_json(name)
            if measured is None:
                model = network(index, config, data, runtime, folder)
                bar.advance(note=f"network {index} trained")
                with folder.timed("measuring"):
                    measured = measure_network(
                        model,
                        data.test.batches(MEASURE_BATCH),
                        compared,
                        estimators,
                        strengths=config.strengths,
                        attack_steps=config.attack_steps,
                        runtime=runtime,
                    )
                folder.write_json(name, measured)
            else:
                bar.advance()
            networks.append(measured)
            bar.advance(note=f"network {index} measured")
    result = _result(networks, compared, config, data, scale)
    folder.write_json("study.json", without_nan(result))
    folder.write_text("study.md", to_markdown(result))
    root = f" --data.root {config.data.root}" if config.data.root else ""
    seed = f" --seed {config.seed}" if config.seed else ""
    own = f"wsrnas study estimators --scale {scale}{root}{seed} --out {folder.path}"
    page(result, command or own).write(folder.path / "report.html")
    return result


def _estimators(
    compared: Sequence[Candidate],
    config: StudyConfig,
    data: DataBundle,
    runtime: Runtime,
    folder: RunFolder,
    advance: Callable[..., None],
) -> dict[str, NoiseEstimator]:
    """Return every candidate's estimator, φ trained; noises for training are only made if some φ still needs them."""
    estimators: dict[str, NoiseEstimator] = {}
    learned = [candidate for candidate in compared if candidate.learned]
    models: list[nn.Module] = []
    if learned:
        for index in range(config.train_networks):
            models.append(network(index, config, data, runtime, folder))
            advance(note=f"network {index} trained")
    for known in dict.fromkeys(candidate.known for candidate in learned):
        group = [candidate for candidate in learned if candidate.known == known]
        todo = any(not trained(folder, candidate) for candidate in group)
        memories = collect(models, known, config, data, runtime) if todo else []
        for candidate in group:
            estimators[candidate.name] = train_phi(candidate, models, memories, config, data, runtime, folder)
            advance(note=f"{candidate.name} trained")
    for candidate in compared:
        if candidate.estimator and not candidate.learned:
            estimators[candidate.name] = estimator_of(candidate, config, data)
    return estimators


def _result(
    networks: list[dict[str, Any]], compared: Sequence[Candidate], config: StudyConfig, data: DataBundle, scale: Scale
) -> dict[str, Any]:
    rows = summarise(networks, compared, config.strengths, config.attack_steps)
    images = networks[0]["images"]
    title = (
        f"{scale} scale, {data.name}, {config.test_networks} test networks (φ trained on {config.train_networks} "
        f"others), {images} test images each, PGD-{config.attack_steps}"
    )
    return {
        "title": title,
        "strengths": list(config.strengths),
        "clean_accuracy": statistics.fmean(n["clean"][0] for n in networks),
        "real_accuracy": [
            statistics.fmean(n["real"][place][0] for n in networks) for place in range(len(config.strengths))
        ],
        "rows": rows,
        "chosen": choose_default(rows)["name"],
        "networks": networks,
    }
