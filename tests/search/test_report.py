"""The report of a search, written from synthetic run folders: what it says, and what it does with what is missing."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.search.made_run import make_comparison, make_metrics, make_result, make_run

from wsrnas.errors import InputError
from wsrnas.report.words import duration
from wsrnas.search.report.model_card import write_model_card
from wsrnas.search.report.page import write_search_report
from wsrnas.search.report.record import read_search_run
from wsrnas.spaces.spread import spread_of


def report(path: Path, **changes: Any) -> str:
    return write_search_report(make_run(path, **changes)).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_run(tmp_path_factory.mktemp("runs") / "digits run")


@pytest.fixture(scope="module")
def full(folder: Path) -> str:
    target = write_search_report(folder)
    assert target == folder / "report.html"
    return target.read_text(encoding="utf-8")


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the figures empty where a test reads only words: drawing them takes most of the time."""
    for module in ("curves", "figures"):
        monkeypatch.setattr(f"wsrnas.report.{module}.render", lambda figure: '<svg viewBox="0 0 9 9"></svg>')


def cells(html: str) -> list[list[str]]:
    rows = re.findall(r"<tr[^>]*>(.*?)</tr>", html, flags=re.S)
    return [re.findall(r"<td[^>]*>(.*?)</td>", row, flags=re.S) for row in rows]


def test_every_section_is_there_with_its_figures(full: str) -> None:
    titles = re.findall(r"<h2[^>]*>(.*?)</h2>", full)
    assert titles == [
        "The found architecture", "What to do next", "Is it more robust than a random architecture?",
        "What there is to find",
        "Losses over the search", "Can the loss estimator rank architectures?",
        "Is the estimated noise as harmful as a real attack?", "Where the time went", "Examples", "Facts of this run",
    ]  # fmt: skip
    assert full.count("<svg") == 7
    assert full.count('src="data:image/png') == 1
    scatter = full[full.index("Scatter plots of estimated") :]
    scatter = scatter[: scatter.index("</svg>")]
    for name in ("clean", "0.03", "0.045", "0.06", "0.075", "0.09", "0.105"):
        assert re.search(rf">\s*{re.escape(name)} · τ 0\.\d\d", scatter), name


def test_numbers_of_the_run_appear(folder: Path, full: str) -> None:
    rows = cells(full)
    tau = next(row for row in rows if row and row[0] == "of 20 architectures")
    assert tau[1:] == [f"{value:.2f}" for value in read_search_run(folder).taus]
    assert ["0.075", "0.940", "-2.0 %", "as harmful"] in rows
    assert ["0.105", "0.855", "-10.0 %", "weaker than a real attack"] in rows
    assert ["adversarial training", "26.8", "50.0 %", "44", "0.61"] in rows
    assert ["paper, Wsr-NAS", "611", "576", "–", "37.1", "27.6", "1252"] in rows
    assert ["this run", "0.61", "0.61", "–", "–", "–", "1.22"] in rows
    assert ["this run, share", "50 %", "50 %", "–", "–", "–", "100 %"] in rows
    assert ["0.03", "68.0 %", "63.0 % to 73.0 %", "54.5 %", "56.0 %", "+13.5"] in rows
    assert next(row for row in rows if row and row[0] == "a1b2c3d4e5f6")[:3] == ["a1b2c3d4e5f6", "yes", "0.230"]
    assert "54,321 parameters" in full
    assert ["network passes, one image each", "5,280"] in rows
    assert ["PyTorch", "2.9.0"] in rows
    assert "<dd>32</dd>" in full
    assert "<dd>0.66</dd>" in full
    assert "<dd>1 min 58 s</dd>" in full


def test_what_to_do_is_said_in_words(full: str) -> None:
    assert "Mean τ 0.66: the estimator foresees well how new architectures rank" in full
    assert "The estimate was too weak at 0.105" in full
    assert "by rescale from real noise at 0.03, 0.06, 0.09, each improved by 1 gradient step of 0.3 times" in full
    assert "ranks 1 of 5, 13.5 points above the mean of the random ones; at 6 of 6 strengths" in full
    assert "Strength 0.105 was attacked for real from iteration 30 on." in full


