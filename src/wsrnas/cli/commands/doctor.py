"""`wsrnas doctor`: what this machine offers, and which extras of the package are complete."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata

from packaging.requirements import Requirement

from wsrnas.cli.as_json import add_json, print_json
from wsrnas.cli.settings import Parser
from wsrnas.evaluation.text import to_blocks
from wsrnas.runs import environment

PACKAGE = "wsrnas"
EXTRAS: Mapping[str, str] = {
    "onnx": "write and attack .onnx files",
    "ray": "sweep --on ray",
    "slurm": "sweep --on slurm",
    "tensorboard": "--log tensorboard",
    "wandb": "--log wandb",
    "mlflow": "--log mlflow",
    "docs": "build this documentation",
    "dev": "./check",
}
"""What each extra of the package is for."""
OUTSIDE: Mapping[str, str] = {"timm": "--model timm:NAME", "transformers": "--model hf:NAME"}
"""Packages that are no extra of ours and are used where they are installed."""


@dataclass(frozen=True, kw_only=True)
class Extra:
    """An extra, and what of it is missing or of a version that does not fit."""

    name: str
    purpose: str
    installed: Mapping[str, str]
    missing: tuple[str, ...]

    def __str__(self) -> str:
        if not self.missing:
            return ", ".join(f"{name} {version}" for name, version in self.installed.items()) or "nothing to install"
        return f"lacks {', '.join(self.missing)}"


def doctor(arguments: Sequence[str]) -> int:
    """Say what this machine offers, and what is missing for which command."""
    parser = Parser(prog="wsrnas doctor", description=doctor.__doc__)
    add_json(parser)
    options = parser.parse_args(list(arguments))
    free = shutil.disk_usage(".").free / 2**30
    machine = {**environment(), "free disk here": f"{free:.1f} GiB"}
    found = extras()
    outside = {name: _version(name) for name in OUTSIDE}
    if options.json:
        told = {one.name: {"installed": one.installed, "missing": one.missing} for one in found}
        print_json({"machine": machine, "extras": told, "packages": outside})
        return 0
    print(to_blocks(["what", "found"], [[name, str(value or "none")] for name, value in machine.items()], keep=2))
    rows = [[one.name, one.purpose, "no" if one.missing else "yes"] for one in found]
    rows += [[name, OUTSIDE[name], "no" if version is None else "yes"] for name, version in outside.items()]
    print(to_blocks(["extra", "for", "installed"], rows, keep=2))
    for one in found:
        if one.missing:
            print(f"{one.name} {one}: pip install '{PACKAGE}[{one.name}]'")
    for name, version in outside.items():
        if version is None:
            print(f"{name} is no extra: pip install {name}")
    return 0


def extras() -> list[Extra]:
    """Return the extras that the installed package declares, each with what is there and what is missing."""
    declared = metadata.metadata(PACKAGE)
    wanted = [Requirement(text) for text in declared.get_all("Requires-Dist") or ()]
    return [_extra(name, wanted) for name in declared.get_all("Provides-Extra") or ()]


def _extra(name: str, wanted: Sequence[Requirement]) -> Extra:
    installed: dict[str, str] = {}
    missing: list[str] = []
    for one in _asked(name, wanted):
        version = _version(one.name)
        if version is not None and one.specifier.contains(version, prereleases=True):
            installed[one.name] = version
        else:
            missing.append(f"{one.name}{one.specifier}" + ("" if version is None else f" (there is {version})"))
    return Extra(name=name, purpose=EXTRAS.get(name, ""), installed=installed, missing=tuple(missing))


def _asked(name: str, wanted: Sequence[Requirement]) -> list[Requirement]:
    """Return what an extra asks for here, with what the extras in it ask for."""
    found = []
    for one in wanted:
        if one.marker is None or one.marker.evaluate({"extra": ""}) or not one.marker.evaluate({"extra": name}):
            continue
        if one.name == PACKAGE:
            found += [inner for part in sorted(one.extras) for inner in _asked(part, wanted)]
        else:
            found.append(one)
    return found


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
