"""Preset `paper` against what the paper prints: its settings, its PGD steps, and what it puts into M_a."""

import pytest
import torch
from torch import nn

from wsrnas.configure import configured
from wsrnas.data import load_data
from wsrnas.estimators.loss.lstm import LSTMLossEstimator
from wsrnas.estimators.noise import NOISE_ESTIMATORS, noise_estimator
from wsrnas.rng import stream
from wsrnas.runtime import Runtime
from wsrnas.search.base import Budget
from wsrnas.search.build import build_strategy
from wsrnas.search.config import SearchConfig
from wsrnas.search.evaluators import one_shot
from wsrnas.search.evaluators.measure import real_noises
from wsrnas.search.evaluators.one_shot import OneShot
from wsrnas.search.finalists.rivals import training_settings

TINY = {
    "data": {"name": "digits", "train_limit": 96, "valid_limit": 32, "test_limit": 40},
    "space": {"name": "nb201", "channels": 2, "layers": 3},
    "spectrum": {"strengths": [0.03, 0.045, 0.06, 0.075, 0.09, 0.105]},
    "training": {"strength": 0.03, "steps": 2, "images": 32, "batch_size": 32, "learning_rate": 0.05},
    "measure": {"images": 32, "batch_size": 32},
}


def searching(preset="paper", **noise):
    config = configured(SearchConfig, "search", "digits", {**TINY, "noise_estimator": noise}, preset=preset)
    return OneShot(config, load_data(config.data, 0), Runtime(config.runtime))


@pytest.mark.parametrize(("recipe", "estimator"), [("paper-basic", "a-ane"), ("paper-plus", "plus-ane")])
def test_the_papers_recipes_have_the_printed_parts(recipe, estimator):
    config = configured(SearchConfig, "search", recipe)
    noise, training, psi = config.noise_estimator, config.training, config.strategy.settings
    assert (noise.name, noise.settings, noise.examples) == (estimator, {"form": "printed"}, "printed")
    assert (noise.memory, noise.batches, noise.passes) == (600, 10, 1)
    assert (training.steps, training.step_ratio) == (7, 2.5 / 20)
    assert (psi["loss_estimator"], psi["loss_estimator_settings"]) == ("lstm", {"form": "printed"})
    phi = noise_estimator(noise.name, image_shape=(3, 8, 8), **noise.settings)
    assert (phi.form, phi.weights) == ("printed", "paper")


def test_the_strategy_of_the_preset_has_the_printed_loss_estimator():
    evaluator = searching()
    config = evaluator.config
    strategy = build_strategy(config.strategy, evaluator, config.spectrum.objective(), 0, budget=Budget(population=1))
    assert isinstance(strategy.estimator, LSTMLossEstimator)
    assert strategy.estimator.form == "printed"


def test_ours_has_none_of_them():
    config = configured(SearchConfig, "search", "digits")
    noise = config.noise_estimator
    assert (noise.name, noise.settings, noise.examples) == ("rescale", {}, "leave-one-out")
    assert config.training.step_ratio is None


@pytest.mark.parametrize("name", [name for name, _ in NOISE_ESTIMATORS.items()])
def test_another_estimator_of_the_preset_is_the_printed_one_where_there_is_one(name):
    settings = configured(SearchConfig, "search", "digits", {"noise_estimator": name}, preset="paper").noise_estimator
    known = NOISE_ESTIMATORS.settings(name, argument="name", given=("image_shape", "norm"))
    phi = noise_estimator(name, image_shape=(1, 8, 8), **settings.settings)
    if "form" in known:
        assert phi.form == "printed"
    elif "weights" in known:
        assert phi.weights == "paper"
    else:
        assert settings.settings == {}


class Linear(nn.Module):
    """Two classes, a constant gradient: every step of PGD goes the same way."""

    def forward(self, images):
        score = (images - 0.5).flatten(1).sum(dim=1)
        return torch.stack([score, -score], dim=1)


def test_seven_printed_steps_reach_seven_eighths_of_every_strength():
    """Steps of 2.5/20 of the strength from the clean image, at each strength; the default reaches the whole of it."""
    images, labels = torch.full((2, 1, 8, 8), 0.5), torch.tensor([0, 1])
    runtime = searching().runtime
    for preset, reached in (("paper", 7 * 2.5 / 20), ("ours", 1.0)):
        config = configured(SearchConfig, "search", "digits", {**TINY, "training.steps": 7}, preset=preset)
        attack = OneShot(config, load_data(config.data, 0), runtime).attack
        noises = real_noises(Linear(), images, labels, (0.03, 0.09), attack, runtime)
        expected = reached * torch.tensor([0.03, 0.09])[None, :, None, None, None].expand_as(noises)
        torch.testing.assert_close(noises.abs(), expected, atol=1e-6, rtol=0)


def test_adversarial_training_and_training_alone_take_the_same_steps(monkeypatch):
    seen = []
    real = one_shot.train_epoch

    def watched(network, optimizer, loss, *rest, **more):
        seen.append(loss)
        return real(network, optimizer, loss, *rest, **more)

    monkeypatch.setattr(one_shot, "train_epoch", watched)
    evaluator = searching()
    evaluator.warm_up(evaluator.space.architecture(evaluator.space.sample(stream(0, "steps"))))
    assert [(loss.eps, loss.steps, loss.step_size) for loss in seen] == [(0.03, 2, 0.03 * 2.5 / 20)]
    alone = training_settings(evaluator.config).loss.settings
    assert (alone["eps"], alone["steps"], alone["step_size"]) == (0.03, 2, 0.03 * 2.5 / 20)


def test_every_iteration_pushes_b_batches_of_printed_examples_into_the_queue():
    """Two batches of 32 into a queue of 50: the latest 50 of 64 entries, one ε̂ a batch, known strengths alike."""
    evaluator = searching(memory=50, batches=2, largest=0.2)
    network = evaluator.supernet.at(evaluator.space.choice(evaluator.space.sample(stream(0, "memory"))))
    for _ in range(2):
        evaluator.train_noise_estimator(network)
        ((_, known_noise, known, wanted, noise),) = evaluator.noise_memory.batches(64, stream(0, "held"))
        assert len(known) == 50
        assert torch.equal(known, torch.tensor([0.03, 0.06, 0.09]).expand(50, -1))
        assert ((wanted > 0) & (wanted <= 0.2)).all()
        counts = sorted(int(count) for count in wanted.unique(return_counts=True)[1])
        assert counts == [18, 32]
        assert (noise.abs().amax(dim=(1, 2, 3, 4)) <= wanted[:, 0] + 1e-6).all()
        assert (known_noise.abs().amax(dim=(2, 3, 4)) <= known + 1e-6).all()
        assert evaluator.record["noise_estimator_loss"] > 0
        evaluator.trained += 1
    assert evaluator.spent["attacks for the noise estimator"] == 2 * 64 * (4 * 2 - 3) * 2, (
        "the four strengths share the first gradient of an attack from the clean image"
    )


def test_leaving_one_out_attacks_no_more_than_the_queue_holds():
    evaluator = searching(memory=50, batches=2, examples="leave-one-out")
    network = evaluator.supernet.at(evaluator.space.choice(evaluator.space.sample(stream(0, "memory"))))
    evaluator.train_noise_estimator(network)
    assert evaluator.spent["attacks for the noise estimator"] == 32 * (4 * 2 - 3) * 2, "one batch makes 128 entries"
