"""Small trained networks inside the package, each in the layout of a hub: `architecture.training`."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path


@cache
def _folders() -> dict[str, Path]:
    root = Path(str(files("wsrnas.weights"))) / "trained"
    found = (entry for entry in root.iterdir() if (entry / "model.safetensors").is_file()) if root.is_dir() else ()
    return {folder.name: folder for folder in sorted(found)}


def shipped(architecture: str | None = None) -> tuple[str, ...]:
    """Return the names of the trained networks in the package, of one architecture of the zoo or all."""
    return tuple(name for name in _folders() if architecture is None or name.split(".")[0] == architecture)


def shipped_folder(name: str) -> Path | None:
    """Return the folder of a trained network; None where there is none of that name."""
    return _folders().get(name.strip().casefold().replace("_", "-"))
