"""The two protocols, their bookkeeping and the facts they verify."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from wsrnas.attacks import FGSM, PGD, RandomNoise, Square
from wsrnas.errors import InputError
from wsrnas.evaluation import Evaluation, evaluate, read_evaluations
from wsrnas.evaluation.folder.report import write_report
from wsrnas.evaluation.statistics import wilson_interval
from wsrnas.evaluation.under_test.lock import digests

STRENGTHS = [0, 0.05, 0.1, 0.15]
SMALL = {"pgd": PGD(eps=0.1, steps=4, keep="best"), "square": Square(eps=0.1, queries=30)}


@pytest.fixture(scope="module")
def result(undefended: nn.Module, digits: Any) -> Evaluation:
    return evaluate(undefended, digits.images[:96], digits.labels[:96], STRENGTHS, attacks=SMALL)


def test_strength_zero_is_clean_accuracy_exactly(result: Evaluation, undefended: nn.Module, digits: Any) -> None:
    with torch.no_grad():
        right = undefended(digits.images[:96]).argmax(1) == digits.labels[:96]
    assert result.accuracy[0] == result.clean_accuracy == float(right.double().mean())
    assert torch.equal(result.survives[:, 0], right)


def test_survival_is_nested_and_accuracy_is_its_mean(result: Evaluation) -> None:
    assert result.survives.shape == (96, 4)
    assert bool((result.survives[:, 1:] <= result.survives[:, :-1]).all())
    assert result.accuracy == result.survives.double().mean(0).tolist()
    for value, low, high in zip(result.accuracy, result.ci_low, result.ci_high):
        assert (low, high) == wilson_interval(round(value * 96), 96)


def test_the_worst_case_is_below_every_attack_and_the_raw_curve_is_the_first_attack_alone(
    result: Evaluation, undefended: nn.Module, digits: Any
) -> None:
    for values in (*result.per_attack.values(), result.raw_accuracy):
        assert all(worst <= value + 1e-12 for worst, value in zip(result.accuracy, values))
    assert result.raw_accuracy == result.per_attack["pgd"]
    alone = evaluate(undefended, digits.images[:96], digits.labels[:96], 0.1, attacks={"pgd": SMALL["pgd"]})
    assert alone.raw_accuracy[0] == result.raw_accuracy[2]


def test_worst_case_per_image_is_the_slow_loop(undefended: nn.Module, digits: Any) -> None:
    images, labels = digits.images[:24], digits.labels[:24]
    attacks = {"fgsm": FGSM(eps=0.1), "pgd": PGD(eps=0.1, steps=3, random_start=False)}
    found = evaluate(undefended, images, labels, [0.08, 0.16], attacks=attacks, every_image=True)
    for row in range(24):
        with torch.no_grad():
            alive = bool(undefended(images[row : row + 1]).argmax(1) == labels[row])
        for column, strength in enumerate([0.08, 0.16]):
            for attack in attacks.values():
                moved = attack.at(strength)(undefended, images[row : row + 1], labels[row : row + 1])
                with torch.no_grad():
                    alive = alive and bool(undefended(moved).argmax(1) == labels[row])
            assert bool(found.survives[row, column]) == alive


def test_only_survivors_see_the_later_attacks(undefended: nn.Module, digits: Any, tmp_path: Path) -> None:
    found = evaluate(undefended, digits.images[:40], digits.labels[:40], [0.1, 0.2], attacks=SMALL, out=tmp_path)
    first = json.loads((tmp_path / "eval/strict/pgd@0.2.json").read_text())
    second = json.loads((tmp_path / "eval/strict/square@0.2.json").read_text())
    assert first["indices"] == list(range(40))
    assert set(second["indices"]) <= set(found.survives[:, 0].nonzero().flatten().tolist())
    assert not set(second["indices"]) & {i for i, broken in zip(first["indices"], first["broken"]) if broken}


def test_same_seed_same_result_and_the_model_is_as_it_was(undefended: nn.Module, digits: Any) -> None:
    undefended[1].train()
    undefended[0].weight.requires_grad_(False)
    before = digests(undefended)
    modes = [module.training for module in undefended.modules()]
    runs = [evaluate(undefended, digits.images[:32], digits.labels[:32], [0.1], attacks=SMALL) for _ in range(2)]
    assert digests(undefended) == before
    assert [module.training for module in undefended.modules()] == modes
    assert [parameter.requires_grad for parameter in undefended.parameters()][:2] == [False, True]
    assert torch.equal(runs[0].survives, runs[1].survives)
    assert runs[0].to_dict() == runs[1].to_dict()
    undefended.eval().requires_grad_(True)


def test_released_attacks_a_copy_in_train_mode_and_scores_higher(undefended: nn.Module, digits: Any) -> None:
    before = digests(undefended)
    images, labels = digits.images[:100], digits.labels[:100]
    released = evaluate(undefended, images, labels, [0, 0.15], protocol="released")
    strict = evaluate(undefended, images, labels, [0, 0.15], suite="fast")
    assert digests(undefended) == before
    assert released.accuracy[0] == strict.accuracy[0]
    assert released.accuracy[1] > strict.accuracy[1] + 0.1
    assert released.settings["batch size"] == 25
    assert released.verified["attacked_network_is_scored_network"] is False
    assert released.raw_accuracy == released.accuracy


def test_released_is_the_slow_loop(undefended: nn.Module, digits: Any) -> None:
    import copy

    images, labels = digits.images[:20], digits.labels[:20]
    found = evaluate(undefended, images, labels, [0.1], protocol="released", batch_size=10)
    model, survives = copy.deepcopy(undefended), []
    for start in (0, 10):
        x, y = images[start : start + 10], labels[start : start + 10]
        moved = x.clone()
        for _ in range(20):
            model.train()
            moved.requires_grad_(True)
            nn.functional.cross_entropy(model(moved), y).backward()
            step = moved.detach() + 2.5 * 0.1 / 20 * moved.grad.sign()
            moved = torch.min(torch.max(step, x - 0.1), x + 0.1).clamp(0, 1).detach()
        model.eval()
        survives += (model(moved).argmax(1) == y).tolist()
    assert found.survives[:, 0].tolist() == survives


def test_a_last_batch_of_one_joins_the_one_before(undefended: nn.Module, digits: Any) -> None:
    found = evaluate(undefended, digits.images[:11], digits.labels[:11], [0.1], protocol="released", batch_size=5)
    assert found.images == 11


def test_a_killed_evaluation_goes_on_where_it_was(
    undefended: nn.Module, digits: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images, labels = digits.images[:40], digits.labels[:40]
    whole = evaluate(undefended, images, labels, [0.05, 0.1], attacks=SMALL, out=tmp_path / "whole")
    calls = []
    original = PGD._craft

    def dies(self: PGD, *arguments: object) -> Tensor:
        calls.append(self.eps)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return original(self, *arguments)

    monkeypatch.setattr(PGD, "_craft", dies)
    with pytest.raises(KeyboardInterrupt):
        evaluate(undefended, images, labels, [0.05, 0.1], attacks=SMALL, out=tmp_path / "cut")
    again = evaluate(undefended, images, labels, [0.05, 0.1], attacks=SMALL, out=tmp_path / "cut")
    assert calls == [0.05, 0.1, 0.1]
    assert again.to_dict() == whole.to_dict()
    evaluate(undefended, images, labels, [0.05, 0.1], attacks=SMALL, out=tmp_path / "cut")
    assert len(calls) == 3


def test_a_folder_of_another_model_or_with_a_damaged_record_is_refused(
    undefended: nn.Module, pgd_trained: nn.Module, digits: Any, tmp_path: Path
) -> None:
    images, labels = digits.images[:10], digits.labels[:10]
    attacks = [FGSM(eps=0.1)]
    evaluate(undefended, images, labels, [0.1], attacks=attacks, out=tmp_path)
    with pytest.raises(InputError, match="got another model; choose another folder"):
        evaluate(pgd_trained, images, labels, [0.1], attacks=attacks, out=tmp_path)
    (tmp_path / "eval/strict/FGSM@0.1.json").write_text("{")
    with pytest.raises(InputError, match="the record is damaged"):
        evaluate(undefended, images, labels, [0.1], attacks=attacks, out=tmp_path)


def test_summary_carries_the_fields_of_the_result_and_both_protocols(
    undefended: nn.Module, digits: Any, tmp_path: Path
) -> None:
    images, labels = digits.images[:30], digits.labels[:30]
    strict = evaluate(undefended, images, labels, [0, 0.1], attacks=SMALL, out=tmp_path)
    evaluate(undefended, images, labels, [0, 0.1], protocol="released", out=tmp_path)
    summary = json.loads((tmp_path / "eval/summary.json").read_text())
    for name in ("strengths", "accuracy", "ci_low", "ci_high", "raw_accuracy"):
        assert summary[name] == getattr(strict, name)
    assert summary["survives"] == strict.survives.int().tolist()
    assert summary["protocol"] == "strict"
    assert set(summary["protocols"]) == {"strict", "released"}
    assert len(summary["released_minus_strict"]) == 2
    assert read_evaluations(tmp_path)["strict"].to_dict() == strict.to_dict()


def test_a_plain_function_and_l2_and_two_classes(undefended: nn.Module, digits: Any) -> None:
    keep = (digits.labels < 2).nonzero().flatten()[:20]

    def two(images: Tensor) -> Tensor:
        return undefended(images)[:, :2]

    found = evaluate(two, digits.images[keep], digits.labels[keep], [0.5], norm="L2", suite="fast")
    assert found.classes == 2
    assert found.norm == "L2"


def test_every_fact_is_verified(result: Evaluation) -> None:
    facts = result.verified
    assert facts["state_hash_before"] == facts["state_hash_after"]
    assert facts["same_output_twice"]
    assert facts["largest_distance_over_strength"] <= 1 + 1e-5
    assert 0 <= facts["share_surviving_8_bit_rounding"] <= 1
    assert all(eight >= value for eight, value in zip(result.accuracy_eight_bit, result.accuracy))


def test_minimal_strength_area_and_text(result: Evaluation) -> None:
    for row, strength in enumerate(result.minimal_strength):
        if strength is None:
            assert bool(result.survives[row].all())
        elif strength > 0:
            assert not bool(result.survives[row, STRENGTHS.index(strength)])
    assert 0 < result.area < 1
    assert "strict protocol, Linf, 96 images, pgd + square" in str(result)


def test_random_noise_is_far_weaker_than_pgd(undefended: nn.Module, digits: Any) -> None:
    attacks = {"noise": RandomNoise(eps=0.1, draws=5), "pgd": SMALL["pgd"]}
    found = evaluate(undefended, digits.images[:60], digits.labels[:60], [0.15], attacks=attacks)
    assert found.per_attack["noise"][0] > found.accuracy[0] + 0.2


def test_a_measurement_says_what_speaks_against_itself(
    result: Evaluation, undefended: nn.Module, digits: Any, tmp_path: Path
) -> None:
    images, labels = digits.images[:40], digits.labels[:40]
    assert result.doubts == []
    noisy = evaluate(lambda x: undefended(x + 0.1 * torch.randn_like(x)), images, labels, [0.1], attacks=SMALL)
    assert "gives different logits for the same images" in str(noisy)
    with torch.no_grad():
        answers = undefended(images)
    frozen = evaluate(lambda x: answers[: len(x)] + 0 * x.sum(), images, labels, [0.1, 0.5], attacks=SMALL)
    assert sum("Above chance at 0.5" in doubt for doubt in frozen.doubts) == 1
    assert frozen.to_dict()["doubts"] == frozen.doubts
    frozen.save(tmp_path / "frozen")
    write_report(tmp_path / "frozen")
    assert "Above chance at 0.5" in (tmp_path / "frozen/eval/report.html").read_text()
    frozen.raw_accuracy[1] = 0.99
    frozen.raw_accuracy[0] = 0.5
    assert "The raw curve rises by 49.0 points at 0.5" in str(frozen)
