"""What `--dry-run` foresees is what a search is charged for: every phase of every strategy."""

import pytest

from wsrnas import recipes
from wsrnas.data import DataConfig, load_data
from wsrnas.parts import PartConfig
from wsrnas.runtime import Runtime
from wsrnas.search.base import Budget
from wsrnas.search.build import STRATEGIES, build_strategy
from wsrnas.search.config import (
    FinalistsConfig,
    MeasureConfig,
    NoiseEstimatorConfig,
    SearchConfig,
    SpaceConfig,
    TrainingConfig,
)
from wsrnas.search.costs import FIDELITY, FINALISTS, MEASURING, MIXTURE, NOISE_DATA, TRAINING, VERIFICATION, WARM_UP
from wsrnas.search.evaluators.one_shot import OneShot
from wsrnas.search.plan import plan
from wsrnas.search.spectrum import SpectrumConfig

pytestmark = pytest.mark.usefixtures("timed_for_a_moment")
FAST = {"pvll": {"passes": 3}, "darts": {"steps_per_query": 2}, "naive-gradient": {"steps_per_query": 2}}
PAPER = {**recipes.PRESETS["paper"]["strategy"]["settings"], "loss_estimator_settings": {"passes": 3}}


def config(strategy, settings, **changes):
    values = {
        "data": DataConfig(name="digits", train_limit=70, valid_limit=48, test_limit=40),
        "space": SpaceConfig(name="nb201", channels=2, layers=3),
        "spectrum": SpectrumConfig(strengths=[0.1, 0.2, 0.3]),
        "training": TrainingConfig(steps=2, batch_size=32, strength=0.1),
        "noise_estimator": NoiseEstimatorConfig(fidelity_every=2, fidelity_images=20, fidelity_bound=0.0),
        "measure": MeasureConfig(images=40, batch_size=16),
        "finalists": FinalistsConfig(count=2, epochs=0, attack_steps=2),
        "budget": Budget(population=2, iterations=3),
    }
    return SearchConfig(strategy=PartConfig(name=strategy, settings=settings), **{**values, **changes})


def charged(config):
    """Run the search and measure its finalists again, and return what each phase was charged."""
    evaluator = OneShot(config, load_data(config.data, config.seed), Runtime(config.runtime))
    strategy = build_strategy(config.strategy, evaluator, config.spectrum.objective(), 0, budget=config.budget)
    while strategy.iteration < strategy.total_iterations:
        strategy.step()
    space = evaluator.space
    evaluator.verify([space.architecture(genotype) for genotype in strategy.finalists(config.finalists.count)])
    return evaluator.spent


@pytest.mark.parametrize("name", STRATEGIES.names())
def test_every_strategy_is_charged_what_the_plan_foresees(name):
    one = config(name, FAST.get(name, {}))
    assert charged(one) == plan(one).passes


@pytest.mark.parametrize("refine", [0, 2])
def test_so_is_wsr_nas_with_refreshed_labels_and_refined_estimates(refine):
    noise = NoiseEstimatorConfig(refine=refine, fidelity_every=2, fidelity_images=20, fidelity_bound=0.0)
    one = config("wsr-nas", {"refresh": 1}, noise_estimator=noise)
    found = plan(one).passes
    assert charged(one) == found
    assert set(found) == {WARM_UP, TRAINING, MEASURING, FIDELITY, VERIFICATION}


def test_so_is_the_papers_preset_with_a_learned_noise_estimator():
    noise = NoiseEstimatorConfig(name="a-ane", memory=100, batches=2, fidelity_every=3, fidelity_images=9)
    one = config("wsr-nas", PAPER, noise_estimator=noise, finalists=FinalistsConfig(count=1, epochs=0))
    found = plan(one).passes
    assert NOISE_DATA in found
    assert charged(one) == found


def test_a_plan_names_what_it_counts_and_how_long_it_takes():
    one = config("naive-gradient", {})
    told = plan(one)
    assert MIXTURE in told.passes
    assert told.total == sum(told.passes.values())
    shown = str(told)
    assert "strategy: naive-gradient" in shown
    assert f"{told.total:,}" in shown
    assert FINALISTS not in shown


def test_an_attack_of_seven_steps_costs_fourteen_passes():
    one = config("random", {}, training=TrainingConfig(steps=7, batch_size=32, strength=0.1))
    assert plan(one).passes[WARM_UP] == 2 * 64 * (14 + 2), "two warm-ups on two whole batches of 32"
