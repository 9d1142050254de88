"""The command line: recipes, overrides, errors of one sentence, exit codes."""

import subprocess
import sys
from dataclasses import asdict

import pytest
import yaml

from wsrnas import __version__, recipes
from wsrnas.cli import COMMANDS, main
from wsrnas.cli.settings import Parser, parse_config
from wsrnas.errors import InputError
from wsrnas.search.config import SearchConfig
from wsrnas.training.config import TrainConfig

KINDS = {"search": SearchConfig, "train": TrainConfig}


def parsed(command, *arguments):
    parser = Parser(prog=f"wsrnas {command}")
    parser.add_argument("--out", default=None)
    return parse_config(KINDS[command], command, parser, arguments, default="digits")[0]


@pytest.mark.parametrize("command", ["search", "train"])
def test_every_shipped_recipe_loads_and_survives_a_round_trip(command, tmp_path):
    names = recipes.names(command)
    assert len(names) >= 4
    for name in names:
        root = ["--data.root", "pictures"] if name == "photos" else []
        config = parsed(command, "--recipe", name, *root)
        assert config.recipe == name
        path = tmp_path / f"{name}.yaml"
        path.write_text(yaml.safe_dump(asdict(config)))
        assert parsed(command, "--recipe", str(path)) == config
        assert recipes.describe(command, name)


def test_the_named_recipes_are_there():
    named = {"digits", "digits-paper", "cifar10-small", "wide", "paper-basic", "paper-plus"}
    named |= {f"naive-{count}" for count in (1, 3, 6, 11)}
    assert named <= set(recipes.names("search"))


def test_paper_basic_is_the_papers_setting():
    config = parsed("search", "--recipe", "paper-basic")
    assert config.spectrum.all_strengths() == (0.03, 0.045, 0.06, 0.075, 0.09, 0.105)
    assert config.spectrum.attacked_strengths() == (0.03, 0.06, 0.09)
    objective = config.spectrum.objective()
    assert (objective.clean_weight, objective.robust_weight) == (0.8, 0.2)
    assert objective.strength_weights == pytest.approx([share / 28 for share in (1, 2, 3, 5, 7, 10)])
    assert (config.budget.population, config.budget.iterations) == (100, 100)
    noise, settings = config.noise_estimator, config.strategy.settings
    assert (noise.memory, noise.passes, noise.batches) == (600, 1, 10)
    assert (noise.name, settings["loss_estimator"]) == ("a-ane", "lstm")
    assert (settings["sampling"], settings["method"]) == ("all-edges", "gradient")


@pytest.mark.parametrize("count", [1, 3, 6, 11])
def test_naive_recipes_attack_every_strength(count):
    spectrum = parsed("search", "--recipe", f"naive-{count}").spectrum
    assert len(spectrum.all_strengths()) == count
    assert spectrum.attacked_strengths() == spectrum.all_strengths()


def test_plus_estimates_eight_strengths():
    spectrum = parsed("search", "--recipe", "paper-plus").spectrum
    assert len(spectrum.all_strengths()) - len(spectrum.attacked_strengths()) == 8


def test_the_preset_changes_the_method_and_keeps_the_recipes_sizes():
    ours, paper = parsed("search", "--recipe", "digits"), parsed("search", "--recipe", "digits", "--preset", "paper")
    assert (ours.strategy.settings, paper.strategy.settings["method"]) == ({}, "gradient")
    assert ours.space == paper.space
    assert paper.preset == "paper"


def test_a_mapping_of_settings_adds_to_those_of_the_preset():
    """As it does in Python: who sets the passes of ψ, or a size of φ, has not asked for another form of it."""
    paper = ("search", "--preset=paper")
    psi = parsed(*paper, "--strategy.settings.loss_estimator_settings", '{"passes": 5}').strategy.settings
    assert psi["loss_estimator_settings"] == {"form": "printed", "passes": 5}
    psi = parsed(*paper, "--strategy.settings", '{"loss_estimator_settings": {"passes": 5}}').strategy.settings
    assert psi["loss_estimator_settings"] == {"form": "printed", "passes": 5}
    assert psi["method"] == "gradient"
    noise = parsed(*paper, "--noise_estimator.settings", '{"value_channels": 5}').noise_estimator
    assert noise.settings == {"form": "printed", "value_channels": 5}


