"""`eval/<protocol>/`: a file for every finished attack at every strength, so that a rerun can skip it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from wsrnas.errors import InputError, refuse
from wsrnas.evaluation.record import Record
from wsrnas.evaluation.result import Evaluation
from wsrnas.files import read_object, read_text, write_atomic
from wsrnas.runtime import leaving, processes
from wsrnas.typed import check_fields, with_numbers
from wsrnas.types import Images

AGAIN = "delete it and run again"
SETTINGS = "settings.json"
RESULT = "result.json"


class Store:
    """Records of one model under one set of settings.

    The first settings of a folder live in `eval/<protocol>` itself; others, such as another number of images, another
    suite or another seed, in a folder of their own below it, so that nothing is mixed and nothing is lost. Of several
    processes that share an evaluation the first one reads and writes for all.

    Raises:
        InputError: the folder holds results of another model, or its settings are damaged.
    """

    def __init__(self, folder: str | Path | None, protocol: str, identity: dict[str, Any]) -> None:
        self.folder: Path | None = None
        self.name = protocol
        """The folder below `eval/`."""
        if folder is None:
            return
        identity = json.loads(json.dumps(identity))
        root = Path(folder) / "eval" / protocol
        self.folder = processes.first(lambda: _opened(root, identity))
        self.name = str(self.folder.relative_to(root.parent))

    def finished(self) -> Evaluation | None:
        """Return the curve that was finished here before, if there is one: another run adds its strengths to it."""
        return processes.first(self._finished)

    def _finished(self) -> Evaluation | None:
        if self.folder is None or not (self.folder / RESULT).is_file():
            return None
        return Evaluation.load(self.folder / RESULT)

    def finish(self, result: Evaluation) -> None:
        """Keep a finished curve beside its records, where results with other settings leave it alone."""
        if (folder := self.folder) is not None:
            processes.first(lambda: write_atomic(folder / RESULT, json.dumps(result.to_dict()) + "\n"))

    def _path(self, attack: str, strength: float, suffix: str) -> Path | None:
        return None if self.folder is None else self.folder / f"{attack}@{strength:.8g}.{suffix}"

    def read(self, attack: str, strength: float, indices: list[int]) -> Record | None:
        """Return a finished record of these images, or None: a longer curve leaves fewer of them to later attacks.

        Raises:
            InputError: the file is damaged.
        """
        path = self._path(attack, strength, "json")
        record = None if path is None else processes.first(lambda: _record(path))
        return record if record is not None and record.indices == indices else None

    def write(self, record: Record) -> None:
        """Keep a finished record."""
        path = self._path(record.attack, record.strength, "json")
        if path is not None:
            processes.first(lambda: write_atomic(path, json.dumps(asdict(record)) + "\n"))
            leaving.leave()

    def write_examples(self, attack: str, strength: float, chosen: list[int], clean: Images, moved: Images) -> None:
        """Keep a few adversarial images for the report; written before the record that says they are complete."""
        path = self._path(attack, strength, "safetensors")
        if path is not None and chosen:
            tensors: dict[str, Tensor] = {"indices": torch.tensor(chosen), "clean": clean, "adversarial": moved}
            content = save({name: tensor.contiguous() for name, tensor in tensors.items()})
            processes.first(lambda: write_atomic(path, content))


def _opened(root: Path, identity: dict[str, Any]) -> Path:
    """Return the folder for results with these settings, which is there afterwards."""
    folder = place(root, identity)
    if not (folder / SETTINGS).is_file():
        write_atomic(folder / SETTINGS, json.dumps(identity, indent=1) + "\n")
    return folder


def _record(path: Path) -> Record | None:
    if not path.is_file():
        return None
    try:
        values = json.loads(read_text(path, remedy=AGAIN))
        if not isinstance(values, dict):
            raise ValueError("no JSON object")
        check_fields(values, Record, source=str(path), remedy=AGAIN)
        record = Record(**with_numbers(values, Record))
        lists = (record.indices, record.broken, record.broken_eight_bit, record.distance)
        if len({len(one) for one in lists}) > 1:
            raise ValueError("lists of different length")
    except InputError:
        raise
    except (ValueError, TypeError, RecursionError) as error:
        raise InputError(f"{path}: the record is damaged ({error}); delete it and run again") from error
    return record


def place(root: Path, identity: dict[str, Any]) -> Path:
    """Return where results with these settings live: `root` if it is new or holds the same ones, else a folder below.

    Raises:
        InputError: `root` holds results of another model.
    """
    if not (root / SETTINGS).is_file():
        return root
    known = {key: value for key, value in _read(root / SETTINGS).items() if key != "strengths"}  # of earlier versions
    if known.get("model") != identity["model"]:
        remedy = f"choose another folder, or delete {root} to start anew"
        refuse("out", expected=f"the model that {root} was made with", got="another model", remedy=remedy)
    if known == identity:
        return root
    return root / hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:8]


def read_examples(folder: Path) -> dict[float, dict[str, Tensor]]:
    """Return kept adversarial images by strength, of the attack that kept most: `indices`, `clean`, `adversarial`."""
    found: dict[float, dict[str, Tensor]] = {}
    for path in sorted(folder.glob("*@*.safetensors")):
        strength, tensors = _examples(path)
        if strength not in found or len(tensors["indices"]) > len(found[strength]["indices"]):
            found[strength] = tensors
    return dict(sorted(found.items()))


def _examples(path: Path) -> tuple[float, dict[str, Tensor]]:
    """Return the strength of a file of kept images, and its tensors: positions (N), images (N,C,H,W) twice."""
    try:
        strength, tensors = float(path.stem.rsplit("@", 1)[1]), load_file(path)
        indices, clean, moved = (tensors[name] for name in ("indices", "clean", "adversarial"))
        if clean.shape != moved.shape or clean.ndim != 4 or indices.shape != clean.shape[:1]:
            raise ValueError("tensors of other shapes")
    except (SafetensorError, OSError, ValueError, KeyError) as error:
        raise InputError(f"{path}: damaged ({error}); {AGAIN}") from error
    return strength, tensors


def _read(path: Path) -> dict[str, Any]:
    return read_object(path, remedy=f"delete {path.parent} to start anew")
