"""The test images of a command: a run's own, or those that the user named."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
import yaml

from wsrnas.data import DataBundle, DataConfig, Split, load_data
from wsrnas.errors import InputError, refuse
from wsrnas.types import Images, Labels


def evaluation_images(
    run: str | None, data: Mapping[str, Any] | None, limit: int | None, *, at_most: int | None = None
) -> tuple[Images, Labels, dict[str, Any]]:
    """Return test images and labels, and what to say about them; a run folder's own data settings are the default.

    The settings given, such as a new `root`, change the run's; another data set's name drops all of the run's.

    Args:
        limit: how many test images, a seeded subset with equal classes.
        at_most: a limit that nobody asked for: a smaller test set is taken whole. So is the run's.

    Raises:
        InputError: a run that names no data, or data that cannot be loaded so; a limit by the name of its option.
    """
    given = dict(data or {})
    stored = _run_data(run, named="name" in given)
    if given.get("name", stored.get("name")) != stored.get("name"):
        stored = {}
    limits = [count for count in (stored.pop("test_limit", None), at_most) if count is not None]
    unasked = min(limits, default=None)
    try:
        config = DataConfig(**{**stored, **given})
    except TypeError as error:
        raise InputError(f"{run}: data settings of another version ({error}); pass --data.* options") from error
    if limit is not None:
        if limit < 1:
            refuse("--limit", expected="a positive whole number", got=limit, remedy="leave it out for all images")
        config, unasked = replace(config, test_limit=limit), None
    bundle, split = _test_split(config, None if config.test_limit else unasked, limited=limit is not None)
    images, labels = split.fetch(torch.arange(len(split)))
    described = {
        "name": bundle.name,
        "root": None if config.root is None else str(config.root),
        "shape": list(bundle.image_shape),
        "images": len(split),
        "classes": list(bundle.class_names),
    }
    return images, labels, described


def _test_split(config: DataConfig, unasked: int | None, *, limited: bool) -> tuple[DataBundle, Split]:
    """Load the test images; `unasked` limits them where there are so many, `limited` says that `--limit` does."""
    if unasked is not None:
        try:
            return _test_split(replace(config, test_limit=unasked), None, limited=False)
        except InputError:  # fewer images than that; any other cause comes up again
            return _test_split(config, None, limited=False)
    try:
        bundle = load_data(config, seed=0)
        return bundle, bundle.test
    except InputError as error:
        if not limited:
            raise
        text = str(error).replace("--data.test_limit", "--limit").replace("data.test_limit", "--limit")
        raise InputError(text) from error


def _run_data(run: str | None, *, named: bool) -> dict[str, Any]:
    settings = None if run is None else Path(run) / "config.yaml"
    if settings is None or not settings.is_file():
        return {}
    stored = (yaml.safe_load(settings.read_text()) or {}).get("data")
    if isinstance(stored, dict):
        return stored
    if named:
        return {}
    refuse("--data.name", expected="a data set", got="none", remedy=f"{settings} names none; pass --data.name")
