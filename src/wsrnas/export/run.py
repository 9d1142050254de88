"""What `wsrnas export` calls: write beside the goal, compare with the original, then put in place."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from wsrnas.data import NetworkClasses
from wsrnas.errors import InputError, at_least, refuse
from wsrnas.evaluation.images import evaluation_images
from wsrnas.export.base import ExportFormat, Subject
from wsrnas.export.formats import FORMATS
from wsrnas.export.parity import Parity, parity
from wsrnas.files import check_writable, explained, read_object
from wsrnas.models.classifier import Classifier
from wsrnas.models.load import LoadedModel, load
from wsrnas.parts import PartConfig
from wsrnas.rng import stream
from wsrnas.types import Images, Labels, check_linf, parse_strength
from wsrnas.weights.hub import CONFIG

STRENGTH = 8 / 255
"""Where nobody says which strength the network was trained at."""
EMBEDDED = "digits"


@dataclass(frozen=True, kw_only=True)
class Exported:
    """What was written where, how it was compared with the original, and on which images."""

    path: Path
    format: str
    parity: Parity
    images: str

    def __str__(self) -> str:
        return f"exported: {self.path} ({self.format})\ncompared on {self.images}: {self.parity}"


def export(
    run: str | Path,
    format: str = "safetensors",
    *,
    out: str | Path,
    limit: int = 64,
    strength: float | str | None = None,
    data: Mapping[str, Any] | None = None,
    licence: str = "",
) -> Exported:
    """Write a network for use elsewhere, after comparing what was written with the original.

    The comparison is on logits (batches of 1, of 7, of all), and on accuracy: clean, under PGD on the original, and
    under Square on each (see `parity`).

    Args:
        run: a run folder, or anything else that `wsrnas.load` takes and whose architecture is known.
        format: safetensors, torch-export, onnx or hub (a folder), or a class as ``package.module:Class``.
        out: the file, or for hub the folder.
        limit: images to compare on: the run's test images, or noise where there are none.
        strength: L∞ radius to compare at; None takes what it was trained at, else 8/255.
        data: settings of `DataConfig` that differ from the run's, such as a new root.
        licence: for the model card: an SPDX name such as ``mit``.

    Raises:
        InputError: no trained network, a format whose libraries are missing, a path that cannot be written, or an
            export that is not the same network (the numbers are in the message; nothing is written then).
    """
    at_least(2, limit=limit)
    FORMATS.kind(format, argument="--format")
    chosen = FORMATS.build(PartConfig(name=format), argument="--format")
    goal = Path(out)
    chosen.check_place(goal)
    chosen.check_installed()
    subject = subject_of(run, licence=licence)
    _check_free(chosen, goal)
    images, labels, what = comparison_images(run, subject, limit, data)
    at = check_linf(parse_strength(strength, argument="--strength"), argument="--strength") if strength else None
    with tempfile.TemporaryDirectory(prefix=".wsrnas-export-", dir=_parent(goal)) as temporary:
        place = Path(temporary) / (goal.name or "export")
        chosen.write(subject, place)
        radius = at or _trained_at(subject) or STRENGTH
        found = parity(subject.model, chosen.read(place), images, labels, strength=radius)
        found.refuse_difference(format)
        _put(place, goal)
    return Exported(path=goal, format=format, parity=found, images=what)


def subject_of(run: str | Path, *, licence: str = "") -> Subject:
    """Return a trained network with what is known of it.

    Raises:
        InputError: nothing that can be loaded, or a network that nobody says how to build.
    """
    model = load(run)
    if model.description is None:
        remedy = "it stays as it is: only networks that wsrnas can build are exported"
        refuse("RUN", expected="a network whose architecture is known", got=str(run), remedy=remedy)
    folder = Path(run)
    is_run = (folder / "config.yaml").is_file()
    return Subject(
        model=model,
        description=model.description,
        name=folder.resolve().name if folder.exists() else str(run).rsplit("/", 1)[-1],
        run=folder if is_run else None,
        licence=licence,
    )


def comparison_images(
    run: str | Path, subject: Subject, limit: int, data: Mapping[str, Any] | None
) -> tuple[Images, Labels | None, str]:
    """Return images to compare on, their labels, and what they are; noise without labels where data is not at hand."""
    own = subject.description.data or {}
    if subject.run is not None or data or own.get("name") == EMBEDDED:
        loaded = _loaded(subject.model)
        settings = dict(data or {}) if subject.run is not None else {**own, **(data or {})}
        try:
            where = None if subject.run is None else str(subject.run)
            images, labels, described = evaluation_images(where, settings, None, loaded=loaded, at_most=limit)
            return images[:limit], labels[:limit], f"{min(limit, len(images))} test images of {described['name']}"
        except InputError as error:
            if data:
                raise
            reason = f" (the run's data cannot be read: {error})"
    else:
        reason = ""
    images = torch.rand((limit, *subject.model.image_shape), generator=stream(0, "export", "images"))
    return images, None, f"{limit} images of noise{reason}"


def _loaded(model: Classifier) -> LoadedModel:
    classes = NetworkClasses(count=model.num_classes, names=model.class_names)
    return LoadedModel(model=model, name="original", classes=classes)


def _trained_at(subject: Subject) -> float | None:
    if subject.run is None:
        return None
    found = read_object(subject.run / "result.json").get("strength")
    return float(found) if isinstance(found, (int, float)) and 0 < found <= 1 else None


def _check_free(chosen: ExportFormat, goal: Path) -> None:
    """Refuse a place that cannot be written, or a folder that holds something else."""
    if chosen.suffix or not goal.exists():
        check_writable(goal, argument="--out")
    elif any(goal.iterdir()) and not (goal / CONFIG).is_file():
        refuse("--out", expected="a new folder, or an earlier export", got=f"{goal}, which holds other files",
               remedy="choose another name")  # fmt: skip
    else:
        check_writable(goal / CONFIG, argument="--out")


def _parent(goal: Path) -> Path:
    return goal.absolute().parent


def _put(place: Path, goal: Path) -> None:
    """Move what was written to its goal: a file at once, a folder's files one by one."""
    try:
        if place.is_file():
            os.replace(place, goal)
            return
        goal.mkdir(parents=True, exist_ok=True)
        for file in sorted(place.iterdir()):
            shutil.move(file, goal / file.name)
    except OSError as error:
        raise explained(error, goal) from error