@pytest.mark.parametrize("given", [["--strategy.settings", '{"loss_estimator": "ensemble"}'],
                                   ["--strategy.settings.loss_estimator", "ensemble"]])  # fmt: skip
def test_another_loss_estimator_leaves_the_settings_of_the_presets_behind(given):
    settings = parsed("search", "--preset=paper", *given).strategy.settings
    assert settings["loss_estimator"] == "ensemble"
    assert "loss_estimator_settings" not in settings


def test_what_is_left_out_is_said_and_what_stays_is_not(capsys):
    parsed("search", "--preset=paper", "--noise_estimator=e-ane")
    assert capsys.readouterr().err == ""
    parsed("search", "--preset=paper", "--noise_estimator=rescale")
    assert "whose settings are left out: form printed" in capsys.readouterr().err


def test_dotted_options_have_the_last_word():
    config = parsed(
        "search", "--seed=3", "--spectrum.strengths", "8/255,0.1", "--noise_estimator.settings", '{"source": "middle"}'
    )
    assert config.seed == 3
    assert config.spectrum.all_strengths() == pytest.approx((8 / 255, 0.1))
    assert config.noise_estimator.settings == {"source": "middle"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["search", "--recipe", "digit"],
            "--recipe: expected a recipe or a .yaml file, got digit; did you mean 'digits'?",
        ),
        (["search", "--recipe", "no.yaml"], "--recipe: expected an existing YAML file, got no.yaml"),
        (["search", "--preset", "our"], "preset: expected ours or paper, got our; did you mean 'ours'?"),
        (["search", "--sed", "1"], "--sed: no such option of wsrnas search; did you mean '--seed'?"),
        (["search", "--budget.itrations=3"], "did you mean '--budget.iterations'?"),
        (["search", "--seed", "x"], "--seed: expected a whole number, got x"),
        (["search", "--seed", "9" * 30], "--seed: expected a whole number of at most 63 bits, got 1e+30"),
        (["evaluate", "run", "--batch_size", "9" * 30], "--batch_size: expected a whole number of at most 63 bits"),
        (["search", "--finalists", "1"], "--finalists: expected a mapping such as '{name: value}'"),
        (["search", "--finalists", "2020-13-01"], "--finalists: expected a mapping such as '{name: value}'"),
        (["train", "--arch", "racl", "--loss.settings.beta", "2020-13-01"], "--loss.settings.beta: not YAML (month"),
        (["train", "--arch", "racl", "--epochs", "!!int x"], "--epochs: cannot be read (invalid literal for int()"),
        (["search", "--spectrum.strengths", "8"], "got 8; did you mean 8/255?"),
        (["search", "--spectrum.strengths", "0.2,0.1"], "it is not sorted; write 0.1,0.2"),
        (["search", "--spectrum.strengths", "0.1,0.1"], "it repeats a value; write 0.1"),
        (["search", "--spectrum.strengths=-0.1"], "expected a finite radius >= 0, got -0.1"),
        (["search", "--spectrum.strength_weights", "[0.5,0.1,0.1,0.1,0.1,0.2]"], "expected a sum of 1, got 1.1"),
        (["search", "--spectrum.attacked", "9"], "expected 1 to 6 (the strengths), got 9; use at most 6"),
        (["search", "--training.strength", "8"], "training.strength: expected an L-infinity radius in [0,1], got 8"),
        (["search", "--strategy.settings.loss_estimator", "lstn"], "did you mean 'lstm'?"),
        (["search", "--strategy", "randon"], "did you mean 'random'?"),
        (["search", "--strategy", "evolution", "--strategy.settings.exploration", "0.2"], "a setting of 'evolution'"),
        (
            ["search", "--choose.audition=3"],
            "--choose.audition: expected the option --finalists.epochs, got its old name",
        ),
        (["search", "--weights.steps", "3"], "write --training.steps 3"),
        (["search", "--space.name", "dart"], "did you mean 'darts'?"),
        (["search", "--data.name", "cifar"], "did you mean 'cifar10'?"),
        (["search", "--data.name", "folder", "--data.root", "/no/such"], "/no/such"),
        (["serch"], "command: expected one of wsrnas --help, got serch; did you mean 'search'?"),
        (["evaluate", "/no/such/run"], "/no/such/run"),
        (["evaluate", "--strengths", "8", "--model", "resnet-18"], "did you mean 8/255?"),
        (["train", "--arch", "wsrnet-basik", "--out", "/tmp/never"], "did you mean 'wsrnet-basic'?"),
        (["report", "/no/such/run"], "RUN: expected the folder of a search run, with config.yaml, got /no/such/run"),
        (["bench", "nb301", "--data", "."], "growth, got nb301; did you mean 'nb201'?"),
        (
            ["bench", "nb201-ranking", "--data", ".", "--queries", "9"],
            "an option of bench nb201-ranking (--data, --dataset, --json, --seeds), got one of another bench",
        ),
        (
            ["bench", "nb201", "--data", ".", "--label-ageing", "3"],
            "--label-ageing: expected two numbers with a comma between them, such as 3,50, got '3'",
        ),
        (["bench", "nb201-spectrum", "--data", "/no/table"], "expected a folder with the table's meta.json"),
        (["zoo", "drew"], "did you mean 'draw'?"),
        (["zoo", "show", "advrsh"], "did you mean 'advrush'?"),
    ],
)
def test_bad_input_is_one_sentence_with_a_remedy_and_exit_code_2(arguments, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    shown = capsys.readouterr().err
    assert message in shown
    assert shown.startswith("error: ")
    assert "Traceback" not in shown
    assert list(tmp_path.iterdir()) == []


def test_a_recipe_with_an_unknown_key_is_refused(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("spaces: {channels: 3}\n")
    with pytest.raises(InputError, match=r"got spaces.channels; did you mean 'space.channels'"):
        parsed("search", "--recipe", str(path))
    path.write_text("space: {chanels: 3}\n")
    with pytest.raises(InputError, match=r"got space.chanels; did you mean 'space.channels'"):
        parsed("search", "--recipe", str(path))


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_explains_itself(command, capsys):
    with pytest.raises(SystemExit) as done:
        main([command, "--help"])
    assert done.value.code == 0
    assert f"wsrnas {command}" in capsys.readouterr().out


def test_version_and_module_are_the_same_program():
    done = subprocess.run([sys.executable, "-m", "wsrnas", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"wsrnas {__version__}"


def test_the_overview_names_every_command(capsys):
    assert main([]) == 0
    shown = capsys.readouterr().out
    assert all(command in shown for command in COMMANDS)


@pytest.mark.usefixtures("timed_for_a_moment")
def test_a_dry_run_counts_passes_and_writes_nothing(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["search", "--recipe", "digits", "--dry-run"]) == 0
    shown = capsys.readouterr().out
    assert "adversarial training" in shown
    assert "image passes" in shown
    assert list(tmp_path.iterdir()) == []


def test_doctor_and_recipes(capsys):
    assert main(["doctor"]) == 0
    assert "torch" in capsys.readouterr().out
    assert main(["recipes"]) == 0
    assert "digits" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["export", "runs/x", "--format", "onyx", "--out", "a"], "error: --format: expected a known name"),
        (["train", "--arch", "resnet-18", "--loss", "tradez", "--out", "a"], "error: --loss: expected a known name"),
        (["train", "--arch", "resnet-18", "--loss.name=tradez", "--out", "a"], "error: loss.name: expected a known"),
        (["search", "--strategy=randm", "--out", "a"], "error: --strategy: expected a known name"),
        (["zoo", "show", "resnet-18", "--measure", "--device", "gpu"], "error: --device: expected one of auto, cpu"),
        (["evaluate", "--model", "resnet-18", "--device=gpu", "--data.name=digits"], "error: --device: expected one"),
        (["check", "--model", "resnet-18", "--others", "resnet-19", "--data.name=digits"], "error: --others: expected"),
    ],
)
def test_an_error_names_the_option_as_it_was_written(command, said, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(command) == 2
    assert said in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
