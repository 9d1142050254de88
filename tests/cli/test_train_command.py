"""`wsrnas train`: recipes by name, parts with settings of their own, old names, suggestions, and going on."""

import json
import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
import yaml

from wsrnas import parts, recipes
from wsrnas.cli import main
from wsrnas.cli.settings import Parser, parse_config
from wsrnas.errors import InputError
from wsrnas.training.config import TrainConfig
from wsrnas.training.losses import LOSSES, TRADES, FastAT, FreeAT, MultiStrength, PGDTraining, Standard
from wsrnas.training.said import notes
from wsrnas.training.schedules import SCHEDULES, Cosine, Cyclic, Step

SIX = (0.03, 0.045, 0.06, 0.075, 0.09, 0.105)
TINY = ["--data.train_limit=40", "--data.valid_limit=20", "--network.channels=2", "--network.layers=3", "--epochs=1",
        "--batch_size=20", "--selection.steps=1"]  # fmt: skip
MINE = """
from dataclasses import dataclass
from typing import ClassVar
from wsrnas.training.losses import Standard, TrainingLoss

@dataclass(frozen=True, kw_only=True)
class Mine(TrainingLoss):
    name: ClassVar[str] = "mine"
    mysetting: float = 1.0
    passes = 2

    def __call__(self, model, images, labels, generator):
        loss, logits = Standard()(model, images, labels, generator)
        return self.mysetting * loss, logits
"""


def parsed(*arguments):
    parser = Parser(prog="wsrnas train")
    parser.add_argument("--out", default=None)
    known = {"loss": LOSSES, "schedule": SCHEDULES}
    return parse_config(TrainConfig, "train", parser, arguments, default="pgd-digits", parts=known, aside=("trains",))[
        0
    ]


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """A package of a user's own in the current folder."""
    (tmp_path / "users_losses").mkdir()
    (tmp_path / "users_losses" / "__init__.py").touch()
    (tmp_path / "users_losses" / "mine.py").write_text(MINE)
    monkeypatch.chdir(tmp_path)
    yield "users_losses.mine:Mine"
    for name in [name for name in sys.modules if name.startswith("users_losses")]:
        del sys.modules[name]


@pytest.mark.parametrize(
    ("recipe", "loss", "schedule", "batch", "decay", "epochs"),
    [
        ("standard", Standard(), Cosine(), 128, 5e-4, 200),
        ("pgd7", PGDTraining(eps=0.031), Step(milestones=(99, 149)), 400, 5e-4, 200),
        ("trades1", TRADES(eps=0.031, beta=1.0, steps=7, step_size=0.01), Step(milestones=(99, 149)), 400, 5e-4, 200),
        ("multi-adv", MultiStrength(strengths=SIX), Step(milestones=(99, 149)), 64, 5e-4, 200),
        ("wsrnet-robust", PGDTraining(eps=0.031), Step(milestones=(99, 149)), 64, 1e-4, 200),
        ("fast-at-imagenet", FastAT(eps=0.0156, step_ratio=1.0, label_smoothing=0.1), Cyclic(peak=0.5), 256, 2e-4, 51),
        ("free-at", FreeAT(eps=8 / 255, replays=8), Step(), 128, 2e-4, 26),
        ("pgd7-strong", PGDTraining(eps=8 / 255), Cosine(), 128, 5e-4, 200),
        ("trades-strong", TRADES(eps=8 / 255), Cosine(), 128, 5e-4, 200),
    ],
)
def test_every_training_of_the_paper_by_name(recipe, loss, schedule, batch, decay, epochs):
    config = parsed("--recipe", recipe)
    assert config.losses() == [loss]
    assert config.build_schedule() == schedule
    assert (config.batch_size, config.optimizer.weight_decay, config.epochs) == (batch, decay, epochs)
    assert config.recipe == recipe


def test_the_other_settings_of_those_trainings():
    assert parsed("--recipe", "mat").strength_bands() == ((0.03, 0.045), (0.06, 0.075), (0.09, 0.105))
    assert parsed("--recipe", "mat").losses() == [
        MultiStrength(strengths=band) for band in ((0.03, 0.045), (0.06, 0.075), (0.09, 0.105))
    ]
    imagenet = parsed("--recipe", "fast-at-imagenet")
    assert imagenet.spectrum() == (0.015, 0.03, 0.045, 0.06, 0.075, 0.09)
    assert (imagenet.data.name, imagenet.data.size, imagenet.network.channels) == ("imagenet", 224, 74)
    for name in recipes.names("train"):
        config = parsed("--recipe", name, *(["--data.root", "pictures"] if name == "photos" else []))
        strong = name.endswith("-strong")
        assert (config.awp.gamma is not None, config.ema is not None, config.activation == "silu") == (strong,) * 3
        assert config.spectrum()
        assert not notes(config) or name in ("standard", "standard-digits")
    for old in ("pgd-digits", "pgd7-cifar10", "pgd7-cifar10-small", "trades-cifar10", "trades-digits"):
        assert old in recipes.names("train")


