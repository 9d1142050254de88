"""What travels with a network wherever it goes: how it is built, what its classes are called, how pictures reach it."""

from __future__ import annotations

from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any

from wsrnas.data import DataConfig, Preprocessing
from wsrnas.errors import InputError, refuse
from wsrnas.files import read_object, read_settings
from wsrnas.models.network import FILE, REMEDY, NetworkSpec, check_class_names, network_from, read_network
from wsrnas.typed import check_fields

PRIVATE = ("root", "cache_dir", "workers", "memory_bytes", "pipeline")
"""Settings of data that say something of the machine rather than of the data."""


@dataclass(frozen=True, kw_only=True)
class Description:
    """A network and everything that is needed to use it, as plain values.

    `preprocessing` and `data`, the settings of the data it was trained on, are None where nobody said so.
    """

    network: NetworkSpec
    class_names: tuple[str, ...] | None = None
    preprocessing: Preprocessing | None = None
    data: dict[str, Any] | None = None

    @staticmethod
    def of_run(folder: Path) -> Description:
        """Read a run folder: `network.json`, and `config.yaml` for what that leaves out.

        Raises:
            InputError: no network there, or a damaged file.
        """
        network = read_network(folder)
        found = Description.from_dict(read_object(folder / FILE, remedy=REMEDY), source=str(folder / FILE))
        settings = folder / "config.yaml"
        stored = read_settings(settings).get("data") if settings.is_file() else None
        if not isinstance(stored, dict):
            return found
        config = _data_config(stored, str(settings))
        return Description(
            network=network,
            class_names=found.class_names,
            preprocessing=found.preprocessing or Preprocessing.of(config),
            data=_said(config),
        )

    @staticmethod
    def from_dict(values: dict[str, Any], *, source: str) -> Description:
        """Read what `to_dict` returned.

        Raises:
            InputError: a description that is damaged or of another version.
        """
        network = network_from(values, source=source)
        names = check_class_names(values.get("class_names"), source=source)
        count = network.contract()["num_classes"]
        if names is not None and len(names) != count:
            refuse(f"{source}: class_names", expected=f"{count} names", got=len(names), remedy=REMEDY)
        given = values.get("preprocessing")
        preprocessing = None
        if given is not None:
            preprocessing = Preprocessing.from_dict(given, source=f"{source}: preprocessing", remedy=REMEDY)
        data = values.get("data")
        if data is not None and not isinstance(data, dict):
            refuse(f"{source}: data", expected="a mapping", got=type(data).__name__, remedy=REMEDY)
        return Description(
            network=network,
            class_names=names,
            preprocessing=preprocessing,
            data=None if data is None else _said(_data_config(data, source)),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain values: those of the network, and beside them what is known."""
        beside = {
            "class_names": None if self.class_names is None else list(self.class_names),
            "preprocessing": None if self.preprocessing is None else self.preprocessing.to_dict(),
            "data": self.data,
        }
        return {**self.network.to_dict(), **{name: value for name, value in beside.items() if value is not None}}


def _data_config(stored: dict[str, Any], source: str) -> DataConfig:
    """Return data settings of a file that are known to this version; a folder that is not there matters to nobody."""
    known = {field.name for field in fields(DataConfig)} - set(PRIVATE)
    values = {name: value for name, value in stored.items() if name in known}
    check_fields(values, DataConfig, source=f"{source}: data", remedy=REMEDY)
    if values.get("name") in ("folder", "parquet"):
        values["root"] = "."
    try:
        return DataConfig(**values)
    except InputError as error:
        raise InputError(f"{source}: {error}") from error


def _said(config: DataConfig) -> dict[str, Any]:
    """Return the settings that are not the defaults, and the name; none that belong to a machine."""
    found = {}
    for field in fields(config):
        value = getattr(config, field.name)
        default = None if field.default is MISSING else field.default
        if field.name not in PRIVATE and (value != default or field.name == "name"):
            found[field.name] = value
    return found
