"""The contract of every section of a search's page, found by itself, and what happens to one that breaks it."""

import re
import sys
import warnings
from dataclasses import is_dataclass

import pytest
import yaml
from tests.contracts import concrete
from tests.search.made_run import make_metrics, make_run

import wsrnas
from wsrnas.cli import main
from wsrnas.errors import InputError
from wsrnas.report.page import Page
from wsrnas.search.report.asked import check_sections, read_sections
from wsrnas.search.report.page import write_search_report
from wsrnas.search.report.record import read_search_run
from wsrnas.search.report.sections import SECTIONS, Section

GOOD = '''
from dataclasses import dataclass
from typing import ClassVar
from wsrnas.errors import at_least
from wsrnas.search.report.sections import Section

@dataclass(frozen=True, kw_only=True)
class Counted(Section):
    """How many labels there are."""
    name: ClassVar[str] = "counted"
    least: int = 1
    def __post_init__(self):
        at_least(1, **{"sections.settings.least": self.least})
    def add(self, page, record):
        page.section("Labels counted").text(f"{len(record.labelled)} of at least {self.least}")

class Broken(Section):
    """Fails half-way."""
    name: ClassVar[str] = "broken"
    def add(self, page, record):
        page.section("Half a section").facts({"half": 1})
        raise ZeroDivisionError("nothing to divide")

class Unfinished(Section):
    pass
'''


@pytest.fixture(params=concrete(Section), ids=lambda kind: kind.name)
def kind(request):
    return request.param


@pytest.fixture(autouse=True)
def undrawn(monkeypatch):
    """Leave figures empty: what they show is tested elsewhere, and drawing takes most of the time."""
    for module in ("curves", "figures"):
        monkeypatch.setattr(f"wsrnas.report.{module}.render", lambda figure: '<svg viewBox="0 0 9 9"></svg>')


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """A module of somebody's own, in the current folder, that nobody has imported yet."""
    monkeypatch.chdir(tmp_path)
    name = f"sections_{abs(hash(tmp_path))}"
    (tmp_path / f"{name}.py").write_text(GOOD)
    return name


def headings(page):
    return re.findall(r"<h2[^>]*>(.*?)</h2>", page.html())


def files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


@pytest.mark.parametrize("lines", [None, 1, 15])
def test_it_adds_one_heading_or_nothing_and_writes_nothing(kind, tmp_path, lines):
    """In a finished search and in one that was interrupted in its warm-up or after it."""
    run = make_run(tmp_path / "run") if lines is None else make_run(
        tmp_path / "run", result={}, metrics=make_metrics()[:lines]
    )  # fmt: skip
    before, page = files(run), Page("any")
    kind().add(page, read_search_run(run))
    found = headings(page)
    assert len(found) <= 1
    if not found:
        assert page.html() == Page("any").html()
    assert files(run) == before


def test_the_same_files_give_the_same_section_whatever_is_missing(kind, tmp_path):
    run = make_run(tmp_path / "run")
    for name in ("examples.npz", "timings.jsonl", "cell.svg", "comparison.json"):
        (run / name).unlink()
    pages = [Page("any"), Page("any")]
    for page in pages:
        kind().add(page, read_search_run(run))
    assert pages[0].html() == pages[1].html()


def test_its_settings_are_those_of_a_frozen_dataclass_with_a_name(kind):
    assert is_dataclass(kind)
    assert kind.__dataclass_params__.frozen
    assert kind() == kind()
    assert re.fullmatch(r"[a-z][a-z-]*", kind.name)


def test_every_section_of_ours_is_on_the_page_once():
    ours = [kind for kind in concrete(Section) if kind.__module__.startswith("wsrnas.")]
    assert {kind for _, kind in SECTIONS.items()} == set(ours)
    assert all(name == kind.name for name, kind in SECTIONS.items())


def test_a_section_of_ones_own_stands_before_the_facts(mine, tmp_path):
    run = make_run(tmp_path / "run")
    page = wsrnas.report(run, sections=[{"name": f"{mine}:Counted", "settings": {"least": 7}}])
    titles = re.findall(r"<h2[^>]*>(.*?)</h2>", page.read_text())
    assert titles[-2:] == ["Labels counted", "Facts of this run"]
    assert "32 of at least 7" in page.read_text()