def test_a_setting_of_a_loss_on_the_command_line():
    assert parsed("--recipe", "trades-digits", "--loss.settings.beta", "3").build_loss() == TRADES(
        eps=0.1, steps=5, beta=3.0
    )
    assert parsed("--loss.settings.eps=8/255").build_loss() == PGDTraining(eps=8 / 255, steps=5)
    assert parsed("--loss.settings", "{eps: 4/255}").build_loss() == PGDTraining(eps=4 / 255, steps=5)
    assert parsed("--loss", "{name: trades, settings: {beta: 2}}").build_loss() == TRADES(beta=2.0)
    assert parsed("--schedule.name=step", "--schedule.settings.milestones=2,4").build_schedule() == Step(
        milestones=(2, 4)
    )
    assert parsed("--loss.name=multi", "--loss.settings.strengths=2/255,8/255").build_loss() == MultiStrength(
        strengths=(2 / 255, 8 / 255)
    )


@pytest.mark.parametrize("recipe", ["pgd-digits", "trades-digits", "multi-adv", "free-at", "standard"])
@pytest.mark.parametrize("name", LOSSES.names())
def test_another_loss_than_the_recipes_has_its_own_defaults(recipe, name, capsys):
    before, config = parsed("--recipe", recipe), parsed("--recipe", recipe, "--loss.name", name)
    if name == before.loss.name:
        assert config == before
    else:
        assert config.build_loss() == LOSSES.kind(name, argument="loss")()
        dropped = capsys.readouterr().err
        assert ("whose settings are left out" in dropped) == bool(before.loss.settings)
        lost = [key for key, value in before.loss.settings.items() if config.loss.settings.get(key) != value]
        assert all(f"{key} " in dropped for key in lost)
    with_option = parsed("--loss", f"{{name: {name}}}", "--recipe", recipe)
    assert with_option.build_loss() == config.build_loss()


@pytest.mark.parametrize("name", SCHEDULES.names())
def test_another_schedule_than_the_recipes_has_its_own_defaults(name):
    for recipe in ("pgd7", "fast-at-imagenet"):
        config = parsed("--recipe", recipe, f"--schedule.name={name}")
        if name != parsed("--recipe", recipe).schedule.name:
            assert config.build_schedule() == SCHEDULES.kind(name, argument="schedule")()


def test_a_recipe_over_another_keeps_what_it_does_not_say(tmp_path):
    (tmp_path / "first.yaml").write_text("base: trades-digits\nloss: {settings: {beta: 2}}\nepochs: 3\n")
    (tmp_path / "second.yaml").write_text("base: first.yaml\nloss: {name: standard}\nseed: 4\n")
    first, second = (parsed("--recipe", str(tmp_path / f"{name}.yaml")) for name in ("first", "second"))
    assert first.build_loss() == TRADES(eps=0.1, steps=5, beta=2.0)
    assert second.build_loss() == Standard()
    assert (second.epochs, second.seed, second.batch_size) == (3, 4, 64)
    assert recipes.own_settings("train", str(tmp_path / "second.yaml")) == {
        "loss": {"settings": {}, "name": "standard"}, "epochs": 3, "seed": 4,
    }  # fmt: skip
    assert recipes.own_settings("train", "pgd7") == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("base: nothing-there\n", "--recipe: expected a recipe or a .yaml file, got nothing-there"),
        ("base: mine.yaml\n", "--recipe: expected bases that end, got .*mine.yaml → .*mine.yaml; let one of them"),
        ("base: [pgd7]\n", "expected the name of one other recipe as its base"),
        ("loss: {name: 3}\n", "loss.name: expected text, got 3"),
        ("loss: {settings: [1]}\n", "loss.settings: expected a mapping, got"),
        ("epochs: many\n", r"--recipe .*mine.yaml, epochs: expected a whole number, got many"),
        ("data: {root: 3}\n", "data.root: expected text or null, got 3"),
        ("3: x\n", "expected names of settings, got 3"),
        ("loss: {name: pgd, eps: 8/255}\n",
         r"expected the setting loss.settings.eps, got its old name loss.eps; write loss: {settings: {eps: 8/255}}$"),
        ("schedule: {name: step, milestones: [9]}\n", r"write schedule: {settings: {milestones: \[9\]}}$"),
        ("loss: {name: standard, eps: null}\n", "got its old name loss.eps; leave it out"),
        ("loss: {name: 'users_losses.mine:Mine'}\n",
         "expected loss.name that imports nothing, got users_losses.mine:Mine; if you trust that module"),
    ],
)  # fmt: skip
def test_a_recipe_that_cannot_be_meant_is_refused(text, message, tmp_path, mine):
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        parsed("--recipe", str(path))
    assert "users_losses" not in sys.modules


