"""The estimator study: its arithmetic on hand-made numbers, and a tiny whole study that is interrupted."""

import json
import math
import shutil

import pytest

from wsrnas.data import DataConfig
from wsrnas.errors import InputError
from wsrnas.studies import StudyConfig, run_estimators, scale_config
from wsrnas.studies.noise.candidates import PAPER_STRENGTHS, Candidate, candidates
from wsrnas.studies.noise.summary import choose_default, over_networks, summarise

TINY = {
    "data": DataConfig(name="digits", valid_fraction=0.0, train_limit=128, test_limit=48),
    "nodes": 1,
    "channels": 4,
    "layers": 2,
    "train_networks": 1,
    "test_networks": 2,
    "epochs": 1,
    "train_steps": 1,
    "attack_steps": 2,
    "phi_images": 64,
    "phi_width": 4,
    "strengths": (*PAPER_STRENGTHS, 0.12, 0.18),
}


def without_time(result):
    kept = json.loads(json.dumps(result))
    for network in kept["networks"]:
        del network["seconds_per_image"]
    for row in kept["rows"]:
        del row["time_share"]
    return json.dumps(kept, sort_keys=True)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    out = tmp_path_factory.mktemp("study") / "run"
    return out, run_estimators(out=out, config=StudyConfig(**TINY))


@pytest.mark.slow
def test_a_study_has_every_candidate_and_no_violation(study):
    out, result = study
    names = [row["name"] for row in result["rows"]]
    assert names == [candidate.name for candidate in candidates(learned=True)]
    assert {row["kind"] for row in result["rows"]} == {"paper", "corrected", "beyond", "real"}
    assert all(row["violations"] == 0 for row in result["rows"])
    assert result["chosen"] in names
    for row in result["rows"]:
        for strength, interval in zip(result["strengths"], row["fidelity"]):
            known = strength in row["known"] and not row["shortened"]
            assert not known or interval["value"] == 1.0 or math.isnan(interval["value"])
    stored = json.loads((out / "study.json").read_text(), parse_constant=lambda name: pytest.fail(name))
    assert stored["chosen"] == result["chosen"]
    page, text = (out / "report.html").read_text(), (out / "study.md").read_text()
    for name in names:
        assert name in page
        assert name in text
    assert "paper = as the paper describes it" in text


@pytest.mark.slow
def test_an_interrupted_study_ends_the_same(study, tmp_path):
    out, straight = study
    again = tmp_path / "again"
    shutil.copytree(out, again)
    removed = [*sorted((again / "checkpoints").glob("phi-A-ANE*"))[:1], again / "checkpoints" / "network-2.pt"]
    for path in (*removed, again / "networks" / "2.json", again / "study.json"):
        path.unlink()
    resumed = run_estimators(out=again, config=StudyConfig(**TINY))
    assert without_time(resumed) == without_time(straight)


@pytest.mark.slow
def test_a_damaged_part_names_the_remedy(study, tmp_path):
    out, _ = study
    (out / "checkpoints" / "network-0.pt").write_bytes(b"half")
    with pytest.raises(InputError, match=r"network-0.pt: damaged .*; rm .*network-0.pt makes this part again"):
        run_estimators(out=out, config=StudyConfig(**TINY))
    with pytest.raises(InputError, match="--out: expected the settings"):
        run_estimators(out=out, config=StudyConfig(**{**TINY, "seed": 1}))


STRENGTHS = (0.03, 0.06, 0.12)


def measured(losses, estimated, accuracy=(0.5, 0.3, 0.1), estimated_accuracy=(0.5, 0.3, 0.2)):
    return {
        "clean": [0.9, 0.1],
        "real": [list(pair) for pair in zip(accuracy, losses)],
        "candidates": {
            "one": {
                "measured": [list(p) for p in zip(estimated_accuracy, estimated)],
                "violations": 1,
                "squared_error": 0.2,
            }
        },
        "seconds_per_image": {"attack 0.03": 1.0, "attack 0.06": 1.0, "attack 0.12": 1.0, "one": 0.5},
        "images": 10,
    }


