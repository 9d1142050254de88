"""Scales are data: what they change, and what they leave as the paper prints it."""

from dataclasses import replace

import pytest

from wsrnas.configure import configured
from wsrnas.errors import InputError
from wsrnas.reproduce.command import TABLES, table_of
from wsrnas.reproduce.runs import EvaluateRun, SearchRun, TrainRun
from wsrnas.reproduce.scale import named, scale_names
from wsrnas.reproduce.tables.lines import RECIPES
from wsrnas.reproduce.tables.models import ModelTable
from wsrnas.training.config import TrainConfig


@pytest.mark.parametrize("scale", scale_names())
@pytest.mark.parametrize("table", TABLES)
def test_every_table_is_made_of_valid_runs_with_names_of_their_own(table, scale):
    runs = table_of(table).runs(named(scale))
    assert runs
    assert len({run.outcome for run in runs}) == len(runs)
    places = {run.kind: i for i, run in enumerate(runs)}
    assert all(kind in ("search", "train", "evaluate", "study") for kind in places)
    for place, run in enumerate(runs):
        if isinstance(run, TrainRun) and run.found_by:
            assert any(one.name == run.found_by for one in runs[:place] if isinstance(one, SearchRun))
        if isinstance(run, EvaluateRun):
            assert run.trained in runs[:place]


def test_table_1_at_the_papers_size_is_27_trainings_by_the_papers_recipes():
    runs = table_of("table1").runs(named("paper"))
    trainings = [run for run in runs if isinstance(run, TrainRun)]
    assert len(trainings) == sum(isinstance(run, EvaluateRun) for run in runs) == 27
    searched = {run.name for run in runs if isinstance(run, SearchRun)}
    assert searched == {f"search-{name}-seed0" for name in ("robnet-m", *(f"wsrnet-naive-{k}" for k in (1, 3, 6)))}
    for run in trainings:
        assert not run.size
        assert run.config == configured(TrainConfig, "train", run.config.recipe, {"seed": 0})
    by_name = {run.name: run.config for run in trainings}
    assert by_name["wsrnet-robust-pgd-7-seed0"].batch_size == 64
    assert by_name["wsrnet-basic-pgd-7-seed0"].batch_size == 400


def test_a_training_by_name_is_the_loss_it_names():
    losses = {name: configured(TrainConfig, "train", recipe, {}).build_loss() for name, recipe in RECIPES.items()}
    assert losses["PGD-7"].steps == losses["TRADES-1"].steps == losses["Multi-Adv"].steps == 7
    assert losses["TRADES-1"].beta == 1
    assert len(losses["Multi-Adv"].strengths) == 6
    assert losses["Standard"].largest_strength() is None
    trained = {line.training for name in TABLES if isinstance(one := table_of(name), ModelTable)
               for line in one.every_line()}  # fmt: skip
    assert trained == set(RECIPES)


@pytest.mark.parametrize("scale", scale_names())
def test_tables_1_and_2_and_figure_1_train_the_same_networks_under_the_same_names(scale):
    chosen = named(scale)
    first = {run.name: run for run in table_of("table1").runs(chosen) if isinstance(run, TrainRun)}
    for other in ("table2", "figure1"):
        for run in table_of(other).runs(chosen):
            if isinstance(run, TrainRun):
                assert run == first[run.name]


def test_every_seed_is_a_training_and_an_evaluation_of_its_own():
    scale = replace(named("smoke"), seeds=[3, 5], lines=[13])
    runs = table_of("table2").runs(scale)
    assert [(run.kind, run.name, run.data[1]) for run in runs] == [
        (kind, f"racl-pgd-7-seed{seed}", seed) for seed in (3, 5) for kind in ("train", "evaluate")
    ]


def test_a_root_reaches_every_run():
    scale = named("small", root="somewhere")
    for name in TABLES:
        assert {run.data[0].root for run in table_of(name).runs(scale)} == {"somewhere"}


@pytest.mark.parametrize(
    ("name", "root", "said"),
    [
        ("smal", None, "did you mean 'small'"),
        ("huge", None, "smoke | small | paper"),
        ("smoke", "somewhere", "none at scale smoke, which runs on embedded digits"),
    ],
)
def test_what_is_no_scale_is_refused(name, root, said):
    with pytest.raises(InputError, match=said.replace("|", r"\|")):
        named(name, root=root)


@pytest.mark.parametrize("seeds", [[], [1, 1]])
def test_seeds_are_there_and_differ(seeds):
    with pytest.raises(InputError, match="at least one seed"):
        replace(named("smoke"), seeds=seeds)
