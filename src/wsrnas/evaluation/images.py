"""The test images of a command: a run's own, or those that the user named."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, get_type_hints

import torch
from torch import nn

from wsrnas.data import DataBundle, DataConfig, NetworkClasses, Split, load_data
from wsrnas.errors import InputError, refuse
from wsrnas.files import read_settings
from wsrnas.models.load import LoadedModel
from wsrnas.typed import check_fields
from wsrnas.types import Images, Labels


def evaluation_images(
    run: str | None,
    data: Mapping[str, Any] | None,
    limit: int | None,
    *,
    loaded: LoadedModel | None = None,
    at_most: int | None = None,
) -> tuple[Images, Labels, dict[str, Any]]:
    """Return test images and labels, and what to say about them; a run folder's own data settings are the default.

    The settings given, such as a new `root`, change the run's; another data set's name drops all of the run's.

    Args:
        limit: how many test images, a seeded subset with equal classes.
        loaded: the model to be scored: labels become the numbers of its classes, by name where names are known.
        at_most: a limit that nobody asked for: a smaller test set is taken whole; the smaller of it and the run's.

    Raises:
        InputError: a run that names no data, or data that cannot be loaded so; a limit by the name of its option.
    """
    given = dict(data or {})
    stored = _own_data(run, loaded, named="name" in given)
    if "name" in stored and given.get("name", stored["name"]) != stored["name"]:
        stored = {}
    unasked = min((most for most in (stored.pop("test_limit", None), at_most) if most is not None), default=None)
    try:
        config = DataConfig(**{**stored, **given})
    except TypeError as error:
        raise InputError(f"{run}: data settings of another version ({error}); pass --data.* options") from error
    if limit is not None:
        if limit < 1:
            refuse("--limit", expected="a positive whole number", got=limit, remedy="leave it out for all images")
        config, unasked = replace(config, test_limit=limit), None
    limited, most = limit is not None, None if config.test_limit else unasked
    classes = None if loaded is None else loaded.classes
    if loaded is not None and classes is None:
        classes = _outputs(loaded.model, _test_split(config, most, limited=limited, classes=None)[1])
    bundle, split = _test_split(config, most, limited=limited, classes=classes)
    images, labels = split.fetch(torch.arange(len(split)))
    described = {
        "name": bundle.name,
        "root": None if config.root is None else str(config.root),
        "shape": list(bundle.image_shape),
        "images": len(split),
        "classes": list(bundle.class_names),
        "notes": list(bundle.notes),
    }
    return images, labels, described


def _outputs(model: nn.Module, split: Split) -> NetworkClasses | None:
    """Return how many classes a model tells apart; None where it cannot say so of one image, which is told later."""
    images, _ = split.fetch(torch.arange(1))
    try:
        with torch.no_grad():
            found = model(images.clone())
    except Exception:  # whatever a user's model raises: the evaluation meets it again and says what to do
        return None
    scored = isinstance(found, torch.Tensor) and found.ndim == 2 and found.shape[1] > 1
    return NetworkClasses(count=found.shape[1]) if scored else None


def _test_split(
    config: DataConfig, unasked: int | None, *, limited: bool, classes: NetworkClasses | None
) -> tuple[DataBundle, Split]:
    """Load the test images; `unasked` limits them where there are so many, `limited` says that `--limit` does."""
    if unasked is not None:
        try:
            return _test_split(replace(config, test_limit=unasked), None, limited=False, classes=classes)
        except InputError:  # fewer images than that; any other cause comes up again
            return _test_split(config, None, limited=False, classes=classes)
    try:
        bundle = load_data(config, seed=0, classes=classes, scored=True)
        return bundle, bundle.test
    except InputError as error:
        if not limited:
            raise
        text = str(error).replace("--data.test_limit", "--limit").replace("data.test_limit", "--limit")
        raise InputError(text) from error


def _own_data(run: str | None, loaded: LoadedModel | None, *, named: bool) -> dict[str, Any]:
    """Return the data settings of a run folder, or those that come with a model that is none."""
    own = {} if loaded is None else dict(loaded.data)
    if not own or (run is not None and (Path(run) / "config.yaml").is_file()):
        return _run_data(run, named=named)
    if "name" not in own and not named:
        remedy = "such as --data.name folder --data.root DIR, with the classes that it was trained for"
        refuse("--data.name", expected="a data set", got="none, and the model names none", remedy=remedy)
    return own


def _run_data(run: str | None, *, named: bool) -> dict[str, Any]:
    settings = None if run is None else Path(run) / "config.yaml"
    if settings is None or not settings.is_file():
        return {}
    stored = read_settings(settings).get("data")
    if isinstance(stored, dict):
        known = {name: value for name, value in stored.items() if name in get_type_hints(DataConfig)}
        remedy = "restore the file, or pass --data.name"
        check_fields(known, DataConfig, source=f"{settings}: data", remedy=remedy)
        return stored
    if named:
        return {}
    refuse("--data.name", expected="a data set", got="none", remedy=f"{settings} names none; pass --data.name")