def test_the_arithmetic_of_a_row():
    one = Candidate(name="one", kind="beyond", known=(0.06,), estimator="rescale", refine=1)
    networks = [
        measured((1.0, 2.0, 3.0), (0.9, 2.0, 2.7)),
        measured((2.0, 3.0, 4.0), (1.9, 3.0, 2.9)),
        measured((3.0, 1.0, 2.0), (2.8, 1.0, 3.0)),
    ]
    (row,) = summarise(networks, [one], STRENGTHS, attack_steps=7)
    assert row["passes"] == 14 + 2 * 1
    assert row["passes_share"] == pytest.approx(16 / 28)
    assert [interval["value"] for interval in row["fidelity"]] == pytest.approx([1.0, 1.0, 0.7 / 0.8])
    assert row["worst_inside"] == pytest.approx(1.0)
    assert row["worst_beyond"] == pytest.approx(0.7 / 0.8)
    errors = [0.1, 0.0, 0.05, 0.0, 0.2 / 3, 0.0]
    assert row["loss_error"]["value"] == pytest.approx(sum(errors) / 6)
    assert row["tau"] == pytest.approx([1.0, 1.0, -1 / 3])
    assert row["mean_tau"]["value"] == pytest.approx(1.0)
    assert row["time_share"] == pytest.approx((1.0 + 0.25) / 2)
    assert row["squared_error"] == pytest.approx(0.2)
    assert row["violations"] == 3
    assert row["goals_met"] == {
        "fidelity": True,
        "beyond": False,
        "loss error": True,
        "rank": True,
        "violations": False,
    }


def test_the_interval_of_a_mean_is_students():
    values = [{"x": 1.0}, {"x": 2.0}, {"x": 6.0}]
    interval = over_networks(values, lambda rows: sum(row["x"] for row in rows) / len(rows))
    half = 4.302653 * math.sqrt(7.0) / math.sqrt(3)
    assert interval.value == pytest.approx(3.0)
    assert interval.high - interval.value == pytest.approx(half, rel=1e-5)
    assert math.isnan(over_networks(values[:1], lambda rows: rows[0]["x"]).low)


def row(name, *, learned=False, shortened=False, passes=14, error=(0.03, 0.02, 0.04), met=True, kind="beyond"):
    interval = dict(zip(("value", "low", "high"), error))
    return {
        "name": name,
        "learned": learned,
        "shortened": shortened,
        "kind": kind,
        "passes": passes,
        "loss_error": interval,
        "goals_met": {"fidelity": met, "rank": True},
    }


def test_the_default_is_the_cheapest_that_meets_every_goal():
    plain = row("plain", passes=42)
    assert choose_default([plain, row("cheap"), row("real", kind="real", passes=2)])["name"] == "cheap"
    assert choose_default([plain, row("cheap", met=False)])["name"] == "plain"
    assert choose_default([plain, row("short", passes=10, shortened=True)])["name"] == "plain"
    close = row("close", met=False, error=(0.01, 0.005, 0.015))
    assert choose_default([row("far", met=False), close])["name"] == "close"


def test_a_learned_estimator_must_win_outside_the_interval():
    plain = row("plain", met=False)
    assert choose_default([plain, row("phi", learned=True, error=(0.021, 0.01, 0.03))])["name"] == "plain"
    assert choose_default([plain, row("phi", learned=True, error=(0.01, 0.005, 0.015))])["name"] == "phi"


def test_what_noises_cost():
    found = {candidate.name: candidate for candidate in candidates(learned=True)}
    assert found["A-ANE, Eq. 6 as printed"].passes(PAPER_STRENGTHS, 7) == 42
    assert found["rescale box from 0.06"].passes(PAPER_STRENGTHS, 7) == 14
    assert found["rescale box from 0.06, 1 step outwards"].passes(PAPER_STRENGTHS, 7) == 14 + 10
    assert found["rescale box from 0.075 by PGD-5, 1 step outwards"].passes(PAPER_STRENGTHS, 7) == 10 + 10
    assert found["PGD-2 at every strength"].passes(PAPER_STRENGTHS, 7) == 24
    assert not [candidate for candidate in candidates(learned=False) if candidate.learned]


def test_where_a_candidate_is_judged():
    strengths = (*PAPER_STRENGTHS, 0.12, 0.15, 0.18)
    at = {candidate.name: candidate.judged_at(strengths) for candidate in candidates(learned=True)}
    assert at["rescale box from 0.06"] == (*PAPER_STRENGTHS, 0.12)
    assert at["rescale box from 0.075"] == (*PAPER_STRENGTHS, 0.12, 0.15)
    assert at["A-ANE, linear"] == strengths
    assert at["PGD-1 at every strength"] == PAPER_STRENGTHS


def test_scales_and_their_refusals():
    assert scale_config("smoke").data.name == "digits"
    assert scale_config("small", root="/x").data.root == "/x"
    assert scale_config("paper").phi_width is None
    with pytest.raises(InputError, match=r"data\.root: expected none for the embedded digits"):
        scale_config("smoke", root="/x")
    with pytest.raises(InputError, match="test_networks: expected at least 2, to rank them, got 1"):
        StudyConfig(data=DataConfig(), test_networks=1)
    with pytest.raises(InputError, match="strengths: expected the paper's six among them"):
        StudyConfig(data=DataConfig(), strengths=(0.03, 0.1))
