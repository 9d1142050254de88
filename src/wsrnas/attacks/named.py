"""Attacks by name: ``pgd``, ``pgd:steps=50:restarts=5``, ``package.module:Class``."""

from __future__ import annotations

import inspect
import re
from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from wsrnas.attacks.apgd import APGD, TargetedAPGD
from wsrnas.attacks.autoattack import AutoAttack
from wsrnas.attacks.base import Attack
from wsrnas.attacks.black_box import BlackBox
from wsrnas.attacks.fgsm import FGSM
from wsrnas.attacks.fmn import FMN
from wsrnas.attacks.pgd import PGD
from wsrnas.attacks.random_noise import RandomNoise
from wsrnas.attacks.rays import RayS
from wsrnas.attacks.smoothed import SmoothedPGD
from wsrnas.attacks.square import Square
from wsrnas.attacks.transfer import Transfer
from wsrnas.errors import InputError, refuse
from wsrnas.files import parse_value
from wsrnas.parts import PartConfig, Parts
from wsrnas.types import Norm

ATTACKS: Parts[Attack] = Parts(
    Attack,
    "attacks",
    [
        ("fgsm", FGSM),
        ("pgd", PGD),
        ("apgd-ce", APGD),
        ("apgd-dlr", APGD),
        ("apgd-t", TargetedAPGD),
        ("fmn", FMN),
        ("square", Square),
        ("rays", RayS),
        ("smoothed-pgd", SmoothedPGD),
        ("transfer", Transfer),
        ("papernot", BlackBox),
        ("random-noise", RandomNoise),
        ("autoattack", AutoAttack),
    ],
)
"""Every attack by the name that the field gives it."""

IMPLIED: dict[str, dict[str, Any]] = {"apgd-dlr": {"loss": "dlr"}}
"""Settings that belong to a name."""
GIVEN = ("eps", "norm", "sources", "seed_images")
"""What the caller hands over to whichever attack asks for it, besides its settings."""
START = 0.1
"""The strength a named attack is built with; whoever runs it replaces it by `at`."""


def read_attacks(text: str, *, argument: str = "attacks") -> list[PartConfig]:
    """Read ``name:setting=value:setting=value,name``; a comma inside brackets does not end an attack.

    Raises:
        InputError: nothing between two commas, or a value that cannot be read.
    """
    found = []
    for one in re.split(r",(?![^\[({]*[\])}])", text):
        pieces = one.strip().split(":")
        settings = [piece for piece in pieces if "=" in piece]
        name = ":".join(piece for piece in pieces if "=" not in piece)
        if not name:
            refuse(argument, expected="names with commas between them, such as pgd:steps=50,fgsm", got=repr(text))
        found.append(PartConfig(name=name, settings=dict(_setting(piece, argument) for piece in settings)))
    return found


def build_attack(
    config: PartConfig,
    *,
    norm: Norm = "Linf",
    eps: float = START,
    sources: Sequence[nn.Module] = (),
    seed_images: Tensor | None = None,
    argument: str = "attacks",
) -> Attack:
    """Return an attack by name with its settings.

    Args:
        sources: other models of the same classes, for attacks that are crafted on others.
        seed_images: (N,C,H,W), an attacker's own images, for attacks that learn a substitute from them.

    Raises:
        InputError: an unknown name or setting, or a transfer without other models.
    """
    parameters = inspect.signature(ATTACKS.kind(config.name, argument=argument)).parameters
    settings = {**IMPLIED.get(config.name, {}), **config.settings}
    if isinstance(inner := settings.get("attack"), str) and "attack" in parameters:
        settings["attack"] = build_attack(PartConfig(name=inner), norm=norm, eps=eps, argument=f"{argument}.attack")
    if "sources" in parameters and not sources:
        refuse(argument, expected=f"other models for {config.name} to craft on", got="none",
               remedy="give them with --others RUN … (in Python: others=[model])")  # fmt: skip
    given = {"eps": eps, "norm": norm, "sources": tuple(sources), "seed_images": seed_images}
    attack = ATTACKS.build(PartConfig(name=config.name, settings=settings), argument=argument, **given)
    if scaled := [key for key in attack.rescaled(2.0) if key in config.settings]:
        refuse(f"{argument}.settings.{scaled[0]}", expected="none for an attack by name, which runs at many strengths",
               got=config.settings[scaled[0]], remedy="leave it out, or build the attack in Python")  # fmt: skip
    return attack


def _setting(piece: str, argument: str) -> tuple[str, Any]:
    key, _, text = piece.partition("=")
    try:
        return key.strip(), parse_value(text, source=argument)
    except InputError as error:
        raise InputError(f"{argument}: cannot read {piece!r}; write setting=value, such as steps=50") from error
