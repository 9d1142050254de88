"""Table 5 as the paper describes it: who is attacked when, what is estimated from what."""

import pytest
import torch

from wsrnas.data import DataConfig
from wsrnas.estimators.noise import NoiseEstimator
from wsrnas.studies.noise import turns
from wsrnas.studies.noise.config import StudyConfig
from wsrnas.studies.noise.turns import DESIGNS, NETWORKS, run_turns

TURN = 2
CONFIG = StudyConfig(
    data=DataConfig(name="digits", valid_fraction=0.0, train_limit=40, test_limit=12),
    nodes=1,
    channels=2,
    layers=1,
    epochs=1,
    train_steps=1,
    attack_steps=1,
    batch_size=20,
    phi_batch=2,
    phi_width=2,
)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A study, with the order in which networks were attacked, at how many strengths."""
    attacked, out, real = [], tmp_path_factory.mktemp("turns") / "study", turns._attacked

    def noting(model, images, labels, strengths, config):
        attacked.append((id(model), strengths, len(images)))
        return real(model, images, labels, strengths, config)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(turns, "_attacked", noting)
        patch.setattr(turns, "TURN", TURN)
        result = run_turns(CONFIG, out)
    return result, attacked, out


def test_networks_take_turns_for_one_epoch(made):
    assert turns.TURN == 10
    _, attacked, _ = made
    training = attacked[: 40 // 2]
    assert sum(count for *_, count in training) == 40
    shown = [model for model, *_ in training]
    blocks = [shown[start : start + TURN] for start in range(0, len(shown), TURN)]
    assert all(len(set(block)) == 1 for block in blocks)
    first = [block[0] for block in blocks]
    assert len(set(first[:NETWORKS])) == NETWORKS
    assert first[NETWORKS:] == first[: len(first) - NETWORKS]
    for _, strengths, _ in training:
        assert strengths[:3] == (0.03, 0.06, 0.09)
        assert 0 < strengths[3] <= CONFIG.phi_highest


def test_every_network_is_measured_under_every_estimate(made):
    result, _, _ = made
    for name in ("natural", "robust", *DESIGNS):
        assert len(result[name]) == NETWORKS
        assert all(0 <= value <= 1 for value in result[name])
    assert result["images"] == 12


def test_the_same_study_again_reads_what_it_made(made, monkeypatch):
    result, _, out = made
    monkeypatch.setattr(turns, "_attacked", lambda *_: pytest.fail("attacked again"))
    assert run_turns(CONFIG, out) == result


def test_no_estimator_is_given_the_noise_it_has_to_estimate():
    seen = []

    class Spy(NoiseEstimator):
        estimate = None

        def forward(self, images, noises, known, wanted):
            seen.append((known.tolist(), wanted.tolist()))
            return noises[:, :1]

    data = turns.load_data(CONFIG.data, 0)
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 10))
    turns._measured(0, model, {"WA-ANE": Spy()}, CONFIG, data, turns.Runtime())
    assert len(seen) == 3
    for known, wanted in seen:
        assert len(known) == 3
        assert known == sorted(known)
        assert wanted[0] not in known


def test_a_perfect_estimator_leaves_the_accuracy_of_the_real_attacks():
    class Perfect(NoiseEstimator):
        estimate = None

        def forward(self, images, noises, known, wanted):
            return self.real[float(wanted)][:, None]

    data = turns.load_data(CONFIG.data, 0)
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 10))
    perfect = Perfect()
    real = turns._attacked

    def noting(*given):
        noises = real(*given)
        perfect.real = {float(torch.tensor(s)): noises[:, place] for place, s in enumerate(given[3])}
        return noises

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(turns, "_attacked", noting)
        found = turns._measured(0, model, {"WA-ANE": perfect}, CONFIG, data, turns.Runtime())
    assert found["WA-ANE"] == pytest.approx(found["robust"])
