"""The study of labels, small: what is trained, going on where it stopped, and settings that cannot be."""

import shutil
from dataclasses import replace

import numpy as np
import pytest

from wsrnas.data import load_data
from wsrnas.errors import InputError
from wsrnas.search.evaluators.scoring import scoring_passes
from wsrnas.search.evaluators.short_training import label_attack, short_training
from wsrnas.studies.labels.config import LabelsStudyConfig, labels_config
from wsrnas.studies.labels.measured import costs
from wsrnas.studies.labels.study import run, study_genotypes
from wsrnas.studies.labels.table import read_table

SMOKE = labels_config("smoke", "nb201")


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    out = tmp_path_factory.mktemp("labels") / "run"
    return out, run(scale="smoke", space="nb201", out=out)


@pytest.mark.slow
def test_every_genotype_has_every_label_and_its_final_networks(finished):
    out, result = finished
    table = read_table(out)
    assert set(table.losses) == {"shared", "alone-1", "alone-2", "from-shared-1"}
    assert table.final.shape == (4, 2, 3)
    assert result["architectures"] == 4
    assert not np.array_equal(table.final[:, 0], table.final[:, 1])
    assert {"study.json", "study.md", "report.html"} <= {one.name for one in out.iterdir()}


@pytest.mark.slow
def test_a_study_that_lost_a_genotype_and_its_last_update_ends_as_before(finished, tmp_path):
    out, result = finished
    copied = tmp_path / "run"
    shutil.copytree(out, copied)
    (copied / "genotypes" / "2.json").unlink()
    (copied / "checkpoints" / "shared-weights.pt").unlink()
    again = run(scale="smoke", space="nb201", out=copied)
    assert again == result
    assert (copied / "table.json").read_bytes() == (out / "table.json").read_bytes()


@pytest.mark.slow
def test_two_processes_find_what_one_finds(finished, tmp_path):
    out, _ = finished
    apart = replace(SMOKE, search=replace(SMOKE.search, runtime=replace(SMOKE.search.runtime, workers=2)))
    run(scale="smoke", config=apart, out=tmp_path / "run")
    assert (tmp_path / "run" / "table.json").read_bytes() == (out / "table.json").read_bytes()


def test_genotypes_are_distinct_and_of_one_size_and_more_of_them_begin_with_the_same():
    data = load_data(SMOKE.search.data, SMOKE.search.seed)
    few, more = study_genotypes(SMOKE, data), study_genotypes(replace(SMOKE, genotypes=9), data)
    assert more[:4] == few
    assert len({genotype.id for genotype in more}) == 9


def test_costs_are_what_training_and_measuring_take():
    data, search = load_data(SMOKE.search.data, SMOKE.search.seed), SMOKE.search
    found = costs(SMOKE, data, shared=400.0)
    attack = label_attack(search)
    assert found["clean"] + 2 * found["strength"] == scoring_passes(48, 2, attack)
    assert found["alone-2"] == 2 * found["alone-1"] == short_training(SMOKE.with_epochs(2)).passes(64)
    assert found["from-shared-1"] == 100 + found["alone-1"]
    assert found["final"] == found["alone-2"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"epochs": (1, 3)}, "epochs: expected each twice the one before"),
        ({"epochs": ()}, "epochs: expected each twice the one before"),
        ({"epochs": (0,)}, "epochs: expected at least 1"),
        ({"epochs": (1, 2, 4)}, "epochs: expected no more than final networks have"),
        ({"warm_epochs": (0,)}, "warm_epochs: expected at least 1"),
        ({"seeds": 1}, "seeds: expected at least 2"),
        ({"genotypes": 3}, "genotypes: expected at least 4"),
    ],
)
def test_impossible_studies_are_refused(settings, message):
    with pytest.raises(InputError, match=f"^{message}"):
        replace(SMOKE, **settings)


def test_a_space_without_shared_weights_has_no_such_study():
    with pytest.raises(InputError, match=r"^--space: expected one of darts, nb201, got stages"):
        labels_config("small", "stages")


@pytest.mark.parametrize("space", ["darts", "nb201"])
@pytest.mark.parametrize("root", [None, "somewhere"])
def test_the_small_study_is_of_the_size_that_was_asked_for(space, root):
    config = labels_config("small", space, root=root)
    assert isinstance(config, LabelsStudyConfig)
    assert (config.genotypes, config.seeds, config.tolerance) == (48, 3, 0.05)
    assert config.search.labels.epochs > max(config.epochs)
    assert config.search.data.name == ("digits" if root is None else "cifar10")
