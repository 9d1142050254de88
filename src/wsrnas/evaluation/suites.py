"""Named lists of attacks, strongest evidence for the passes they cost."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, get_args

from wsrnas.attacks import APGD, PGD, AutoAttack, Square, TargetedAPGD
from wsrnas.errors import nearest, refuse
from wsrnas.evaluation.record import AnyAttack
from wsrnas.types import Norm

SUITES = {
    "fast": "PGD-20 alone, 1 restart: a first look, an upper bound on robust accuracy",
    "standard": "PGD-20, APGD-CE 50, APGD-T 50 x 3 classes, Square 500: for tables",
    "strong": "PGD-100 x 5, APGD-CE 100 x 5, APGD-T 100 x 9 classes, Square 5000: for publication",
    "autoattack": "PGD-20, then AutoAttack standard (APGD-CE, APGD-T, FAB-T, Square): what leader boards print",
    "black-box": "Square 2000: needs no gradient, for ONNX files and other closed models",
}


def suite_attacks(name: str, norm: Norm) -> dict[str, AnyAttack]:
    """Return the attacks of a suite by label, in the order they are run; the first one gives the raw curve.

    Raises:
        InputError: no such suite.
    """
    start = 0.1  # replaced by every strength evaluated
    if name == "fast":
        return labelled([PGD(eps=start, norm=norm, steps=20, keep="best")])
    if name == "standard":
        return labelled(
            [
                PGD(eps=start, norm=norm, steps=20, keep="best"),
                APGD(eps=start, norm=norm, steps=50, loss="ce"),
                TargetedAPGD(eps=start, norm=norm, steps=50, classes=3),
                Square(eps=start, norm=norm, queries=500),
            ]
        )
    if name == "strong":
        return labelled(
            [
                PGD(eps=start, norm=norm, steps=100, restarts=5, keep="best"),
                APGD(eps=start, norm=norm, steps=100, restarts=5, loss="ce"),
                TargetedAPGD(eps=start, norm=norm, steps=100, classes=9),
                Square(eps=start, norm=norm, queries=5000),
            ]
        )
    if name == "autoattack":
        return labelled([PGD(eps=start, norm=norm, steps=20, keep="best"), AutoAttack(eps=start, norm=norm)])
    if name == "black-box":
        return labelled([Square(eps=start, norm=norm, queries=2000)])
    refuse("suite", expected=f"one of {', '.join(SUITES)}", got=name, remedy=nearest(name, tuple(SUITES)))


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
    """Return the attack's settings without its own strength, which every evaluated strength replaces."""
    return re.sub(r"\beps=[0-9.e+-]+(, )?", "", repr(attack), count=1)


def chosen_attacks(
    attacks: Mapping[str, AnyAttack] | Sequence[AnyAttack] | None, suite: str, norm: Norm
) -> dict[str, AnyAttack]:
    """Return the attacks asked for, or the suite's.

    Raises:
        InputError: none, an unknown norm, or an attack that measures its strength in another norm.
    """
    if norm not in get_args(Norm):
        refuse("norm", expected="Linf or L2", got=norm, remedy=nearest(str(norm), get_args(Norm)))
    if attacks is None:
        return suite_attacks(suite, norm)
    _refuse_others(attacks)
    found = dict(attacks) if isinstance(attacks, Mapping) else labelled(attacks)
    if not found:
        refuse("attacks", expected="at least one attack", got="none", remedy="leave it out for the default suite")
    for label, attack in found.items():
        if attack.norm != norm:
            remedy = f"give {label} norm={norm!r} or evaluate with norm={attack.norm!r}"
            refuse("attacks", expected=f"attacks in {norm}", got=f"{label} in {attack.norm}", remedy=remedy)
        if "/" in label or "@" in label or not label:
            refuse("attacks", expected="labels without / and @, they name files", got=label)
    return found


def _refuse_others(attacks: Any) -> None:
    """Refuse what is no list of attacks: callers need not use a type checker."""
    if not isinstance(attacks, (Mapping, Sequence)) or isinstance(attacks, str):
        got = f"a {type(attacks).__name__}"
        refuse("attacks", expected="a list of attacks, or a dict of them by label", got=got, remedy="write [attack]")
    for one in attacks.values() if isinstance(attacks, Mapping) else attacks:
        if isinstance(one, type) or not isinstance(one, AnyAttack):
            got = f"the class {one.__name__}" if isinstance(one, type) else f"a {type(one).__name__}"
            remedy = "such as PGD(eps=8/255); wrap others by wsrnas.evaluation.adapters"
            refuse("attacks", expected="attacks of wsrnas.attacks", got=got, remedy=remedy)
