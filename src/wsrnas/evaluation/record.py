"""One attack at one strength on some images: run, verified, and kept in a file so that a rerun can skip it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import torch
from safetensors.torch import load_file, save
from torch import Tensor

from wsrnas.errors import InputError, refuse
from wsrnas.files import write_atomic
from wsrnas.types import Images, Norm

EXAMPLES = 4


@runtime_checkable
class AnyAttack(Protocol):
    """What evaluation asks of an attack: `wsrnas.attacks`, or one from elsewhere through `adapters`."""

    @property
    def norm(self) -> Norm:
        """The norm its strength is a radius in."""

    @property
    def name(self) -> str:
        """A short name for tables and files."""

    @property
    def needs_gradient(self) -> bool:
        """Whether the attacked model must be differentiable."""

    @property
    def passes(self) -> int:
        """Network passes per image of one call at most."""

    def at(self, eps: float) -> AnyAttack:
        """Return the same attack at another strength."""

    def __call__(self, model: Any, images: Any, labels: Any, generator: torch.Generator | None = None) -> Any:
        """Return adversarial images."""


@dataclass(frozen=True, kw_only=True)
class Record:
    """Per-image results; the lists run over `indices`, positions in the evaluated images."""

    attack: str
    strength: float
    indices: list[int]
    broken: list[bool]
    broken_eight_bit: list[bool]
    distance: list[float]


class Store:
    """A folder of records under `eval/<protocol>/`, tied to one model, data set and list of settings."""

    def __init__(self, folder: str | Path | None, protocol: str, identity: dict[str, Any]) -> None:
        self.folder = None if folder is None else Path(folder) / "eval" / protocol
        if self.folder is None:
            return
        path = self.folder / "settings.json"
        identity = json.loads(json.dumps(identity))
        if path.is_file():
            known = json.loads(path.read_text())
            changed = sorted(k for k in {*known, *identity} if known.get(k) != identity.get(k))
            if changed:
                refuse(
                    "out",
                    expected=f"the model, data and settings that {self.folder} was made with",
                    got=f"another {', '.join(changed)}",
                    remedy="choose another folder, or delete that one to start anew",
                )
        else:
            write_atomic(path, json.dumps(identity, indent=1) + "\n")

    def _path(self, attack: str, strength: float, suffix: str) -> Path | None:
        return None if self.folder is None else self.folder / f"{attack}@{strength:.8g}.{suffix}"

    def read(self, attack: str, strength: float, indices: list[int]) -> Record | None:
        """Return a finished record, or None.

        Raises:
            InputError: the file is damaged or describes other images.
        """
        path = self._path(attack, strength, "json")
        if path is None or not path.is_file():
            return None
        try:
            record = Record(**json.loads(path.read_text()))
        except (ValueError, TypeError) as error:
            raise InputError(f"{path}: the record is damaged ({error}); delete it and run again") from error
        if record.indices != indices:
            refuse(str(path), expected="results of the same images", got="others", remedy="delete it and run again")
        return record

    def write(self, record: Record) -> None:
        """Keep a finished record."""
        path = self._path(record.attack, record.strength, "json")
        if path is not None:
            write_atomic(path, json.dumps(asdict(record)) + "\n")

    def write_examples(self, attack: str, strength: float, chosen: list[int], clean: Images, moved: Images) -> None:
        """Keep a few adversarial images for the report; written before the record that says they are complete."""
        path = self._path(attack, strength, "safetensors")
        if path is not None and chosen:
            tensors: dict[str, Tensor] = {"indices": torch.tensor(chosen), "clean": clean, "adversarial": moved}
            write_atomic(path, save({name: tensor.contiguous() for name, tensor in tensors.items()}))


def read_examples(folder: str | Path, protocol: str) -> dict[float, dict[str, Tensor]]:
    """Return kept adversarial images by strength, of the attack that kept most: `indices`, `clean`, `adversarial`."""
    found: dict[float, dict[str, Tensor]] = {}
    for path in sorted((Path(folder) / "eval" / protocol).glob("*@*.safetensors")):
        strength, tensors = float(path.stem.rsplit("@", 1)[1]), load_file(path)
        if strength not in found or len(tensors["indices"]) > len(found[strength]["indices"]):
            found[strength] = tensors
    return dict(sorted(found.items()))
