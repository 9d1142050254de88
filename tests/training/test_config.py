"""Training settings: what recipes may write, and what they are told when it is wrong."""

from dataclasses import asdict

import pytest
import yaml

from wsrnas.data import DataConfig
from wsrnas.errors import InputError
from wsrnas.models.network import SizeConfig
from wsrnas.parts import PartConfig
from wsrnas.training.config import OptimizerConfig, SelectionConfig, TrainConfig
from wsrnas.training.losses import TRADES, FastAT, FreeAT, MultiStrength, PGDTraining, Standard
from wsrnas.training.perturbation import PerturbationConfig
from wsrnas.training.schedules import Constant, Cosine, Cyclic, Step


def with_loss(name, **settings):
    return TrainConfig(loss=PartConfig(name=name, settings=settings))


def with_schedule(name, **settings):
    return TrainConfig(schedule=PartConfig(name=name, settings=settings))


@pytest.mark.parametrize(
    ("config", "loss"),
    [
        (with_loss("standard"), Standard()),
        (with_loss("pgd", eps="8/255"), PGDTraining(eps=8 / 255)),
        (with_loss("pgd", eps=0.031, steps=7, random_start=False, attack_mode="train"),
         PGDTraining(eps=0.031, steps=7, random_start=False, attack_mode="train")),
        (with_loss("trades", eps="8/255", beta=1.0, step_size="2/255"),
         TRADES(eps=8 / 255, beta=1.0, step_size=2 / 255)),
        (with_loss("fast", eps="4/255", step_ratio=1, label_smoothing=0.1),
         FastAT(eps=4 / 255, step_ratio=1.0, label_smoothing=0.1)),
        (with_loss("free", eps="4/255", replays=4), FreeAT(eps=4 / 255, replays=4)),
        (with_loss("multi", strengths=[0.03, "15.3/255"]), MultiStrength(strengths=(0.03, 15.3 / 255))),
        (with_loss("multi", strengths="0.03,0.06"), MultiStrength(strengths=(0.03, 0.06))),
        (with_loss("multi"), MultiStrength(strengths=(0.03, 0.045, 0.06, 0.075, 0.09, 0.105))),
    ],
)  # fmt: skip
def test_losses_by_name(config, loss):
    assert config.build_loss() == loss


