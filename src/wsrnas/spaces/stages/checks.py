"""What is refused of stages: unknown names, numbers no network can have, options that make no space."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wsrnas.errors import nearest, refuse
from wsrnas.networks.stages.blocks import KINDS
from wsrnas.networks.stages.stages import STEMS
from wsrnas.networks.stages.style import ACTIVATIONS, NORMALISATIONS, ORDERS
from wsrnas.spaces.genotype import Genotype
from wsrnas.spaces.stages.genotype import NETWORK_FIELDS, STAGE_FIELDS, StageGenotype

NAMES: dict[str, tuple[str, ...]] = {
    "stem": STEMS,
    "activation": tuple(ACTIVATIONS),
    "normalisation": NORMALISATIONS,
    "order": ORDERS,
    "block": KINDS,
}
NUMBERS = {"depth": range(1, 201), "width": range(1, 257), "kernel": range(1, 12, 2), "stride": range(1, 3)}
"""What can be built; a space searches a few of these."""
MOST_STAGES = 16


def check_value(name: str, value: Any, argument: str) -> None:
    """Refuse a value that the field of that name cannot have."""
    kind = STAGE_FIELDS.get(name, str)
    if type(value) is not kind:
        refuse(argument, expected=f"{name} of type {kind.__name__}", got=repr(value))
    if name in NAMES and value not in NAMES[name]:
        known = NAMES[name]
        refuse(argument, expected=f"{name} {' or '.join(known)}", got=repr(value), remedy=nearest(str(value), known))
    if name in NUMBERS and value not in NUMBERS[name]:
        allowed = NUMBERS[name]
        odd = ", odd" if allowed.step == 2 else ""
        refuse(argument, expected=f"{name} from {allowed[0]} to {allowed[-1]}{odd}", got=value)


def check_stages(genotype: Genotype, *, argument: str = "genotype") -> StageGenotype:
    """Return a genotype of stages; refuse one of another space, without stages, or with impossible values."""
    if genotype.space != "stages":
        refuse(argument, expected="a genotype of space 'stages'", got=f"one of space {genotype.space!r}")
    if not isinstance(genotype, StageGenotype):
        refuse(argument, expected="stages", got=genotype.payload)
    if not 1 <= len(genotype.stages) <= MOST_STAGES:
        refuse(argument, expected=f"1 to {MOST_STAGES} stages", got=len(genotype.stages))
    for name in NETWORK_FIELDS:
        check_value(name, getattr(genotype, name), argument)
    for place, stage in enumerate(genotype.stages, start=1):
        for name in STAGE_FIELDS:
            check_value(name, getattr(stage, name), f"{argument}, stage {place}")
    return genotype


def check_options(name: str, options: Sequence[Any]) -> None:
    """Refuse options of a space that are none, repeated or impossible."""
    if not options or len(set(options)) != len(options):
        refuse(name, expected="distinct options, at least one", got=tuple(options))
    for option in options:
        check_value(name, option, name)
