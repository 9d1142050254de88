"""`wsrnas study labels`: which label, at which cost, ranks final networks of one size?"""

from __future__ import annotations

import json
import statistics
from dataclasses import asdict
from pathlib import Path
from typing import Any

from wsrnas import rng
from wsrnas.data import DataBundle, load_data
from wsrnas.errors import refuse
from wsrnas.files import write_atomic, write_json
from wsrnas.progress import progress
from wsrnas.runs import RunFolder
from wsrnas.search.evaluators.scoring import blind
from wsrnas.search.setup import network_config
from wsrnas.spaces import get_space
from wsrnas.spaces.genotype import Genotype
from wsrnas.spaces.sampling import sized_samples
from wsrnas.studies.labels.config import LabelsStudyConfig, labels_config
from wsrnas.studies.labels.judge import judge
from wsrnas.studies.labels.measured import costs, finished, train_genotypes, train_shared
from wsrnas.studies.labels.report import page, show, to_markdown
from wsrnas.studies.labels.table import FEWEST, TABLE, LabelTable, read_table, table_of, write_table
from wsrnas.studies.parts import without_nan

SAMPLES = 200


def run(
    *,
    scale: str = "smoke",
    space: str = "darts",
    data_root: str | None = None,
    out: str | Path | None = None,
    seed: int = 0,
    config: LabelsStudyConfig | None = None,
) -> dict[str, Any]:
    """Make labels and final networks of architectures of one size, and judge every policy by them.

    Every architecture is a file in `out` and ``table.json`` holds those that are done, so the same command goes on
    where it stopped, and `judged` can look at what there is at any time.

    Args:
        scale: ``smoke``, ``small`` (digits, or CIFAR-10 at 16×16 with a data root) or ``paper`` (a GPU).
        space: darts or nb201.
        data_root: folder with CIFAR-10 as parquet files.
        out: run folder; ``runs/study-labels-SPACE-SCALE`` if not given.
        seed: of everything.
        config: a study of other sizes than the scale's.

    Returns:
        What ``study.json`` holds: `policies` with `cost`, `tau`, `gain` and `difference`, and `ceiling`.
    """
    config = labels_config(scale, space, root=data_root, seed=seed) if config is None else config
    kept = f"runs/study-labels-{config.search.space.name}-{scale}" if out is None else out
    with RunFolder.open(kept, kind="study", config={"study": "labels", "scale": scale, **asdict(config)}) as folder:
        return _written(_measured(config, folder), str(folder.path), folder.path, seed)


def judged(source: str | Path, *, out: str | Path | None = None, seed: int = 0) -> dict[str, Any]:
    """Judge every policy by a finished table, in seconds.

    Args:
        source: ``table.json`` of a study of labels, its folder, or a table that comes with this package by its name.
        out: folder for study.json, study.md and report.html; nothing is written if not given.
        seed: of the bootstrap, and of what policies draw.

    Returns:
        The same as `run`.
    """
    return _written(read_table(source), str(source), None if out is None else Path(out), seed)


def _written(table: LabelTable, source: str, out: Path | None, seed: int) -> dict[str, Any]:
    result: dict[str, Any] = without_nan(judge(table, seed=seed))
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        write_json(out / "study.json", result)
        write_atomic(out / "study.md", to_markdown(result))
        page(result, f"wsrnas study labels --from {source} --seed {seed}").write(out / "report.html")
    show(result)
    return result


def study_genotypes(config: LabelsStudyConfig, data: DataBundle) -> list[Genotype]:
    """Return random architectures of one size, the median of the space where none is given."""
    search, seed = config.search, config.search.seed
    space, sizes = get_space(search.space.name), network_config(search, data)
    parameters = config.parameters
    if parameters is None:
        drawn = (space.sample(rng.stream(seed, "labels study", "size", index)) for index in range(SAMPLES))
        parameters = round(statistics.median(space.parameters(genotype, sizes) for genotype in drawn))
    return sized_samples(
        space,
        sizes,
        parameters,
        count=config.genotypes,
        tolerance=config.tolerance,
        generator_for=lambda index: rng.stream(seed, "labels study", "architecture", index),
    )


def _measured(config: LabelsStudyConfig, folder: RunFolder) -> LabelTable:
    search = config.search
    data = load_data(search.data, search.seed)
    genotypes = study_genotypes(config, data)
    spent = train_shared(config, genotypes, data, folder)
    about = {
        "space": search.space.name,
        "channels": search.space.channels,
        "layers": search.space.layers,
        "data": data.name,
        "image_size": data.image_shape[-1],
        "images": {"trained on": len(data.train), "labelled on": len(data.valid), "judged on": len(data.test)},
        "strengths": list(search.spectrum.all_strengths()),
        "trained_at": search.trained_at(),
        "batch_size": search.training.batch_size,
        "final_epochs": search.labels.epochs,
        "shared_epochs": config.updates,
        "tolerance": config.tolerance,
        "seed": search.seed,
    }
    found = {"about": about, "costs": costs(config, data, spent)}
    space, sizes = get_space(search.space.name), network_config(search, data)

    def sees(row: dict[str, Any]) -> bool:
        """Tell whether an output depends on the images; no search names an architecture where none does."""
        return not blind(space, Genotype.from_json(row["genotype"]), sizes)

    before = finished(folder.path)
    with progress("study of labels", config.genotypes, done=before) as bar:

        def keep(rows: list[dict[str, Any]]) -> None:
            if len(rows) > before:
                bar.advance()
            if len(rows) >= FEWEST:
                content = {**found, "architectures": [_row(row) for row in rows if sees(row)]}
                write_table(folder.path / TABLE, table_of(content, source=str(folder.path)))

        train_genotypes(config, genotypes, folder, keep)
    if not (folder.path / TABLE).is_file():
        expected = f"at least {FEWEST} architectures with a path from the image to the output"
        refuse("genotypes", expected=expected, got="fewer", remedy="raise genotypes")
    return read_table(folder.path)


def _row(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "genotype": json.loads(row["genotype"]),
        "parameters": row["parameters"],
        "multiply_adds": row["multiply_adds"],
        "losses": {name: label["losses"] for name, label in row["labels"].items()},
        "accuracy": {name: label["accuracy"] for name, label in row["labels"].items()},
        "final": row["final"],
    }
