"""Attacks of other libraries in our worst case."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
from torch import nn

from wsrnas.attacks import PGD
from wsrnas.errors import InputError
from wsrnas.evaluation import evaluate
from wsrnas.evaluation.adapters import from_art, from_foolbox, from_torchattacks

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import foolbox

    torchattacks = pytest.importorskip("torchattacks", reason="torchattacks is not among the development extras")
    from art.attacks.evasion import ProjectedGradientDescentPyTorch


@pytest.mark.filterwarnings("ignore")
def test_foolbox_torchattacks_and_art_agree_with_our_pgd(undefended: nn.Module, digits: Any) -> None:
    attacks = {
        "ours": PGD(eps=0.1, steps=10, random_start=False),
        "foolbox": from_foolbox(foolbox.attacks.LinfPGD(steps=10, rel_stepsize=0.25, random_start=False)),
        "torchattacks": from_torchattacks(
            lambda model, eps: torchattacks.PGD(model, eps=eps, alpha=0.25 * eps, steps=10, random_start=False)
        ),
        "art": from_art(
            lambda classifier, eps: ProjectedGradientDescentPyTorch(
                classifier, eps=eps, eps_step=0.25 * eps, max_iter=10, verbose=False
            )
        ),
    }
    found = evaluate(undefended, digits.images[:60], digits.labels[:60], [0.05, 0.1], attacks=attacks, every_image=True)
    for column in range(2):
        scores = [values[column] for values in found.per_attack.values()]
        assert max(scores) - min(scores) <= 2 / 60
    again = evaluate(undefended, digits.images[:60], digits.labels[:60], [0.1], attacks={"f": attacks["foolbox"]})
    assert again.accuracy[0] == found.per_attack["foolbox"][1]


def test_what_is_no_attack_is_refused(undefended: nn.Module) -> None:
    with pytest.raises(InputError, match="a foolbox attack such as"):
        from_foolbox(3)
    with pytest.raises(InputError, match=r"pass torchattacks\.PGD, or lambda"):
        from_torchattacks(torchattacks.PGD(undefended))
