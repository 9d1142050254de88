"""The plain way gives the numbers of the fast way, and every row of the benches is there; nothing here is timed."""

import json
import math

import pytest
import torch

from wsrnas.attacks import PGD
from wsrnas.cli import main
from wsrnas.errors import InputError
from wsrnas.search.evaluators.measure import real_noises
from wsrnas.studies.speed import bench, curve, growth, phases, plain
from wsrnas.studies.speed.pairs import Work, measured, peak_memory
from wsrnas.studies.speed.peers import installed
from wsrnas.studies.speed.subject import Subject

TINY = {
    "space.channels": 2,
    "space.layers": 3,
    "data.image_size": 8,
    "training.batch_size": 4,
    "training.steps": 2,
    "measure.batch_size": 4,
    "budget.population": 4,
    "budget.iterations": 2,
    "noise_estimator.memory": 8,
    "runtime.threads": 1,
}
CPU = torch.device("cpu")


def made(preset):
    return Subject.of("cifar10-small", device="cpu", batches=1, settings={**TINY, "preset": preset})


@pytest.fixture(scope="module", params=["ours", "paper"])
def subject(request):
    return made(request.param)


def test_the_plain_network_is_the_same_function(subject):
    images, _ = subject.batch
    torch.testing.assert_close(subject.plain(images), subject.fast(subject.runtime.images(images)), rtol=0, atol=1e-4)


def test_the_plain_attack_is_the_same_attack(subject):
    images, labels = subject.batch
    ours = PGD(eps=0.03, steps=3, random_start=False)(subject.fast, subject.runtime.images(images), labels)
    theirs = plain.pgd(subject.plain, images, labels, 0.03, 3, None)
    assert float((ours != theirs).float().mean()) < 0.02, "where a gradient is nearly zero its sign may differ"
    assert all(parameter.grad is None for parameter in subject.plain.parameters())


def test_the_plain_measurement_gives_the_same_losses(subject):
    ours, theirs = subject.evaluator.losses(subject.fast), phases.plain_losses(subject)
    torch.testing.assert_close(theirs, ours, rtol=0.01, atol=0)


def test_the_plain_training_ends_at_the_same_weights():
    subject = made("paper")
    weights = list(subject.plain.supernet.parameters())
    before = [weight.detach().clone() for weight in weights]
    phases.plain_training(subject)()
    subject.evaluator.train(subject.fast)
    ours = list(subject.evaluator.supernet.parameters())
    assert len(ours) == len(weights)
    for mine, theirs in zip(ours, weights):
        torch.testing.assert_close(theirs, mine, rtol=0, atol=0.02)
    moved = sum(float((new - old).detach().abs().sum()) for new, old in zip(weights, before))
    apart = sum(float((mine - theirs).detach().abs().sum()) for mine, theirs in zip(ours, weights))
    assert apart < 0.05 * moved


@pytest.mark.parametrize("step_ratio", [None, 0.3])
def test_attacks_at_several_strengths_share_their_first_gradient_bit_for_bit(subject, step_ratio):
    images, labels = subject.batch
    attack = PGD(eps=0.03, steps=3, step_size=step_ratio and step_ratio * 0.03, random_start=False)
    strengths = (0.01, 0.03, 0.09)
    together = attack.over(subject.fast, images, labels, strengths)
    for strength, moved in zip(strengths, together):
        assert torch.equal(moved, attack.at(strength).perturb(subject.fast, images, labels))


def test_sharing_saves_two_passes_for_each_further_strength(subject):
    images, labels = subject.batch
    seen = []
    handle = subject.fast.register_forward_hook(lambda *_: seen.append(1))
    real_noises(subject.fast, images, labels, (0.01, 0.02, 0.03), subject.evaluator.attack, subject.runtime)
    handle.remove()
    assert 2 * len(seen) == subject.evaluator.costs.attacks(3) == 3 * subject.evaluator.costs.attack - 4


def test_a_random_start_has_no_first_gradient_in_common():
    with pytest.raises(InputError, match="attack: expected PGD without random_start"):
        PGD(eps=0.1).over(torch.nn.Identity(), torch.rand(1, 1, 2, 2), torch.zeros(1, dtype=torch.int64), (0.1,))


