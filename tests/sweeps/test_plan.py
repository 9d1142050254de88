"""A plan is multiplied out into runs with names of their own, and refused in one sentence before anything starts."""

import pytest
from huggingface_hub import constants

from wsrnas.errors import InputError
from wsrnas.sweeps.check import check_data, check_run
from wsrnas.sweeps.child import _claimed
from wsrnas.sweeps.plan import SweepRun, read_plan

PLAN = {
    "command": "train",
    "recipe": ["pgd-digits", "trades-digits"],
    "seeds": [0, 1],
    "architectures": ["advrush", "resnet-18"],
    "settings": {"epochs": [1, 2], "data": {"train_limit": 64}, "awp.gamma": None},
}


def test_lists_are_multiplied_out():
    runs = read_plan(PLAN).runs()
    assert len(runs) == 2 * 2 * 2 * 2
    assert runs[0] == SweepRun(
        command="train",
        recipe="pgd-digits",
        architecture="advrush",
        seed=0,
        settings={"epochs": 1, "data.train_limit": 64, "awp.gamma": None},
    )
    assert [run.seed for run in runs[:4]] == [0, 1, 0, 1]
    assert [run.settings["epochs"] for run in runs[:4]] == [1, 1, 2, 2]
    assert {(run.recipe, run.architecture) for run in runs} == {
        (recipe, arch) for recipe in PLAN["recipe"] for arch in PLAN["architectures"]
    }


def test_mappings_in_a_list_are_alternatives():
    settings = [{"epochs": 1, "batch_size": [8, 16]}, {"epochs": 5}, {"strengths": [[0.1, 0.2]]}]
    runs = read_plan({"command": "train", "architectures": "advrush", "settings": settings}).runs()
    assert [run.settings for run in runs] == [
        {"epochs": 1, "batch_size": 8},
        {"epochs": 1, "batch_size": 16},
        {"epochs": 5},
        {"strengths": [0.1, 0.2]},
    ]


def test_a_name_says_what_a_run_is_and_does_not_depend_on_the_others():
    runs = read_plan(PLAN).runs()
    names = [run.name for run in runs]
    assert len(set(names)) == len(names)
    assert names[0].startswith("train-pgd-digits-advrush-seed0-")
    alone = {**PLAN, "recipe": "pgd-digits", "seeds": [1], "settings": {**PLAN["settings"], "epochs": 2}}
    assert {run.name for run in read_plan(alone).runs()} <= set(names)
    nested = {**PLAN, "settings": {"epochs": [1, 2], "data.train_limit": 64, "awp": {"gamma": None}}}
    assert {run.name for run in read_plan(nested).runs()} == set(names)


def test_another_content_of_a_recipe_file_is_another_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = []
    for epochs in (1, 2):
        (tmp_path / "mine.yaml").write_text(f"base: pgd-digits\nepochs: {epochs}\n")
        (run,) = read_plan({"command": "train", "recipe": "mine.yaml", "architectures": "advrush"}).runs()
        names.append(run.name)
    assert names[0] != names[1]
    assert names[0].startswith("train-mine-advrush-seed0-")


def test_a_genotype_file_and_text_make_a_name_too():
    text = "|nor_conv_3x3~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|"
    plan = {"command": "train", "architectures": ["runs/a/genotype.json", text]}
    names = [run.name for run in read_plan(plan).runs()]
    assert all("/" not in name and len(name) < 120 for name in names)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"recipes": "x"}, "plan: expected a plan with command, recipe, .*, got recipes; did you mean 'recipe'?"),
        ({"seed": 1}, "plan: .* got seed; did you mean 'seeds'?"),
        ({"command": "trian"}, "command: expected one of search, train, evaluate, got trian; did you mean 'train'?"),
        ({"command": None}, r"plan: expected command: search \| train \| evaluate, got none"),
        ({"seeds": 3}, r"seeds: expected a list of whole numbers such as \[0, 1, 2\], got 3"),
        ({"seeds": [True]}, "seeds: expected a list of whole numbers"),
        ({"seeds": [0, 0]}, "plan: expected every run once, got train-pgd-digits-advrush-seed0-[0-9a-f]{8} twice"),
        ({"recipe": 7}, "recipe: expected a text or a list of texts, got 7"),
        ({"settings": {1: 2}}, "settings: expected names of settings, got 1"),
        ({"slurm": ["timeout_min"]}, "slurm: expected a mapping of what submitit takes"),
        ({"settings": "epochs"}, "settings: expected a mapping of settings, or a list of them, got epochs"),
        ({"architectures": []}, "architectures: expected what to train: .*, got none"),
        ({"command": "search"}, "architectures: expected none for a search"),
        ({"command": "evaluate"}, "recipe: expected none for an evaluation"),
        ({"seeds": list(range(1300))}, "plan: expected at most 10,000 runs, got 10,400; divide it"),
    ],
)
def test_a_plan_that_does_not_fit_is_one_sentence(change, message):
    with pytest.raises(InputError, match=message):
        read_plan({**PLAN, **change}).runs()


