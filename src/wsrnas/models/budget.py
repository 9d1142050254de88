"""What the network of a run asks of a machine: `budget.json`, measured once where the run ended."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import nn

from wsrnas.errors import refuse
from wsrnas.files import read_object, write_json
from wsrnas.networks.budget import Budget, measure_budget
from wsrnas.networks.cost import Latency
from wsrnas.typed import check_fields

FILE = "budget.json"
REMEDY = "remove the file and start the same command again, which measures anew"


def write_budget(folder: Path, network: nn.Module, image_shape: tuple[int, int, int]) -> None:
    """Count a network and time it, on the device where it is, with one image at a time."""
    write_json(folder / FILE, measure_budget(network, image_shape).to_dict())


def read_budget(folder: Path) -> Budget | None:
    """Return what `write_budget` wrote; None where nobody measured.

    Raises:
        InputError: a damaged file; names the field.
    """
    source = str(folder / FILE)
    found = read_object(folder / FILE, remedy=REMEDY)
    if not found:
        return None
    latency = found.pop("latency", None)
    timed = None if latency is None else Latency(**_checked(latency, Latency, f"{source}: latency"))
    values = _checked(found, Budget, source, without=("latency",))
    values["image_shape"] = tuple(values["image_shape"])
    return Budget(**values, latency=timed)


def _checked(values: Any, kind: type, source: str, without: tuple[str, ...] = ()) -> dict[str, Any]:
    names = [name for name in kind.__annotations__ if name not in without]
    if not isinstance(values, dict) or sorted(values) != sorted(names):
        refuse(source, expected=f"the fields {', '.join(names)}", got=str(values)[:200], remedy=REMEDY)
    check_fields(values, kind, source=source, remedy=REMEDY, only=tuple(names))
    return dict(values)
