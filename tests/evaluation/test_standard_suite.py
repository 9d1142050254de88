"""The default suite is never weaker than the whole AutoAttack on the same images."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from tests.attacks.conftest import read_cifar10, small_network
from tests.attacks.peers import load
from torch import Tensor, nn
from torch.nn import functional

from wsrnas.attacks import PGD
from wsrnas.evaluation import Evaluation, evaluate

PARTS = ("apgd-ce", "apgd-t", "fab-t", "square")


def broken_by_the_library(
    model: nn.Module, images: Tensor, labels: Tensor, strength: float, *, queries: int, seed: int = 0
) -> dict[str, int]:
    """Run every part of the standard ensemble on all the images; count what each breaks."""
    library, found = load("pyautoattack", harmless=()), {}
    for part in PARTS:
        ensemble = library.AutoAttack(
            model, attacks=[part], version="custom", norm="Linf", eps=strength, seed=seed, device="cpu"
        )
        ensemble.verbose = False
        ensemble.apgd.n_restarts = ensemble.fab.n_restarts = ensemble.apgd_targeted.n_restarts = 1
        ensemble.square.n_queries = queries
        with torch.random.fork_rng():
            moved, _ = ensemble.run_standard_evaluation(images.contiguous(), labels, batch_size=256)
        with torch.no_grad():
            found[part] = int((model(moved).argmax(1) != labels).sum())
    return found


def never_weaker(model: nn.Module, images: Tensor, labels: Tensor, found: Evaluation, *, queries: int) -> None:
    for column, strength in enumerate(found.strengths):
        left = found.survives[:, column].nonzero().flatten()
        if len(left):
            broken = broken_by_the_library(model, images[left], labels[left], strength, queries=queries)
            assert broken == dict.fromkeys(PARTS, 0), f"of {len(left)} images that standard leaves at {strength:g}"


@pytest.mark.slow
def test_no_part_of_autoattack_breaks_what_standard_leaves(pgd_trained: nn.Module, digits: Any) -> None:
    images, labels = digits.images[:60], digits.labels[:60]
    found = evaluate(pgd_trained, images, labels, [0.2], suite="standard")
    assert 0.1 < found.accuracy[0] < 0.9
    never_weaker(pgd_trained, images, labels, found, queries=300)


@pytest.mark.long
@pytest.mark.parametrize("network", ["undefended", "pgd_trained", "trades_trained"])
def test_on_digits_at_large_strengths(network: str, request: pytest.FixtureRequest, digits: Any) -> None:
    model = request.getfixturevalue(network)
    found = evaluate(model, digits.images, digits.labels, [0.1, 0.2, 0.25], suite="standard")
    never_weaker(model, digits.images, digits.labels, found, queries=1000)


@pytest.mark.long
def test_on_cifar10_up_to_16_levels(cifar10_root: Any) -> None:
    images, labels = read_cifar10(cifar10_root, "train", 4000)
    images, attack, generator = functional.avg_pool2d(images, 2), PGD(eps=8 / 255, steps=3), torch.Generator()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = small_network(3, 10, 16, width=16)
        optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
        for _ in range(3):
            for rows in torch.randperm(len(images)).split(64):
                adversarial = attack.perturb(model.train(), images[rows], labels[rows], generator.manual_seed(0))
                optimizer.zero_grad()
                functional.cross_entropy(model(adversarial), labels[rows]).backward()
                optimizer.step()
    images, labels = read_cifar10(cifar10_root, "test", 200)
    images = functional.avg_pool2d(images, 2)
    found = evaluate(model.eval(), images, labels, "0,4/255,8/255,16/255", suite="standard")
    assert found.clean_accuracy > 0.25
    never_weaker(model, images, labels, found, queries=1000)


def test_the_closing_attack_sees_only_what_almost_broke(pgd_trained: nn.Module, digits: Any, tmp_path: Any) -> None:
    import json

    images, labels = digits.images[:40], digits.labels[:40]
    found = evaluate(pgd_trained, images, labels, [0.1], suite="standard", out=tmp_path)
    (record,) = (json.loads(path.read_text()) for path in (tmp_path / "eval/strict").glob("APGD-T closing@*.json"))
    distance = found.verified["minimum_norm"]["FMN-50"]["distance"]
    left = {row for row in range(40) if found.survives[row, 0]} | set(record["indices"])
    assert set(record["indices"]) == {row for row in left if distance[row] is None or distance[row] <= 0.12}
    assert 0 < len(record["indices"]) < len(left)
    assert found.per_attack["APGD-T closing"] == found.accuracy
