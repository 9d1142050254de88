"""A whole network as a value: what all its layers have in common, and its stages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar

from wsrnas.errors import nearest, refuse
from wsrnas.spaces.genotype import Genotype


@dataclass(frozen=True, kw_only=True)
class Stage:
    """`depth` blocks of one kind, all `width` times as wide as the stem; the first has the stride, the others 1."""

    block: str
    depth: int
    width: int
    kernel: int
    squeeze: bool
    stride: int


@dataclass(frozen=True, kw_only=True)
class StageGenotype(Genotype):
    """Stem, activation, kind and place of normalisation, and the stages from the image to the classifier."""

    payload: ClassVar[str] = "stages"
    space: str = "stages"
    stem: str
    activation: str
    normalisation: str
    order: str
    stages: tuple[Stage, ...]

    def content(self) -> dict[str, Any]:
        """Return the decisions for the network and, stage by stage, those for each stage."""
        network = {name: getattr(self, name) for name in NETWORK_FIELDS}
        return {**network, "stages": [asdict(stage) for stage in self.stages]}

    @classmethod
    def from_content(cls, content: dict[str, Any], *, source: str) -> StageGenotype:
        """Read exactly the fields there are, each of its own type.

        Raises:
            InputError: a field that is missing, unknown or of another type; names the stage.
        """
        network = {key: value for key, value in content.items() if key not in ("schema", "id", "space", "stages")}
        _check_fields(network, dict.fromkeys(NETWORK_FIELDS, str), source)
        if not isinstance(content["stages"], list):
            refuse(f"{source}, stages", expected="a list", got=type(content["stages"]).__name__)
        stages = []
        for place, stage in enumerate(content["stages"], start=1):
            argument = f"{source}, stage {place}"
            if not isinstance(stage, dict):
                refuse(argument, expected=f"an object with {', '.join(STAGE_FIELDS)}", got=type(stage).__name__)
            _check_fields(stage, STAGE_FIELDS, argument)
            stages.append(Stage(**stage))
        return cls(space=content["space"], stages=tuple(stages), **network)


NETWORK_FIELDS = ("stem", "activation", "normalisation", "order")
STAGE_FIELDS: dict[str, type] = {
    field.name: {"str": str, "int": int, "bool": bool}[str(field.type)] for field in fields(Stage)
}
"""The fields of a `Stage`, in the order of the rows of H, and their types."""


def _check_fields(values: Mapping[str, Any], known: Mapping[str, type], argument: str) -> None:
    names = tuple(known)
    expected = f"the fields {', '.join(names)}"
    if unknown := [name for name in values if name not in known]:
        refuse(argument, expected=expected, got=repr(unknown[0])[:60], remedy=nearest(unknown[0], names))
    if missing := [name for name in names if name not in values]:
        refuse(argument, expected=expected, got=f"nothing for {', '.join(missing)}")
    for name, kind in known.items():
        if type(values[name]) is not kind:
            refuse(f"{argument}, {name}", expected=f"a value of type {kind.__name__}", got=repr(values[name])[:60])
