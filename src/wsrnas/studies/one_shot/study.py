"""`wsrnas study one-shot`: do losses under shared weights rank architectures as training them alone does?"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from wsrnas.data import load_data
from wsrnas.progress import progress
from wsrnas.runs import RunFolder
from wsrnas.runtime import Runtime
from wsrnas.search.setup import count_parameters, network_config
from wsrnas.spaces import get_space
from wsrnas.studies.noise.config import Scale
from wsrnas.studies.one_shot.alone import alone_scores
from wsrnas.studies.one_shot.analysis import analysis
from wsrnas.studies.one_shot.choice import size_of
from wsrnas.studies.one_shot.config import OneShotStudyConfig, one_shot_config
from wsrnas.studies.one_shot.report import page, show, to_csv, to_markdown
from wsrnas.studies.one_shot.supernet import SAMPLINGS, one_shot_labels, study_genotypes
from wsrnas.studies.parts import without_nan


def default_out(scale: str, data_root: str | None) -> str:
    """Return the run folder where none is given."""
    data = "-cifar10" if scale == "small" and data_root is not None else ""
    return f"runs/study-one-shot-{scale}{data}"


def run(
    *,
    scale: Scale = "smoke",
    data_root: str | None = None,
    out: str | Path | None = None,
    seed: int = 0,
    config: OneShotStudyConfig | None = None,
) -> dict[str, Any]:
    """Train two super-networks (genotype-shaped and all-edges samples) and every genotype alone; compare the ranks.

    Labels, updates and trainings are files in `out`: the same command goes on where it stopped.

    Args:
        scale: ``smoke`` (digits), ``small`` (digits, or CIFAR-10 at 16×16 with a data root) or ``paper`` (a GPU).
        data_root: folder with CIFAR-10 as parquet files.
        out: run folder; ``runs/study-one-shot-SCALE`` if not given.
        seed: of everything.
        config: a study of other sizes than the scale's.

    Returns:
        What ``study.json`` holds: `variants` (τ and ρ by loss), `differences`, `checkpoints`, `ceiling`, `spread`,
        `choosing`, `equal_cost`, `genotypes`.
    """
    config = one_shot_config(scale, root=data_root, seed=seed) if config is None else config
    folder = RunFolder.open(
        default_out(scale, data_root) if out is None else out,
        kind="study",
        config={"study": "one-shot", "scale": scale, **asdict(config)},
    )
    try:
        return _run(config, scale, folder, Runtime(config.search.runtime))
    finally:
        folder.close()


def _run(config: OneShotStudyConfig, scale: Scale, folder: RunFolder, runtime: Runtime) -> dict[str, Any]:
    search = config.search
    data = load_data(search.data, search.seed)
    space = get_space(search.space.name)
    genotypes = study_genotypes(config, space)
    trainings = config.genotypes + config.repeated
    with progress("study of one-shot ranks", len(SAMPLINGS) * config.updates + trainings) as bar:
        labels = {
            sampling: one_shot_labels(sampling, config, genotypes, data, runtime, folder, bar.advance)
            for sampling in SAMPLINGS
        }
        scores = alone_scores(config, genotypes, folder, bar.advance)
    parameters = [count_parameters(space.build(genotype, network_config(search, data))) for genotype in genotypes]
    limit = search.measure.images or len(data.valid)
    images = min(len(data.valid), limit)
    trained = min(len(data.train), search.training.images or len(data.train))
    result = analysis(config, labels, scores, parameters, images=images, trained_images=trained)
    result["title"] = (
        f"{scale} scale, {data.name} {'×'.join(str(side) for side in data.image_shape)}, {config.genotypes} genotypes "
        f"({size_of(search)}), {config.updates} updates of each super-network, {search.rivals.epochs} epochs alone, "
        f"{scores[0][0]['images']} test images"
    )
    for row, genotype in zip(result["genotypes"], genotypes):
        row["id"] = genotype.id
    folder.write_json("study.json", without_nan(result))
    folder.write_text("genotypes.csv", to_csv(result))
    folder.write_text("study.md", to_markdown(result))
    root = f" --data.root {search.data.root}" if search.data.root else ""
    seed = f" --seed {search.seed}" if search.seed else ""
    command = f"wsrnas study one-shot --scale {scale}{root}{seed} --out {folder.path}"
    page(result, command).write(folder.path / "report.html")
    show(result)
    return result
