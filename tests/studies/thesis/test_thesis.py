"""The study of the thesis, small: equal cost, the gains of the widest case, and going on where it stopped."""

import numpy as np
import pytest

from wsrnas.data import load_data
from wsrnas.errors import InputError
from wsrnas.files import read_json
from wsrnas.studies.thesis.config import ThesisConfig, thesis_config
from wsrnas.studies.thesis.study import run

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    out = tmp_path_factory.mktemp("thesis") / "run"
    return out, run(scale="smoke", out=out)


def test_the_gains_are_those_of_the_winners_trained_again(finished):
    out, result = finished
    told = read_json(out / "study.json")
    assert tuple(told["wide"]) == tuple(told["large"]) == ("one", "three", "same-size")
    for place, found in enumerate(told["searches"]):
        for name in ("one", "three"):
            ahead = 100 * (np.array(found["six"]["accuracy"]) - np.array(found[name]["accuracy"]))
            assert told["wide"][name]["each"][place] == pytest.approx(ahead[1:].mean())
            assert told["large"][name]["each"][place] == pytest.approx(ahead[-2:].mean())
    assert result["done"] == result["registered"] == 2
    assert (out / "report.html").read_text(encoding="utf-8").count("<svg") >= 3


def test_no_case_takes_more_passes_than_the_widest(finished):
    out, _ = finished
    config = thesis_config("smoke", "nb201")
    data = load_data(config.search.data, 0)
    for place in range(2):
        budgets = {name: config.search_of(name, place, data).budget for name in config.cases}
        assert budgets["one"].queries >= budgets["three"].queries >= budgets["six"].queries
        assert {budget.population for budget in budgets.values()} == {config.search.budget.population}
    for found in read_json(out / "study.json")["searches"]:
        # A candidate that computes what another does is free, so a search may cost less than it was allowed.
        finalists = config.finalists * found["six"]["cost"] / found["six"]["candidates"]
        assert found["one"]["cost"] <= found["six"]["cost"] + finalists


def test_a_finished_study_is_read_and_not_made_again(finished, monkeypatch):
    from wsrnas.studies import trainings

    out, result = finished
    monkeypatch.setattr(trainings.Trainer, "_train", lambda *arguments: pytest.fail("trained again"))
    again = run(scale="smoke", out=out)
    assert (again["wide"], again["large"], again["searches"]) == (result["wide"], result["large"], result["searches"])


def test_cases_lie_within_the_widest_and_labels_are_trainings():
    config = thesis_config("smoke", "nb201")
    with pytest.raises(InputError, match=r"^cases.one: expected strengths among \[0.05, 0.1\], got \[0.2\]"):
        ThesisConfig(search=config.search, cases={"one": (0.2,), "two": (0.05, 0.1)})
    with pytest.raises(InputError, match=r"^cases: expected at least 2, got 1"):
        ThesisConfig(search=config.search, cases={"two": (0.05, 0.1)})