def test_a_plan_needs_a_command_and_a_file(tmp_path):
    with pytest.raises(InputError, match=r"plan: expected command: search \| train \| evaluate, got none"):
        read_plan({"seeds": [0]})
    with pytest.raises(InputError, match="PLAN: expected an existing YAML file, got nowhere.yaml"):
        read_plan("nowhere.yaml")
    (tmp_path / "plan.yaml").write_text("- command: train\n")
    with pytest.raises(InputError, match="expected settings as a YAML mapping"):
        read_plan(tmp_path / "plan.yaml")


def run(command="train", architecture="advrush", recipe="pgd-digits", **settings):
    if command == "evaluate":
        recipe = None
    if command == "search":
        recipe, architecture = "digits", None
    return SweepRun(command=command, recipe=recipe, architecture=architecture, seed=0, settings=settings)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (run(**{"data.rot": "x"}), "data.rot: expected a setting .*; did you mean 'root'?"),
        (run(epochs=0), "epochs: expected at least 1, got 0"),
        (run(seed=1), "settings.seed: expected none, got 1; use seeds"),
        (run(architecture="advrsh"), "--arch: .*; did you mean 'advrush'?"),
        (run(recipe="pgd-digit"), "--recipe: .*; did you mean 'pgd-digits'?"),
        (run("search", preset="our"), "preset: expected ours or paper, got our"),
        (run("search", **{"budget.populations": 3}), "budget.populations: .* did you mean 'population'?"),
        (run("evaluate", limits=3), "settings.limits: .* did you mean 'limit'?"),
        (run("evaluate", "no/such/run"), "architectures: expected a run folder, .* got no/such/run; check the path"),
        (run("evaluate", "resnet-81"), "architectures: expected a run folder, .* got resnet-81; check the path"),
        (run(preset="ours"), "preset: expected a setting"),
        (run(**{"loss.name": "stranger:Loss"}), "loss.name: .* got stranger:Loss; if you trust .* --import stranger"),
        (run("evaluate", "stranger:net"), "architecture: .* if you trust that module, add --import stranger"),
    ],
)  # fmt: skip
def test_what_a_command_would_refuse_is_refused_before_it_starts(wrong, message):
    with pytest.raises(InputError, match=f"^{wrong.name}: {message}"):
        check_run(wrong)


def test_good_runs_say_what_data_they_need():
    config = check_run(run(**{"data.train_limit": 64}))
    assert config is not None
    assert config.train_limit == 64
    check_data([config, config])
    assert check_run(run("evaluate", "resnet-18", strengths="0,0.1", **{"data.name": "digits"})) is None
    assert check_run(run("search", preset="paper")) is not None


@pytest.mark.parametrize("model", ["resnet-18.trades-digits", "timm:resnet18", "hf:microsoft/resnet-50", "resnet-18"])
def test_whatever_an_evaluation_takes_a_plan_takes(model):
    assert check_run(run("evaluate", model)) is None


def test_a_model_of_a_hub_is_asked_for_before_anything_starts(monkeypatch):
    monkeypatch.setattr(constants, "ENDPOINT", "http://nowhere.invalid")
    with pytest.raises(InputError, match="architectures: no file or folder here is someone/network, and the hub"):
        check_run(run("evaluate", "someone/network"))


def test_missing_data_is_said(tmp_path):
    config = check_run(run(recipe="pgd7-cifar10", **{"data.root": str(tmp_path / "nowhere")}))
    with pytest.raises(InputError, match="data.root: .*nowhere"):
        check_data([config])


def test_a_lock_that_cannot_be_made_is_not_taken_for_another_sweep(tmp_path):
    (tmp_path / "locks").write_text("")
    with pytest.raises(InputError, match="locks"), _claimed(tmp_path / "locks" / "run"):
        pass