@pytest.mark.parametrize(
    ("config", "schedule"),
    [
        (with_schedule("constant"), Constant()),
        (with_schedule("step", milestones=[99, 149]), Step(milestones=(99, 149))),
        (with_schedule("step", milestones="99, 149"), Step(milestones=(99, 149))),
        (with_schedule("step", milestones=99), Step(milestones=(99,))),
        (with_schedule("cosine", warmup=2), Cosine(warmup=2.0)),
        (with_schedule("cyclic", peak="1/2"), Cyclic(peak=0.5)),
    ],
)
def test_schedules_by_name(config, schedule):
    assert config.build_schedule() == schedule


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: with_loss("pdg", eps=0.1), r"loss.name: .* got 'pdg'; did you mean 'pgd'\?"),
        (lambda: with_loss("pgd", eps=8.0), r"loss.settings.eps: .* got 8; did you mean 8/255\?"),
        (lambda: with_loss("pgd", eps=0.1, beta=1.0), r"loss.settings.beta: expected a setting of 'pgd' \(eps"),
        (lambda: with_loss("multi", strengths="0.06,0.03"), "write 0.03,0.06"),
        (lambda: with_loss("pgd", eps=0.1, step_size=0.0), "loss.settings.step_size: expected a radius > 0"),
        (lambda: with_loss("pgd", eps="x"), "loss.settings.eps: expected a radius such as 8/255"),
        (lambda: with_loss("pgd", eps=[0.1]), r"loss.settings.eps: expected a number, got \[0.1\]"),
        (lambda: with_loss("pgd", attack_mode="both"), "loss.settings.attack_mode: expected one of eval, train"),
        (lambda: with_schedule("step", milestones=[]), "schedule.settings.milestones: expected epoch numbers >= 1"),
        (lambda: with_schedule("step", milestones="a,b"), "schedule.settings.milestones: expected a whole number"),
        (lambda: with_schedule("cosine", peak=0.3), "schedule.settings.peak: expected a setting of 'cosine'"),
        (lambda: with_schedule("cosin"), "schedule.name: .* did you mean 'cosine'"),
        (lambda: TrainConfig(loss=PartConfig(name="standard"), selection=SelectionConfig(by="robust")),
         "selection.by: expected 'clean' for the loss 'standard', got 'robust'; or set selection.eps"),
        (lambda: TrainConfig(epochs=0), "epochs: expected at least 1, got 0"),
        (lambda: TrainConfig(ema=1.0), "ema: expected a decay"),
        (lambda: TrainConfig(activation="gelu"), "activation: expected one of relu, silu, got gelu"),
        (lambda: TrainConfig(strengths="0.2,0.1"), "strengths: .* write 0.1,0.2"),
        (lambda: TrainConfig(data=DataConfig(valid_fraction=0.0)), "data.valid_fraction: expected held-out images"),
        (lambda: TrainConfig(loss=PartConfig(name="free"), awp=PerturbationConfig(gamma=0.01)),
         "awp.gamma: expected a loss that makes its adversarial images apart, got 'free'"),
        (lambda: PerturbationConfig(gamma=0.0), "awp.gamma: expected a ratio > 0"),
        (lambda: PerturbationConfig(start=-1), "awp.start: expected epochs >= 0"),
        (lambda: TrainConfig(bands="0.03"), "bands: expected at least two bands"),
        (lambda: TrainConfig(bands="0.03,0.06; 0.05"), "bands: expected bands that do not overlap"),
        (lambda: TrainConfig(bands="0.03,0.06; 0.09"), "bands: expected one strength a band for the loss 'pgd'"),
        (lambda: TrainConfig(bands="0.03; 0.09", loss=PartConfig(name="standard")),
         "bands: expected a loss with strengths .multi. or eps, got 'standard'"),
        (lambda: OptimizerConfig(lr=0.0), "optimizer.lr"),
        (lambda: OptimizerConfig(weight_decay=-1.0), "optimizer.weight_decay"),
        (lambda: OptimizerConfig(nesterov=True, momentum=0.0), "optimizer.nesterov"),
        (lambda: OptimizerConfig(clip=0.0), "optimizer.clip"),
        (lambda: SelectionConfig(every=0), "selection.every"),
        (lambda: SelectionConfig(by="test"), "selection.by: expected one of auto, robust, clean, last, got test"),
        (lambda: SizeConfig(layers=0), "network.layers"),
        (lambda: TrainConfig(selection=SelectionConfig(eps="8")), r"selection.eps: .* did you mean 8/255\?"),
    ],
)  # fmt: skip
def test_bad_settings_are_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()


def test_held_out_strength_follows_the_loss():
    assert TrainConfig().selection_strength() == 8 / 255
    assert with_loss("multi", strengths="0.03,0.06").selection_strength() == 0.06
    assert with_loss("standard").selection_strength() is None
    assert TrainConfig(bands="0.03; 0.07").selection_strength() == 0.07
    assert TrainConfig(selection=SelectionConfig(eps="4/255")).selection_strength() == 4 / 255


def test_auto_selects_by_what_there_is():
    assert TrainConfig().selected_by() == "robust"
    assert with_loss("standard").selected_by() == "clean"
    noisy = TrainConfig(loss=PartConfig(name="standard"), selection=SelectionConfig(eps="4/255"))
    assert noisy.selected_by() == "robust"
    assert TrainConfig(selection=SelectionConfig(by="last")).selected_by() == "last"


@pytest.mark.parametrize("bands", ["0.03,0.045; 0.06", [[0.03, 0.045], [0.06]], [["0.03", "0.045"], "0.06"]])
def test_bands_give_each_network_its_own_strengths(bands):
    config = TrainConfig(loss=PartConfig(name="multi", settings={"steps": 2}), bands=bands)
    assert config.strength_bands() == ((0.03, 0.045), (0.06,))
    first, second = config.losses()
    assert first == MultiStrength(strengths=(0.03, 0.045), steps=2)
    assert second == MultiStrength(strengths=(0.06,), steps=2)
    assert TrainConfig(bands="2/255; 8/255").losses() == [PGDTraining(eps=2 / 255), PGDTraining(eps=8 / 255)]


def test_the_papers_retraining_can_be_written_down():
    config = TrainConfig(
        network=SizeConfig(channels=45, layers=20),
        loss=PartConfig(name="pgd", settings={"eps": 0.031, "steps": 7}),
        schedule=PartConfig(name="step", settings={"milestones": [99, 149]}),
        epochs=176,
        batch_size=400,
    )
    assert config.build_schedule() == Step(milestones=(99, 149))
    assert TrainConfig().build_schedule() == Cosine()
    assert yaml.safe_load(yaml.safe_dump(asdict(config))) == asdict(config)