def test_commands_can_be_pasted(full: str) -> None:
    commands = [re.sub(r"</?span>", "", code) for code in re.findall(r"<code>(.*?)</code>", full, flags=re.S)]
    assert len(commands) == 3
    assert re.match(
        r"wsrnas train --arch &#39;\S*/digits run&#39; --recipe pgd-digits ",
        commands[0],
    )
    assert "--strengths 0,0.03,0.045,0.06,0.075,0.09,0.105" in commands[1]
    assert re.match(r"wsrnas search --recipe &#39;\S*/digits run/config.yaml&#39; --seed 1 --out ", commands[2])


def test_the_same_files_give_the_same_report(folder: Path, full: str) -> None:
    assert write_search_report(folder).read_text(encoding="utf-8") == full


def test_nothing_is_fetched(full: str) -> None:
    assert not re.search(r"(?:src|href)=\"(?!#|data:image/png)", full)
    assert "@import" not in full


@pytest.mark.usefixtures("undrawn")
def test_text_from_files_is_escaped(tmp_path: Path) -> None:
    result = make_result()
    result["warnings"] = ["<script>alert(1)</script>"]
    result["winner"]["id"] = '"><img src=x onerror=alert(1)>'
    html = report(tmp_path / "run", result=result)
    assert "<script>alert" not in html
    assert "<img src=x" not in html


@pytest.mark.usefixtures("undrawn")
def test_missing_pieces_are_named_in_a_sentence(tmp_path: Path) -> None:
    result = make_result()
    result.update(warnings=[], estimated=[])
    metrics = [{**line, "predicted": None, "fidelity": None} for line in make_metrics()]
    path = make_run(tmp_path / "run", result=result, metrics=metrics)
    for name in ("examples.npz", "timings.jsonl", "cell.svg", "comparison.json"):
        (path / name).unlink()
    html = write_search_report(path).read_text(encoding="utf-8")
    for sentence in (
        "was not compared with random architectures",
        "Every strength was attacked for real: no noise was estimated.",
        "The loss estimator has not named an architecture yet",
        "The run kept no example images.",
        "This run wrote no timings.",
        "cell.svg is missing",
    ):
        assert sentence in html


@pytest.mark.parametrize("count", [1, 15, 27])
def test_an_unfinished_search_has_a_report(tmp_path: Path, count: int) -> None:
    html = report(tmp_path / "run", result={}, metrics=make_metrics()[:count])
    assert f"not finished: the last iteration written is {count - 1}" in html
    assert ("still warming up its weights" in html) == (count == 1)


@pytest.mark.parametrize(
    ("agree", "said"),
    [(0, "hardly ranks, so this search was not far from a random one"), (9, "useful but rough guide")],
)
@pytest.mark.usefixtures("undrawn")
def test_a_low_tau_says_what_to_do(tmp_path: Path, agree: int, said: str) -> None:
    metrics = make_metrics()
    for place, line in enumerate(line for line in metrics if line["predicted"]):
        line["losses"] = [float(place)] * 7
        line["predicted"] = [float(place if place < agree else 40 - place)] * 7
    html = report(tmp_path / "run", metrics=metrics)
    assert said in html
    assert "budget.population (now 12) and budget.iterations (now 20)" in html


@pytest.mark.usefixtures("undrawn")
def test_a_search_that_did_not_pay_off_is_told_so(tmp_path: Path) -> None:
    html = report(tmp_path / "run", comparison=make_comparison(0.5))
    assert "ranks 5 of 5, 16.5 points below the mean of the random ones" in html
    assert "The search did not pay off here" in html


@pytest.mark.usefixtures("undrawn")
def test_the_gain_is_told_with_its_interval_or_refused(tmp_path: Path) -> None:
    compared = make_comparison() | {"gain": {"mean": 0.018, "low": -0.012, "high": 0.048}}
    html = report(tmp_path / "run", comparison=compared)
    assert "+1.8 points of wide accuracy (95 % interval over the test images: -1.2 to +4.8)" in html
    compared["gain"].pop("low")
    with pytest.raises(InputError, match="gain: .*low"):
        report(tmp_path / "other", comparison=compared)


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize(("space", "data"), [("nb201", "digits"), ("nb201", "svhn")])
def test_what_there_is_to_find_is_quoted_or_said_to_be_unknown(tmp_path: Path, space: str, data: str) -> None:
    place = make_run(tmp_path / "run")
    config = yaml.safe_load((place / "config.yaml").read_text())
    config["space"]["name"], config["data"]["name"] = space, data
    (place / "config.yaml").write_text(yaml.safe_dump(config))
    html = write_search_report(place).read_text(encoding="utf-8")
    found = spread_of(space, data)
    unknown = f"How much architectures of one size differ in the space {space} on these images has not been measured"
    assert (unknown in html) == (found is None)
    assert found is None or str(found) in html


