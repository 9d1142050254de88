"""`wsrnas study space`: do architectures of one size differ by more than their training seeds do?"""

from __future__ import annotations

import statistics
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from wsrnas import rng
from wsrnas.data import DataBundle, load_data
from wsrnas.progress import progress
from wsrnas.runs import RunFolder
from wsrnas.runtime import Runtime
from wsrnas.search.setup import network_config
from wsrnas.spaces import get_space
from wsrnas.spaces.genotype import Genotype
from wsrnas.spaces.sampling import sized_samples
from wsrnas.studies.parts import without_nan
from wsrnas.studies.space.analysis import analysis
from wsrnas.studies.space.config import SpaceStudyConfig, space_config
from wsrnas.studies.space.report import page, show, to_markdown
from wsrnas.studies.trainings import Judged, Trainer

SAMPLES = 200


def run(
    *,
    scale: str = "smoke",
    space: str = "stages",
    data_root: str | None = None,
    out: str | Path | None = None,
    seed: int = 0,
    config: SpaceStudyConfig | None = None,
) -> dict[str, Any]:
    """Train random architectures of one size with several seeds each, split the variance of their wide accuracy.

    Every network is a file in `out`: the same command goes on where it stopped.

    Args:
        scale: ``smoke``, ``small`` (digits, or CIFAR-10 at 16×16 with a data root) or ``paper`` (a GPU).
        space: darts, nb201 or stages.
        data_root: folder with CIFAR-10 as parquet files.
        out: run folder; ``runs/study-space-SPACE-SCALE`` if not given.
        seed: of everything.
        config: a study of other sizes than the scale's.

    Returns:
        What ``study.json`` holds: `variance`, `p_value`, `reliability`, `gains`, `needs`, `verdict`, `architectures`.
    """
    config = space_config(scale, space, root=data_root, seed=seed) if config is None else config
    name = config.search.space.name
    kept = f"runs/study-space-{name}-{scale}" if out is None else out
    with RunFolder.open(kept, kind="study", config={"study": "space", "scale": scale, **asdict(config)}) as folder:
        return _run(config, scale, folder, Runtime(config.search.runtime))


def study_genotypes(config: SpaceStudyConfig, data: DataBundle) -> tuple[int, list[Genotype]]:
    """Return the size, and the random architectures that have it."""
    search, seed = config.search, config.search.seed
    space, sizes = get_space(search.space.name), network_config(search, data)
    parameters = config.parameters
    if parameters is None:
        drawn = (space.sample(rng.stream(seed, "study space", "size", index)) for index in range(SAMPLES))
        parameters = round(statistics.median(space.parameters(genotype, sizes) for genotype in drawn))
    limit = config.multiply_adds
    found = sized_samples(
        space,
        sizes,
        parameters,
        count=config.architectures,
        tolerance=config.tolerance,
        generator_for=lambda index: rng.stream(seed, "study space", "architecture", index),
        accept=lambda genotype: limit is None or space.cost(genotype, sizes).multiply_adds <= limit,
    )
    return parameters, found


def _run(config: SpaceStudyConfig, scale: str, folder: RunFolder, runtime: Runtime) -> dict[str, Any]:
    search = config.search
    data = load_data(search.data, search.seed)
    parameters, genotypes = study_genotypes(config, data)
    trainer = Trainer(config=search, data=data, runtime=runtime, folder=folder)
    judged: list[list[Judged]] = [[] for _ in genotypes]
    with progress("study of a space", config.architectures * config.seeds) as bar:
        for repeat in range(config.seeds):
            for place, genotype in enumerate(genotypes):
                seed = rng.derive_seed(search.seed, "study space", "training", place, repeat) % 2**31
                judged[place].append(trainer.judged(genotype, f"network-{place}-{repeat}", seed))
                bar.advance(note=f"architecture {place + 1}, seed {repeat + 1}")
    space, sizes = get_space(search.space.name), network_config(search, data)
    costs = [space.cost(genotype, sizes) for genotype in genotypes]
    result = analysis(config, np.array([[one.by_image for one in found] for found in judged]), costs)
    result["title"] = (
        f"{space.name}, {scale} scale, {data.name} {'×'.join(map(str, data.image_shape))}, {config.architectures} "
        f"architectures of {parameters:,} weights (±{config.tolerance:.0%}), {config.seeds} seeds, "
        f"{search.labels.epochs} epochs, {len(judged[0][0].right)} test images"
    )
    for row, genotype, found in zip(result["architectures"], genotypes, judged):
        row |= {"id": genotype.id, "genotype": genotype.to_json(), "accuracy": [list(one.accuracy) for one in found]}
    folder.write_json("study.json", without_nan(result))
    folder.write_text("study.md", to_markdown(result))
    best, worst = (genotypes[place] for place in (result["order"][0], result["order"][-1]))
    root = f" --data.root {search.data.root}" if search.data.root else ""
    command = f"wsrnas study space --space {space.name} --scale {scale}{root} --seed {search.seed} --out {folder.path}"
    page(result, command, space.draw(best), space.draw(worst)).write(folder.path / "report.html")
    show(result)
    return result
