"""Description and tensors out of a file of torch.export, without running anything that is in it.

`torch.export.load` unpickles parts of a file and evaluates texts in it as expressions, so a file from elsewhere could
run code. What is read here is the metadata and the plain bytes of each tensor; the graph stays unread.
"""

from __future__ import annotations

import json
import math
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from wsrnas.errors import InputError, refuse
from wsrnas.weights.find import KEY, REMEDY, parsed

EXTRA = f"{KEY}.json"
INDEX = "data/weights/model_weights_config.json"
LARGEST_INDEX = 64 * 2**20


def read_pt2(path: Path) -> dict[str, Any]:
    """Return the description of the network in a file of torch.export that `wsrnas export` wrote.

    Raises:
        InputError: no such archive, or one that others made.
    """
    with _opened(path) as archive:
        place = _place(archive, f"extra/{EXTRA}", path)
        return parsed(_text(archive, place, path), source=str(path))


def pt2_tensors(path: Path, wanted: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors of an archive by name, each of the type and shape of the one in `wanted`.

    Raises:
        InputError: a tensor that is missing, of another size, or pickled.
    """
    with _opened(path) as archive:
        text = _text(archive, _place(archive, INDEX, path), path)
        try:
            index = dict(json.loads(text)["config"])
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise InputError(f"{path}: damaged (no list of its weights); {REMEDY}") from error
        return dict(_tensors(archive, index, wanted, path))


def _tensors(
    archive: zipfile.ZipFile, index: dict[str, Any], wanted: Mapping[str, Tensor], path: Path
) -> Iterator[tuple[str, Tensor]]:
    for name, own in wanted.items():
        entry = index.get(name)
        if not isinstance(entry, dict) or entry.get("use_pickle") is not False:
            refuse(str(path), expected=f"the plain tensor {name}", got="none", remedy=REMEDY)
        place = _place(archive, f"data/weights/{entry.get('path_name')}", path)
        size = math.prod(own.shape) * own.element_size()
        if archive.getinfo(place).file_size != size:
            got = f"{archive.getinfo(place).file_size:,} bytes"
            refuse(str(path), expected=f"{size:,} bytes for the tensor {name}", got=got, remedy=REMEDY)
        content = bytearray(archive.read(place))
        flat = torch.frombuffer(content, dtype=own.dtype) if content else torch.empty(0, dtype=own.dtype)
        yield name, flat.reshape(own.shape)


def _opened(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except (OSError, zipfile.BadZipFile) as error:
        raise InputError(f"{path}: not a file of torch.export ({error}); {REMEDY}") from error


def _place(archive: zipfile.ZipFile, end: str, path: Path) -> str:
    found = [name for name in archive.namelist() if name.split("/", 1)[-1] == end]
    if len(found) != 1:
        remedy = "loading others' files would run code in them: load it with torch.export.load if you trust it"
        refuse(str(path), expected="a file that `wsrnas export` wrote", got=f"one without {end}", remedy=remedy)
    return found[0]


def _text(archive: zipfile.ZipFile, place: str, path: Path) -> str:
    if archive.getinfo(place).file_size > LARGEST_INDEX:
        refuse(str(path), expected=f"at most {LARGEST_INDEX:,} bytes in {place}", got="more", remedy=REMEDY)
    try:
        return archive.read(place).decode()
    except (ValueError, zipfile.BadZipFile, RuntimeError, OSError) as error:
        raise InputError(f"{path}: damaged ({error}); {REMEDY}") from error
