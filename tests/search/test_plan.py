"""What `--dry-run` foresees is what a search is charged for."""

import pytest

from wsrnas.data import DataConfig, load_data
from wsrnas.rng import stream
from wsrnas.runtime import Runtime
from wsrnas.search.config import ChooseConfig, LossConfig, NoiseConfig, SearchConfig, SpaceConfig, WeightsConfig
from wsrnas.search.evaluators.one_shot import OneShot
from wsrnas.search.plan import phases
from wsrnas.search.spectrum import SpectrumConfig


@pytest.mark.parametrize("refine", [0, 2])
def test_the_passes_on_validation_data_are_those_charged(refine):
    config = SearchConfig(
        data=DataConfig(name="digits", train_limit=64, valid_limit=48, test_limit=40),
        space=SpaceConfig(name="nb201", channels=2, layers=3),
        spectrum=SpectrumConfig(strengths=[0.1, 0.2, 0.3]),
        weights=WeightsConfig(steps=2, batch_size=32),
        noise=NoiseConfig(refine=refine, fidelity_every=2, fidelity_images=20),
        loss=LossConfig(images=40, batch_size=16),
        choose=ChooseConfig(population=2, iterations=3, refresh=1),
    )
    data = load_data(config.data, 0)
    foreseen = {phase.name: phase.passes for phase in phases(config, data)}
    evaluator = OneShot(config, data, Runtime(config.runtime))
    network = evaluator.supernet.at(evaluator.space.choice(evaluator.space.sample(stream(0, "plan"))))
    evaluator.losses(network)
    labels = config.choose.population + config.choose.iterations * (1 + config.choose.refresh)
    assert foreseen["attacks and losses on D_v"] == labels * evaluator.cost
    evaluator.cost, evaluator.trained = 0, 2
    evaluator.check_fidelity(network)
    assert foreseen["fidelity checks"] == 2 * evaluator.cost, "after trainings 4 and 6; the first two only warm up"
