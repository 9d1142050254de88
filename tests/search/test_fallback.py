"""A noise estimator that does nothing is found out during the search, and real attacks take its place."""

import pytest

from wsrnas.data import DataConfig, load_data
from wsrnas.estimators.noise import NoiseEstimator
from wsrnas.rng import stream
from wsrnas.runtime import Runtime
from wsrnas.search.config import MeasureConfig, NoiseEstimatorConfig, SearchConfig, SpaceConfig, TrainingConfig
from wsrnas.search.evaluators.one_shot import OneShot
from wsrnas.search.spectrum import SpectrumConfig

STRENGTHS = [0.1, 0.2, 0.3]


class NoNoise(NoiseEstimator):
    """Estimates zero everywhere."""

    def estimate(self, images, known_noise, known_strengths, wanted_strengths):
        return images.new_zeros(len(images), wanted_strengths.shape[1], *images.shape[1:])


def searching(refine: int, bound: float = 0.9) -> OneShot:
    config = SearchConfig(
        data=DataConfig(name="digits", train_limit=256, valid_limit=64, test_limit=40),
        space=SpaceConfig(name="nb201", channels=4, layers=3),
        spectrum=SpectrumConfig(strengths=list(STRENGTHS), attacked=1, attacked_at="middle"),
        training=TrainingConfig(strength=0.05, steps=2, batch_size=32),
        noise_estimator=NoiseEstimatorConfig(
            refine=refine, refine_step=0.5, fidelity_every=1, fidelity_images=64, fidelity_bound=bound
        ),
        measure=MeasureConfig(images=64, batch_size=32),
    )
    return OneShot(config, load_data(config.data, 0), Runtime(config.runtime))


@pytest.fixture(scope="module")
def trained():
    """A super-network with something to lose, and one architecture of it."""
    evaluator = searching(refine=0)
    architecture = evaluator.space.architecture(evaluator.space.sample(stream(1, "fallback")))
    for _ in range(3):
        evaluator.warm_up(architecture)
    return evaluator.state_dict(), architecture


def test_a_useless_estimate_falls_back_and_losses_are_those_of_real_attacks(trained):
    state, architecture = trained
    evaluator, network = searching(refine=0), None
    evaluator.load_state_dict(state)
    evaluator.noise_estimator = NoNoise()
    network = evaluator.supernet.at(architecture.choice)
    assert evaluator.spectrum.attacked == (0.2,)
    before = evaluator.losses(network)
    assert before[1] == pytest.approx(float(before[0])), "no noise, no harm: the search would see a rosy loss"
    evaluator.check_fidelity(network)
    assert evaluator.record["fidelity"] == {"0.1": 0.0, "0.3": 0.0}
    assert evaluator.spectrum.attacked == (0.2,)
    resumed = searching(refine=0)
    resumed.load_state_dict(evaluator.state_dict())
    resumed.noise_estimator = NoNoise()
    with pytest.warns(
        RuntimeWarning, match=r"noise estimate at strength 0\.\d recovers 0% .* attacked for real"
    ) as found:
        resumed.check_fidelity(resumed.supernet.at(architecture.choice))
    assert len(found) == 2
    assert resumed.spectrum.attacked == (0.1, 0.2, 0.3)
    cost = resumed.cost
    after = resumed.losses(resumed.supernet.at(architecture.choice))
    assert after[1] > before[1]
    assert after[3] > before[3]
    assert resumed.cost - cost == 64 * ((3 * 2 - 2) * 2 + 4), "three attacks of two steps with one first gradient"
    resumed.check_fidelity(resumed.supernet.at(architecture.choice))
    assert len(resumed.record["warnings"]) == 2, "nothing is left to compare"


def test_a_bound_of_zero_never_falls_back(trained):
    state, architecture = trained
    evaluator = searching(refine=0, bound=0.0)
    evaluator.load_state_dict(state)
    evaluator.noise_estimator = NoNoise()
    for _ in range(3):
        evaluator.check_fidelity(evaluator.supernet.at(architecture.choice))
    assert evaluator.spectrum.attacked == (0.2,)


def test_refining_steps_mend_what_the_estimator_lacks(trained):
    state, architecture = trained
    shares, costs = [], []
    for refine in (0, 1, 3):
        evaluator = searching(refine=refine)
        evaluator.load_state_dict(state)
        evaluator.noise_estimator = NoNoise()
        network = evaluator.supernet.at(architecture.choice)
        evaluator.check_fidelity(network)
        shares.append(evaluator.record["fidelity"]["0.3"])
        cost = evaluator.cost
        evaluator.losses(network)
        costs.append(evaluator.cost - cost)
    assert shares[0] < shares[1] <= shares[2]
    assert costs == [64 * (4 + 4 + 2 * 2 * refine) for refine in (0, 1, 3)]
