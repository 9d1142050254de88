"""The protocols: strict, and released. `PROTOCOLS` holds one of each by name, the one to believe first."""

from wsrnas.errors import nearest, refuse
from wsrnas.evaluation.protocols.base import Curve, Protocol, Setting
from wsrnas.evaluation.protocols.released import Released
from wsrnas.evaluation.protocols.strict import Strict

PROTOCOLS: dict[str, Protocol] = {Strict.name: Strict(), Released.name: Released()}


def as_protocol(protocol: str | Protocol, *, argument: str = "protocol") -> Protocol:
    """Return the protocol of that name, or the object itself.

    Raises:
        InputError: no such protocol.
    """
    if isinstance(protocol, Protocol):
        return protocol
    if protocol not in PROTOCOLS:
        known = tuple(PROTOCOLS)
        refuse(argument, expected=" or ".join(known), got=str(protocol), remedy=nearest(str(protocol), known))
    return PROTOCOLS[protocol]


__all__ = ["PROTOCOLS", "Curve", "Protocol", "Released", "Setting", "Strict", "as_protocol"]