def test_a_recipe_in_another_encoding_is_refused(tmp_path):
    (tmp_path / "mine.yaml").write_bytes("recipe: größer".encode("latin-1"))
    with pytest.raises(InputError, match="cannot be read as UTF-8 text"):
        parsed("--recipe", str(tmp_path / "mine.yaml"))
    (tmp_path / "mine.yaml").write_bytes(b"\xef\xbb\xbfepochs: 3\n")
    assert parsed("--recipe", str(tmp_path / "mine.yaml")).epochs == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--loss.eps", "8/255"],
         "--loss.eps: expected the option --loss.settings.eps, got its old name; write --loss.settings.eps 8/255"),
        (["--loss.eps=8/255"], "write --loss.settings.eps 8/255"),
        (["--schedule.milestones=[9]"], "expected the option --schedule.settings.milestones, got its old name"),
        (["--loss", "{eps: 8/255}"], "--loss: expected the setting loss.settings.eps, got its old name loss.eps"),
        (["--loss.name=trade"], "loss.name: expected a known name (standard, pgd, trades, fast, free, multi), got"),
        (["--loss.settings.bta=6"], "loss.settings.bta: expected a setting of 'pgd'"),
        (["--loss.settings.eps=8"], "loss.settings.eps: expected an L-infinity radius in [0,1], got 8; did you"),
        (["--loss.settings=3"], "--loss.settings: expected a mapping, got 3"),
        (["--epochs=x"], "--epochs: expected a whole number, got x"),
        (["--ema=x"], "--ema: expected a number or null, got x"),
        (["--optimizer.nesterov=2"], "--optimizer.nesterov: expected true or false, got 2"),
        (["--epochs"], "--epochs: expected a value, got nothing"),
        (["--recipe"], "--recipe: expected a value, got nothing"),
    ],
)  # fmt: skip
def test_errors_name_the_option_that_was_given(arguments, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["train", "--arch=wsrnet-basic", "--out=run", *arguments]) == 2
    shown = capsys.readouterr().err
    assert message in shown
    assert shown.startswith("error: ")
    assert shown.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("--epoch", "--epochs"),
        ("--EPOCHS", "--epochs"),
        ("--batch-size", "--batch_size"),
        ("--batch", "--batch_size"),
        ("--batchsize", "--batch_size"),
        ("--lr", "--optimizer.lr"),
        ("--learning-rate", "--optimizer.lr"),
        ("--weight-decay", "--optimizer.weight_decay"),
        ("--eps", "--selection.eps' or '--loss.settings.eps"),
        ("--beta", "--loss.settings.beta"),
        ("--loss.setings.eps", "--loss.settings.eps"),
        ("--milestones", "--schedule.settings.milestones"),
        ("--channels", "--data.channels' or '--network.channels"),
        ("--network.chanels", "--network.channels"),
        ("--root", "--data.root"),
        ("--data.rot", "--data.root"),
        ("--train_limit", "--data.train_limit"),
        ("--arc", "--arch"),
        ("--device", "--runtime.device"),
        ("--strength", "--strengths"),
        ("--sed", "--seed"),
        ("--gamma", "--awp.gamma"),
        ("--output", "--out"),
    ],
)
def test_the_option_that_was_meant_is_suggested(given, meant, capsys):
    assert main(["train", "--arch=wsrnet-basic", "--out=never", given, "1"]) == 2
    assert f"{given}: no such option of wsrnas train; did you mean '{meant}'?" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--arch=wsrnet-basic"], "--out: expected a run folder, got nothing; name one such as --out runs/b"),
        (["--out=never"], "--arch: expected an architecture, got nothing; give a zoo name"),
    ],
)
def test_what_is_missing_is_asked_for(arguments, message, capsys):
    assert main(["train", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_help_lists_the_settings_of_every_loss(capsys):
    with pytest.raises(SystemExit):
        main(["train", "--help-all"])
    shown = " ".join(capsys.readouterr().out.split())
    assert "loss.name trades: loss.settings.{eps, beta, steps, step_size, attack_mode}" in shown
    assert "schedule.name step: schedule.settings.{milestones, decay}" in shown


def test_a_loss_of_ones_own_with_a_setting_of_its_own(mine, tmp_path, capsys):
    command = ["train", "--arch=wsrnet-basic", *TINY, f"--loss.name={mine}", "--loss.settings.mysetting", "3"]
    assert main([*command, f"--out={tmp_path / 'run'}"]) == 0
    assert "training: users_losses.mine:Mine (mysetting 3), without noise" in capsys.readouterr().out
    stored = yaml.safe_load((tmp_path / "run" / "config.yaml").read_text())
    assert stored["loss"] == {"name": mine, "settings": {"mysetting": 3}}
    assert main([*command, f"--out={tmp_path / 'run'}"]) == 0
    assert main([*command, "--loss.settings.mysettin=2", "--out=never"]) == 2
    assert "loss.settings.mysettin: expected a setting of" in (error := capsys.readouterr().err)
    assert "did you mean 'mysetting'?" in error
    assert f"--loss.name {mine}" in (tmp_path / "run" / "report.html").read_text().replace("</span> <span>", " ")


def test_a_loss_that_an_installed_package_announces(mine, monkeypatch):
    announced = EntryPoint(name="mine", value=mine, group="wsrnas.losses")
    monkeypatch.syspath_prepend(str(Path.cwd()))
    monkeypatch.setattr(parts, "entry_points", lambda *, group: [announced] if group == "wsrnas.losses" else [])
    config = parsed("--loss.name=mine", "--loss.settings.mysetting=2")
    assert type(config.build_loss()).__name__ == "Mine"
    assert config.build_loss().mysetting == 2.0


def test_a_run_is_its_own_recipe_and_goes_on(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["train", "--arch=wsrnet-basic", *TINY, "--activation=silu", "--out=run"]) == 0
    first = json.loads(Path("run/result.json").read_text())
    assert main(["train", "--recipe=run/config.yaml", "--out=again"]) == 0
    assert Path("again/model.safetensors").read_bytes() == Path("run/model.safetensors").read_bytes()
    assert main(["train", "--recipe=run/config.yaml", "--epochs=2", "--out=run"]) == 0
    assert json.loads(Path("run/extended.json").read_text())[0]["epochs"] == 2
    assert len(Path("run/metrics.jsonl").read_text().splitlines()) == 2
    assert first["parameters"] == json.loads(Path("run/result.json").read_text())["parameters"]
    shown = capsys.readouterr().out
    assert "report: run/report.html" in shown
    assert "learned nothing" in shown
    page = Path("run/report.html").read_text()
    assert "first meant to end after epoch 1, and then went on: from epoch 2 on" in page
    assert "first meant to end after epoch 1, and then went on: from epoch 2 on" in Path("run/README.md").read_text()


def test_a_whole_ensemble_is_its_own_recipe_too(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    recipe = ["--recipe=mat-digits", "--loss.settings.steps=1", "--bands=0.05; 0.1"]
    assert main(["train", "--arch=wsrnet-basic", *recipe, *TINY, "--out=run"]) == 0
    assert main(["train", "--recipe=run/config.yaml", "--out=again"]) == 0
    assert Path("again/model.safetensors").read_bytes() == Path("run/model.safetensors").read_bytes()


def test_strengths_asked_for_are_compared_with_what_is_trained_at():
    def said(*arguments):
        return " ".join(notes(parsed(*arguments)))

    strong = said("--strengths=2/255,4/255,8/255")
    assert "trained at 0.1, stronger than the strengths asked for (2/255 to 8/255)" in strong
    assert "--loss.settings.eps 8/255 trains at the largest of them" in strong
    weak = said("--strengths=0.2,0.3")
    assert "trained at 0.1, weaker than the strengths asked for (0.2 to 0.3); --loss.settings.eps 0.2" in weak
    assert said("--strengths=0.05,0.1,0.2") == ""
    assert said("--strengths=null") == ""
    assert "trained without noise" in said("--loss.name=standard", "--strengths=8/255")
    assert "--loss.settings.strengths …,8/255" in said("--loss.name=multi", "--strengths=8/255")
    assert "the strength asked for (8/255)" in said("--bands=0.1; 0.2", "--strengths=8/255")
    assert said("--recipe=pgd7", "--epochs=30").startswith("schedule.settings.milestones 99, 149: the training ends")
    assert "awp.start 40" in said("--recipe=pgd-digits-strong", "--awp.start=40")


def test_importing_the_command_needs_no_figures():
    code = "import sys, wsrnas.cli.commands.train; sys.exit('matplotlib' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_spectrum_of_one_strength_may_be_a_number_in_a_recipe(tmp_path):
    (tmp_path / "one.yaml").write_text("base: pgd7\nstrengths: 0.03\n")
    assert parsed("--recipe", str(tmp_path / "one.yaml")).spectrum() == (0.03,)
