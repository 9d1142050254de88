"""The nested curve beside minimal-norm attacks, which look for the nearest adversarial image instead of a worst one."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from tests.attacks.peers import SCIPY, load
from torch import Tensor, nn

from wsrnas.attacks import APGD, FMN, PGD
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


@pytest.mark.slow
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


def test_our_fmn_finds_what_that_of_foolbox_finds(undefended: nn.Module, foolbox: Any, digits: Any) -> None:
    images, labels = digits.images[:60], digits.labels[:60]
    wrapped = foolbox.PyTorchModel(undefended, bounds=(0, 1), device="cpu")
    for norm, peer, largest in (("Linf", "LInfFMNAttack", 1.0), ("L2", "L2FMNAttack", 8.0)):
        _, moved, _ = getattr(foolbox.attacks, peer)(steps=40)(wrapped, images, labels, epsilons=None)
        ours = FMN(eps=largest, norm=norm, steps=40)(undefended, images, labels)  # type: ignore[arg-type]
        near, far = (distances(images, one, norm) for one in (ours, moved))  # type: ignore[arg-type]
        assert float((near <= far + 1e-4).double().mean()) > 0.9
        assert float(near.mean()) <= float(far.mean()) + 1e-3
        if norm == "Linf":  # in L2 the peer's default step of a whole unit is far too long for these images
            assert float((near - far).median()) == pytest.approx(0, abs=1e-4)


@pytest.mark.parametrize("norm", ["Linf", "L2"])
def test_a_distance_below_a_strength_is_an_image_broken_at_it(norm: Any, pgd_trained: nn.Module, digits: Any) -> None:
    images, labels, strengths = digits.images[:60], digits.labels[:60], [0, *STRENGTHS[norm]]
    attacks = "pgd:steps=5,fmn:steps=25,square:queries=20"
    found = evaluate(pgd_trained, images, labels, strengths, norm=norm, attacks=attacks)
    check = found.verified["minimum_norm"]["FMN-25"]
    distance = torch.tensor([torch.inf if one is None else one for one in check["distance"]], dtype=torch.float64)
    assert torch.equal(distance == 0, ~found.clean_correct)
    for column, strength in enumerate(strengths):
        within = distance <= strength
        assert not bool((found.survives[:, column] & within).any()), "broken at every strength from its distance on"
        assert check["accuracy"][column] == pytest.approx(1 - float(within.double().mean()))
        disagreeing = check["broken_by_it_alone"][column] + check["missed_by_it"][column]
        assert check["agreement"][column] == pytest.approx(1 - disagreeing / 60)
    assert found.per_attack["FMN-25"][1:] == pytest.approx(check["accuracy"][1:])
    assert sum(check["broken_by_it_alone"]) > 0, "five steps of PGD leave some for it"
    assert min(check["agreement"]) > 0.7
    direct = FMN(eps=1.0 if norm == "Linf" else 8.0, norm=norm, steps=25)(pgd_trained, images, labels)
    right = found.clean_correct & ~distance.isinf()
    assert torch.equal(distances(images, direct, norm)[right], distance[right])


def test_the_search_runs_once_for_all_strengths(
    undefended: nn.Module, digits: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    searched: list[float] = []
    original = FMN._craft

    def counting(self: FMN, *arguments: Any) -> Tensor:
        searched.append(self.eps)
        return original(self, *arguments)

    monkeypatch.setattr(FMN, "_craft", counting)

    def run(strengths: list[float]) -> Any:
        images, labels = digits.images[:30], digits.labels[:30]
        return evaluate(undefended, images, labels, strengths, attacks="fmn:steps=8:closing=3", out=tmp_path)

    first = run([0.05, 0.1, 0.2])
    assert searched == [1.0]
    assert run([0.05, 0.1, 0.2]).to_dict() == first.to_dict()
    assert searched == [1.0], "nothing is searched again where every record is there"
    longer = run([0.15])
    assert searched == [1.0, 1.0]
    assert longer.verified["minimum_norm"]["FMN-8"]["distance"] == first.verified["minimum_norm"]["FMN-8"]["distance"]


def test_a_minimum_norm_attack_that_finds_what_the_others_left_says_so(undefended: nn.Module, digits: Any) -> None:
    images, labels = digits.images[:60], digits.labels[:60]
    found = evaluate(undefended, images, labels, [0.15], attacks="random-noise:draws=1,fmn:steps=30")
    assert any("FMN-30 broke" in one and "too weak" in one for one in found.doubts)
    assert evaluate(undefended, images, labels, [0.15], attacks="pgd,fmn:steps=30").doubts == []