def test_a_section_that_raises_is_left_out_whole_and_named(mine, tmp_path, capsys):
    run = make_run(tmp_path / "run")
    with pytest.warns(
        UserWarning, match=rf"section {mine}:Broken was left out \(ZeroDivisionError: nothing to divide\)"
    ):
        html = write_search_report(run, sections=[f"{mine}:Broken", f"{mine}:Counted"]).read_text()
    assert "Half a section" not in html
    assert "<dt>half" not in html
    assert f"This section {mine}:Broken was left out" in html
    titles = re.findall(r"<h2[^>]*>(.*?)</h2>", html)
    assert titles[-3:] == [f"{mine}:Broken", "Labels counted", "Facts of this run"]


def test_the_command_warns_of_it_and_keeps_the_page(mine, tmp_path, capsys):
    run = make_run(tmp_path / "run")
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        assert main(["report", str(run), "--sections", f"{mine}:Broken"]) == 0
    assert "nothing to divide); repair it and run `wsrnas report" in capsys.readouterr().err
    assert "Facts of this run" in (run / "report.html").read_text()


def test_a_run_folder_imports_nothing_by_itself(mine, tmp_path):
    run = make_run(tmp_path / "run")
    config = yaml.safe_load((run / "config.yaml").read_text()) | {"sections": [f"{mine}:Counted"]}
    (run / "config.yaml").write_text(yaml.safe_dump(config))
    with pytest.warns(UserWarning, match=f"if you trust that module, add --import {mine}"):
        html = write_search_report(run).read_text()
    assert "Labels counted" not in html
    assert main(["report", str(run), "--import", mine]) == 0
    assert "Labels counted" in (run / "report.html").read_text()


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("spred", "sections: expected a known name .*did you mean 'spread'"),
        ("spread", "sections: expected a section of your own, got 'spread'; leave it out: it is on every page"),
        ("{mine}:Nothing", "sections: expected something named 'Nothing'"),
        ("{mine}:Unfinished", "sections: expected a finished subclass of Section, got .* without add"),
        ("{mine}:Counted,{mine}:Counted", "sections: expected every section once, got '.*' twice"),
        ("[{{name: '{mine}:Counted', settings: {{most: 3}}}}]", r"sections\.settings\.most: expected a setting of"),
        ("[{{name: '{mine}:Counted', settings: {{least: 0}}}}]", r"sections\.settings\.least: expected at least 1"),
        ("[{{named: x}}]", r"sections: expected package\.module:Class, several with commas"),
    ],
)
def test_what_cannot_be_a_section_is_refused_before_any_folder_is_made(mine, tmp_path, capsys, asked, said):
    written = asked.format(mine=mine)
    assert main(["search", "--recipe", "digits", "--sections", written, "--out", str(tmp_path / "out")]) == 2
    assert re.search(said, capsys.readouterr().err)
    assert not (tmp_path / "out").exists()
    with pytest.raises(InputError, match=said):
        wsrnas.search("digits", sections=written, out=tmp_path / "out")


def test_a_recipe_may_not_bring_a_section_that_nobody_has_vouched_for(mine, tmp_path, capsys):
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(yaml.safe_dump({"base": "digits", "sections": [f"{mine}:Counted"]}))
    assert main(["search", "--recipe", str(recipe), "--dry-run"]) == 2
    assert f"if you trust that module, add --import {mine}" in capsys.readouterr().err


def test_a_run_folder_does_not_import_its_strategy_either(mine, tmp_path):
    run = make_run(tmp_path / "run")
    config = yaml.safe_load((run / "config.yaml").read_text()) | {"strategy": {"name": f"{mine}:Nearby"}}
    (run / "config.yaml").write_text(yaml.safe_dump(config))
    with pytest.raises(InputError, match=rf"config.yaml, strategy.name: .*add --import {mine}"):
        write_search_report(run)
    assert mine not in sys.modules


def test_only_a_search_has_sections(tmp_path, mine):
    run = make_run(tmp_path / "train")
    (run / "env.json").write_text('{"kind": "train"}')
    with pytest.raises(InputError, match="sections: expected the folder of a search, got .*, a train run"):
        wsrnas.report(run, sections=f"{mine}:Counted")


def test_names_and_mappings_mean_the_same():
    (by_name,), (by_mapping,) = read_sections("one:Two"), read_sections([{"name": "one:Two"}])
    assert by_name == by_mapping
    assert read_sections("") == []
    check_sections([])
