"""Named lists of attacks, strongest evidence for the passes they cost."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, TypeAlias, get_args

from torch import Tensor, nn

from wsrnas.attacks import build_attack, read_attacks
from wsrnas.errors import nearest, refuse
from wsrnas.evaluation.closing import WITHIN, Closing
from wsrnas.evaluation.record import AnyAttack
from wsrnas.evaluation.under_test.lock import digest, model_hash
from wsrnas.parts import PartConfig
from wsrnas.types import Norm

AttackLike: TypeAlias = AnyAttack | PartConfig | str
"""An attack, or its name with its settings: ``"pgd:steps=50"``."""
Asked: TypeAlias = Mapping[str, AttackLike] | Sequence[AttackLike] | str
"""Attacks by label, in a list, or in one text with commas."""


@dataclass(frozen=True, kw_only=True)
class Suite:
    """Attacks by name, in the order they are run; the first one gives the raw curve.

    `closing` attacks come last and see only images that almost broke (see `Closing`). `blind` comes after them, on
    every image that is left, at strengths where the suite's Square broke what gradients had not: they mislead there.
    """

    attacks: str
    purpose: str
    closing: str = ""
    blind: str = ""

    def __str__(self) -> str:
        """Return the attacks and what they are for."""
        closing = f", then {self.closing} where it is close" if self.closing else ""
        blind = f", then {self.blind} where gradients mislead" if self.blind else ""
        return f"{self.attacks}{closing}{blind}: {self.purpose}"


SUITES: dict[str, Suite] = {
    "fast": Suite(attacks="pgd:steps=20:keep=best", purpose="a first look, an upper bound on robust accuracy"),
    "standard": Suite(
        attacks="pgd:steps=20:keep=best,apgd-ce:steps=50,apgd-t:steps=50:classes=3,square:queries=500,"
        "fmn:steps=50:classes=9:closing=100",
        closing="apgd-t:steps=100:classes=9",
        blind="square:queries=5000",
        purpose="for tables",
    ),
    "strong": Suite(
        attacks="pgd:steps=100:restarts=5:keep=best,apgd-ce:steps=100:restarts=5,apgd-t:steps=100:classes=9,"
        "square:queries=5000,fmn:steps=100:classes=9:closing=100",
        closing="apgd-t:steps=100:classes=9:restarts=3",
        purpose="for publication",
    ),
    "autoattack": Suite(
        attacks="pgd:steps=20:keep=best,autoattack", purpose="what leader boards print (APGD-CE, APGD-T, FAB-T, Square)"
    ),
    "square": Suite(attacks="square:queries=2000", purpose="asks for scores only"),
    "queries": Suite(
        attacks="square:queries=2000,rays:flips=500",
        purpose="asks for scores, then for decisions: for ONNX files, functions and others without gradients",
    ),
}
RENAMED = {"black-box": "square"}


def suite_attacks(name: str, norm: Norm) -> dict[str, AnyAttack]:
    """Return the attacks of a suite by label, in the order they are run.

    Raises:
        InputError: no such suite.
    """
    if name in RENAMED:
        remedy = f"it is called {RENAMED[name]!r} now; Papernot's black box is --attacks papernot"
        refuse("suite", expected=f"one of {', '.join(SUITES)}", got=name, remedy=remedy)
    if name not in SUITES:
        refuse("suite", expected=f"one of {', '.join(SUITES)}", got=name, remedy=nearest(name, tuple(SUITES)))
    suite = SUITES[name]
    attacks: list[AnyAttack] = [build_attack(config, norm=norm) for config in read_attacks(suite.attacks)]
    square = next((attack.name for attack in attacks if not attack.needs_gradient), "")
    for text, within, after in ((suite.closing, WITHIN, ""), (suite.blind, math.inf, square)):
        for config in read_attacks(text) if text else ():
            attacks.append(Closing(attack=build_attack(config, norm=norm), within=within, after=after))
    return labelled(attacks)


def labelled(attacks: Sequence[AnyAttack]) -> dict[str, AnyAttack]:
    """Give each attack a label that can be a file name: its name, and a number where names repeat."""
    names = [attack.name for attack in attacks]
    seen: dict[str, int] = {}
    found: dict[str, AnyAttack] = {}
    for name, attack in zip(names, attacks):
        seen[name] = seen.get(name, 0) + 1
        found[name if names.count(name) == 1 else f"{name}-{seen[name]}"] = attack
    return found


def describe(attack: AnyAttack) -> str:
    """Return the attack's settings without its own strength, which every evaluated strength replaces.

    Images and models among the settings, which have no text, are told apart by their hashes.
    """
    text = re.sub(r"\beps=[0-9.e+-]+(, )?", "", repr(attack), count=1)
    text = re.sub(r" at 0x[0-9a-fA-F]+", "", text)  # an address is another one in the next process
    hidden = [f"{field.name}={_hash(getattr(attack, field.name))}" for field in _hidden(attack)]
    return f"{text} with {', '.join(hidden)}" if hidden else text


def chosen_attacks(
    attacks: Asked | None, suite: str, norm: Norm, *, others: Sequence[nn.Module] = (), images: Tensor | None = None
) -> dict[str, AnyAttack]:
    """Return the attacks asked for, or the suite's.

    Args:
        others: models for named attacks that are crafted on others.
        images: an attacker's own images, for named attacks that learn from them.

    Raises:
        InputError: none, an unknown norm, or an attack that measures its strength in another norm.
    """
    if norm not in get_args(Norm):
        refuse("norm", expected="Linf or L2", got=norm, remedy=nearest(str(norm), get_args(Norm)))
    if attacks is None:
        return suite_attacks(suite, norm)
    if isinstance(attacks, str):
        attacks = list(read_attacks(attacks)) if attacks.strip() else []
    _refuse_others(attacks)

    def built(one: AttackLike) -> list[AnyAttack]:
        if not isinstance(one, (str, PartConfig)):
            return [one]
        configs = read_attacks(one) if isinstance(one, str) else [one]
        return [build_attack(config, norm=norm, sources=others, seed_images=images) for config in configs]

    if isinstance(attacks, Mapping):
        several = {label: built(one) for label, one in attacks.items()}
        found = {label: made[0] for label, made in several.items()}
        if extra := [label for label, made in several.items() if len(made) > 1]:
            refuse("attacks", expected="one attack for each label", got=f"several for {extra[0]!r}")
    else:
        found = labelled([attack for one in attacks for attack in built(one)])
    if not found:
        refuse("attacks", expected="at least one attack", got="none", remedy="leave it out for the default suite")
    for label, attack in found.items():
        if attack.norm != norm:
            remedy = f"give {label} norm={norm!r} or evaluate with norm={attack.norm!r}"
            refuse("attacks", expected=f"attacks in {norm}", got=f"{label} in {attack.norm}", remedy=remedy)
        if "/" in label or "@" in label or not label:
            refuse("attacks", expected="labels without / and @, they name files", got=label)
    return found


def _hidden(attack: Any) -> list[Any]:
    if not is_dataclass(attack):
        return []
    return [field for field in fields(attack) if not field.repr and getattr(attack, field.name) is not None]


def _hash(value: Any) -> str:
    if isinstance(value, Tensor):
        return digest(value)[:12]
    if isinstance(value, nn.Module):
        return model_hash(value)[:12]
    if isinstance(value, (tuple, list)):
        return hashlib.sha256("".join(_hash(one) for one in value).encode()).hexdigest()[:12]
    return str(getattr(value, "__qualname__", repr(value)))


def _refuse_others(attacks: Any) -> None:
    """Refuse what is no list of attacks: callers need not use a type checker."""
    if not isinstance(attacks, (Mapping, Sequence)):
        got = f"a {type(attacks).__name__}"
        refuse("attacks", expected="attacks or their names, in a list or by label", got=got, remedy="write [attack]")
    for one in attacks.values() if isinstance(attacks, Mapping) else attacks:
        if isinstance(one, (str, PartConfig)):
            continue
        if isinstance(one, type) or not isinstance(one, AnyAttack):
            got = f"the class {one.__name__}" if isinstance(one, type) else f"a {type(one).__name__}"
            remedy = "such as PGD(eps=8/255) or 'pgd'; wrap others by wsrnas.evaluation.adapters"
            refuse("attacks", expected="attacks of wsrnas.attacks or their names", got=got, remedy=remedy)