@pytest.mark.slow
def test_every_phase_has_a_row(tmp_path, capsys):
    some = ["training", "noise-data", "measuring", "iteration", "pgd-7", "epoch"]
    bench.run(chosen=some, pairs=1, json_path=tmp_path / "speed.json", settings=TINY)
    found = json.loads((tmp_path / "speed.json").read_text())
    assert found["device"] == "cpu"
    assert {row["phase"] for row in found["rows"]} == set(some)
    for row in found["rows"]:
        low, middle, high = row["ratio"]
        assert 0 < low <= middle <= high < math.inf
        assert row["seconds"] > 0
    ours = next(row for row in found["rows"] if row["phase"] == "iteration")
    assert ours["against"] == "plain"
    assert ours["images_per_second"] > 0
    assert 0 < ours["share_of_peak"] < 1
    printed = capsys.readouterr().out
    assert all(len(line) <= 80 for line in printed.splitlines())
    assert all(name in printed for name in some)


def test_ratios_are_seconds_of_the_other_over_ours():
    spent = iter([1.0])
    work = Work(
        phase="x", against="y", ours=lambda: next(spent, None), theirs=lambda: [math.sqrt(i) for i in range(9999)]
    )
    row = measured(work, pairs=3, peak=1e9, device=CPU)
    assert row.pairs == 3
    assert row.ratio[1] > 1
    assert row.share_of_peak is None
    once = measured(Work(phase="x", against="y", ours=list, theirs=list, pairs=1), pairs=3, peak=1e9, device=CPU)
    assert once.pairs == 1


def test_memory_counts_what_is_held_at_once():
    found = peak_memory(lambda: torch.ones(8 * 2**20).sum(), CPU)
    assert found is None or found > 16


def test_a_library_that_is_missing_is_said_once():
    left_out = []
    for _ in range(2):
        assert installed("nobody", "no_such_library_here", left_out) is None
    assert len(left_out) == 1
    assert "nobody is left out: it is not installed" in left_out[0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["speed", "--phases", "trainig"], "--phases: expected phases of `wsrnas bench speed`, got trainig; did you"),
        (["speed", "--pairs", "0"], "--pairs: expected at least 1, got 0"),
        (["speed", "--recipe", "no-such"], "no-such"),
        (["speed", "--device", "gpu"], "runtime.device: expected one of auto, cpu, cuda, mps, got gpu"),
        (["growth", "--repeats", "0"], "--repeats: expected at least 1, got 0"),
        (["--json", "x", "speed"], "bench"),
    ],
)
def test_bad_options_are_refused(arguments, message, capsys):
    assert main(["bench", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_the_exponent_of_a_power_law_is_found():
    sizes = (2, 4, 7)
    assert growth.fitted_exponent(sizes, [3 * size**1.7 for size in sizes]) == pytest.approx(1.7)


@pytest.mark.slow
def test_growth_has_a_row_for_every_number(tmp_path, capsys):
    found = growth.run(repeats=1, json_path=tmp_path / "growth.json", settings=TINY, factors=(1.0, 2.0))
    assert [one.axis for one in found] == ["images", "strengths", "cells", "channels", "image_size"]
    for one in found:
        assert one.values == (one.values[0], 2 * one.values[0])
        assert all(spent > 0 for spent in one.seconds)
        assert math.isfinite(one.exponent)
    assert len(json.loads((tmp_path / "growth.json").read_text())["rows"]) == 5
    assert all(len(line) <= 80 for line in capsys.readouterr().out.splitlines())


@pytest.mark.long
def test_estimators_and_update_stand_beside_the_papers():
    some = ["estimators", "update"]
    found = bench.run(chosen=some, pairs=1, settings=TINY)
    assert [(row.phase, row.against) for row in found.rows] == [(name, "the paper's") for name in some]


@pytest.mark.long
def test_the_strict_curve_is_compared_with_autoattack_at_every_strength():
    pytest.importorskip("pyautoattack")
    subject = Subject.of("digits", device="cpu", batches=1, settings={"runtime.threads": 1})
    (work,) = curve.strict_curve(subject.runtime, [], images=2, suite="fast")
    row = measured(work, pairs=3, peak=1e9, device=CPU)
    assert row.pairs == 1
    assert 0 < row.ratio[0] < math.inf
