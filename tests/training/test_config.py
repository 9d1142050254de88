"""Training settings: what recipes may write, and what they are told when it is wrong."""

from dataclasses import asdict

import pytest
import yaml

from wsrnas.data import DataConfig
from wsrnas.errors import InputError
from wsrnas.models.network import SizeConfig
from wsrnas.training.choices import LossConfig, ScheduleConfig
from wsrnas.training.config import OptimizerConfig, SelectionConfig, TrainConfig
from wsrnas.training.losses import TRADES, FastAT, MultiStrength, PGDTraining, Standard
from wsrnas.training.schedules import Cosine, Step


@pytest.mark.parametrize(
    ("config", "loss"),
    [
        (LossConfig(name="standard"), Standard()),
        (LossConfig(eps="8/255"), PGDTraining(eps=8 / 255)),
        (LossConfig(eps=0.031, steps=7, random_start=False, attack_mode="train"),
         PGDTraining(eps=0.031, steps=7, random_start=False, attack_mode="train")),
        (LossConfig(name="trades", eps="8/255", beta=1.0, step_size="2/255"),
         TRADES(eps=8 / 255, beta=1.0, step_size=2 / 255)),
        (LossConfig(name="fast", eps="4/255", step_ratio=1.0), FastAT(eps=4 / 255, step_ratio=1.0)),
        (LossConfig(name="multi", strengths=[0.03, "15.3/255"]), MultiStrength(strengths=(0.03, 15.3 / 255))),
        (LossConfig(name="multi", strengths="0.03,0.06"), MultiStrength(strengths=(0.03, 0.06))),
    ],
)  # fmt: skip
def test_losses_by_name(config, loss):
    assert config.build() == loss


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: TrainConfig(loss=LossConfig(name="pdg", eps=0.1)), r"loss.name: .* got pdg; did you mean 'pgd'\?"),
        (lambda: TrainConfig(loss=LossConfig(eps=8.0)), r"loss.eps: .* got 8; did you mean 8/255\?"),
        (lambda: TrainConfig(loss=LossConfig()), "loss.eps: expected a value, which 'pgd' needs, got none"),
        (lambda: TrainConfig(loss=LossConfig(eps=0.1, beta=1.0)), r"loss.beta: expected a setting of 'pgd' \(eps"),
        (lambda: TrainConfig(loss=LossConfig(name="multi", strengths="0.06,0.03")), "write 0.03,0.06"),
        (lambda: TrainConfig(loss=LossConfig(eps=0.1, step_size=0.0)), "loss.step_size: expected a radius > 0"),
        (lambda: TrainConfig(schedule=ScheduleConfig(name="step")), "schedule.milestones: expected a value"),
        (lambda: TrainConfig(schedule=ScheduleConfig(peak=0.3)), "schedule.peak: expected a setting of 'cosine'"),
        (lambda: TrainConfig(loss=LossConfig(name="standard")), "selection.by: expected 'clean' for the loss"),
        (lambda: TrainConfig(epochs=0), "epochs: expected at least 1, got 0"),
        (lambda: TrainConfig(ema=1.0), "ema: expected a decay"),
        (lambda: TrainConfig(data=DataConfig(valid_fraction=0.0)), "data.valid_fraction: expected held-out images"),
        (lambda: OptimizerConfig(lr=0.0), "optimizer.lr"),
        (lambda: OptimizerConfig(weight_decay=-1.0), "optimizer.weight_decay"),
        (lambda: OptimizerConfig(nesterov=True, momentum=0.0), "optimizer.nesterov"),
        (lambda: OptimizerConfig(clip=0.0), "optimizer.clip"),
        (lambda: SelectionConfig(every=0), "selection.every"),
        (lambda: SelectionConfig(by="test"), "selection.by: expected 'robust', 'clean' or 'last', got test"),
        (lambda: SizeConfig(layers=0), "network.layers"),
        (lambda: TrainConfig(selection=SelectionConfig(eps="8")), r"selection.eps: .* did you mean 8/255\?"),
    ],
)  # fmt: skip
def test_bad_settings_are_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()


def test_held_out_strength_follows_the_loss():
    assert TrainConfig().selection_strength() == 8 / 255
    assert TrainConfig(loss=LossConfig(name="multi", strengths="0.03,0.06")).selection_strength() == 0.06
    clean = SelectionConfig(by="clean")
    assert TrainConfig(loss=LossConfig(name="standard"), selection=clean).selection_strength() is None
    assert TrainConfig(selection=SelectionConfig(eps="4/255")).selection_strength() == 4 / 255


def test_the_papers_retraining_can_be_written_down():
    config = TrainConfig(
        network=SizeConfig(channels=45, layers=20),
        loss=LossConfig(name="pgd", eps=0.031, steps=7),
        schedule=ScheduleConfig(name="step", milestones=[99, 149]),
        epochs=176,
        batch_size=400,
    )
    assert config.schedule.build() == Step(milestones=(99, 149))
    assert TrainConfig().schedule.build() == Cosine()
    assert yaml.safe_load(yaml.safe_dump(asdict(config))) == asdict(config)