@pytest.mark.usefixtures("undrawn")
def test_candidates_trained_alone_are_not_said_to_share_weights(tmp_path: Path) -> None:
    place = make_run(tmp_path / "run")
    shared = write_search_report(place).read_text(encoding="utf-8")
    config = yaml.safe_load((place / "config.yaml").read_text())
    config |= {"evaluator": "trained", "finalists": {"epochs": 4}}
    (place / "config.yaml").write_text(yaml.safe_dump(config))
    alone = write_search_report(place).read_text(encoding="utf-8")
    for text, words in (("shared, half-trained weights", shared), ("brief trainings, each alone", alone)):
        assert [text in one for one in (shared, alone)] == [words is shared, words is alone]
    assert "Named is the one with the most parameters" in alone
    assert "Named is the one" not in shared


@pytest.mark.usefixtures("undrawn")
def test_networks_that_have_not_learnt_are_not_compared(tmp_path: Path) -> None:
    flat = make_comparison()
    flat["winner"]["accuracy"] = [0.11] * 7
    html = report(tmp_path / "run", comparison=flat)
    assert "has learnt too little to be compared. Raise rivals.epochs." in html
    assert "ranks 1 of" not in html


def test_diverged_and_constant_losses_do_not_break_the_report(tmp_path: Path) -> None:
    metrics = make_metrics(3, 8)
    metrics[4]["losses"] = [float("nan")] * 7
    metrics[8]["losses"] = [float("inf")] * 7
    metrics[8]["objective"] = float("inf")
    for line in metrics[9:]:
        line["predicted"] = [1.0] * 7
    report(tmp_path / "run", metrics=metrics)


def test_folders_that_are_no_search_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"RUN: expected the folder of a search run, with config\.yaml"):
        write_search_report(tmp_path / "nothing")
    with pytest.raises(InputError, match="RUN: expected a search with at least one iteration done"):
        write_search_report(make_run(tmp_path / "empty", metrics=[]))
    path = make_run(tmp_path / "train")
    (path / "env.json").write_text('{"kind": "train"}')
    with pytest.raises(InputError, match=r"RUN: expected a search run, got .*, a train run"):
        write_search_report(path)


@pytest.mark.parametrize("name", ["result.json", "examples.npz", "metrics.jsonl"])
@pytest.mark.usefixtures("undrawn")
def test_damaged_files_are_named(tmp_path: Path, name: str) -> None:
    path = make_run(tmp_path / "run")
    (path / name).write_text('{"a": \n')
    with pytest.raises(InputError, match=r"damaged \("):
        write_search_report(path)


def test_durations_are_written_as_people_say_them() -> None:
    assert [duration(s) for s in (0.123, 8.2, 45, 120, 200, 7500)] == [
        "0.12 s", "8.2 s", "45 s", "2 min", "3 min 20 s", "2 h 5 min",
    ]  # fmt: skip


def test_the_model_card_says_what_the_network_is_and_is_not(tmp_path: Path) -> None:
    path = make_run(tmp_path / "run")
    target = write_model_card(path)
    assert target == path / "README.md"
    text = target.read_text(encoding="utf-8")
    assert text.startswith("---\n")
    front = yaml.safe_load(text.split("---\n")[1])
    assert front["datasets"] == ["digits"]
    assert "a1b2c3d4e5f6" in text
    assert "| found | 93.0 % | 68.0 % |" in text
    assert "wsrnas train --arch" in text
    assert "PGD-20" in text


def test_the_model_card_of_an_unfinished_search_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="RUN: expected a finished search"):
        write_model_card(make_run(tmp_path / "run", result={}))
