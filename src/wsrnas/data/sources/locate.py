"""Where the configured data comes from: embedded, the hub, parquet files or a folder of images."""

from __future__ import annotations

from pathlib import Path

from wsrnas.data.classes import NetworkClasses
from wsrnas.data.config import DataConfig
from wsrnas.data.sources.base import Sources
from wsrnas.data.sources.digits import digits
from wsrnas.data.sources.folders import folder
from wsrnas.data.sources.hub import hub
from wsrnas.data.sources.parquet import find_parquet, parquet, test_roles
from wsrnas.data.text import printable
from wsrnas.errors import refuse


def open_sources(config: DataConfig, classes: NetworkClasses | None = None, *, scored: bool = False) -> Sources:
    """Return the training images and the way to the test images; only labels are read.

    Images that are only to be `scored` need no training part; the names of a network's `classes` are no splits.
    """
    if config.name == "digits":
        return digits()
    if config.root is None:
        return hub(config)
    root = check_root(config.root)
    if config.name != "folder":
        found = find_parquet(root, config) or {}
        if config.name == "parquet" or root.is_file() or "train" in found or (scored and found):
            return parquet(root, config, scored=scored)
    names = (*config.named, *(classes.names or () if classes else ()))
    return folder(root, test_roles(config), class_names=names, scored=scored)


def check_root(root: str) -> Path:
    """Return the folder, or refuse what is not there."""
    path = Path(root).expanduser()
    try:
        there = path.exists()
    except (OSError, ValueError):  # a name too long for the file system, or with a zero in it
        there = False
    if not there:
        remedy = "correct --data.root"
        refuse("data.root", expected="a folder or parquet file that exists", got=printable(root), remedy=remedy)
    return path
