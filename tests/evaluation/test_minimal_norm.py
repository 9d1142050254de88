"""The nested curve beside minimal-norm attacks, which look for the nearest adversarial image instead of a worst one."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from tests.attacks.peers import SCIPY, load
from torch import Tensor, nn

from wsrnas.attacks import APGD, PGD
from wsrnas.evaluation import evaluate
from wsrnas.evaluation.verify import distances

STRENGTHS = {"Linf": [0.04, 0.08, 0.12, 0.16, 0.2], "L2": [0.25, 0.5, 0.75, 1.0, 1.5]}


@pytest.fixture(scope="module")
def foolbox() -> Any:
    return load("foolbox", harmless=SCIPY)


def never_above(survives: Tensor, nearest: Tensor, strengths: list[float]) -> None:
    """Our robust images are at most half a percent, plus two standard deviations, more than the peer's."""
    for column, strength in enumerate(strengths):
        ours, peer = survives[:, column], nearest > strength
        spread = 2 * float((ours != peer).sum()) ** 0.5 / len(ours)
        assert float(ours.double().mean()) <= float(peer.double().mean()) + 0.005 + spread, strength


@pytest.mark.parametrize("network", ["undefended", "pgd_trained"])
@pytest.mark.parametrize(("norm", "attack"), [("Linf", "LInfFMNAttack"), ("L2", "L2FMNAttack"), ("L2", "DDNAttack")])
def test_no_minimal_norm_attack_finds_a_lower_curve(
    network: str, norm: str, attack: str, foolbox: Any, digits: Any, request: pytest.FixtureRequest
) -> None:
    model: nn.Module = request.getfixturevalue(network)
    images, labels, strengths = digits.images[:120], digits.labels[:120], STRENGTHS[norm]
    ours = [PGD(eps=0.1, norm=norm, keep="best"), APGD(eps=0.1, norm=norm, steps=30)]
    found = evaluate(model, images, labels, strengths, norm=norm, attacks=ours)
    peer = getattr(foolbox.attacks, attack)(steps=100)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        _, moved, _ = peer(foolbox.PyTorchModel(model, bounds=(0, 1), device="cpu"), images, labels, epsilons=None)
    with torch.no_grad():
        fooled, wrong = model(moved).argmax(1) != labels, model(images).argmax(1) != labels
    nearest = torch.where(fooled, distances(images, moved, norm), torch.inf)
    nearest[wrong] = 0.0
    assert float(fooled.double().mean()) > 0.9
    never_above(found.survives, nearest, strengths)


def test_bisecting_every_image_gives_the_same_curve(undefended: nn.Module, digits: Any) -> None:
    """The least strength at which PGD breaks an image, found image by image, against the curve on a grid."""
    images, labels, strengths = digits.images[:60], digits.labels[:60], STRENGTHS["Linf"]
    found = evaluate(undefended, images, labels, strengths, attacks=[PGD(eps=0.1, keep="best")])
    with torch.no_grad():
        wrong = undefended(images).argmax(1) != labels
    low, high = torch.zeros(60), torch.full((60,), 0.32)
    for _ in range(6):
        middle = (low + high) / 2
        for strength in middle.unique().tolist():
            rows = middle == strength
            moved = PGD(eps=strength, keep="best")(undefended, images[rows], labels[rows])
            with torch.no_grad():
                broken = undefended(moved).argmax(1) != labels[rows]
            high[rows] = torch.where(broken, middle[rows], high[rows])
            low[rows] = torch.where(broken, low[rows], middle[rows])
    never_above(found.survives, torch.where(wrong, 0.0, high), strengths)
