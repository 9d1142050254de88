"""The files around the package agree with it and with each other: site, citation, workflow, hooks, contributing."""

import re
from pathlib import Path

import pytest
import yaml
from tests.traces import ROOT

import wsrnas
from wsrnas.recipes.renamed import RENAMED

DOCS = ROOT / "docs"
GATE = (ROOT / "check").read_text()


def read(name):
    return yaml.safe_load((ROOT / name).read_text())


def pages(navigation):
    """Yield the pages of a navigation, in order."""
    for entry in navigation:
        for value in entry.values() if isinstance(entry, dict) else [entry]:
            if isinstance(value, str):
                yield value
            else:
                yield from pages(value)


def test_the_sites_navigation_holds_every_page_once():
    listed = list(pages(read("mkdocs.yml")["nav"]))
    assert sorted(listed) == sorted(str(path.relative_to(DOCS)) for path in DOCS.rglob("*.md"))


def test_files_that_the_site_takes_in_link_to_nothing_relative():
    for page in DOCS.rglob("*.md"):
        for name in re.findall(r'^--8<-- "(.*)"$', page.read_text(), re.MULTILINE):
            links = re.findall(r"\]\(([^)#]+)\)", (ROOT / name).read_text())
            assert not [link for link in links if "://" not in link], name


def test_every_module_that_the_site_documents_exists():
    named = [name for path in (DOCS / "api").glob("*.md") for name in re.findall(r"^::: (\S+)", path.read_text(), re.M)]
    assert len(named) > 10
    for name in named:
        place = ROOT / "src" / Path(*name.split("."))
        assert place.with_suffix(".py").is_file() or (place / "__init__.py").is_file(), name


def test_the_citation_is_complete_and_of_this_version():
    citation = read("CITATION.cff")
    assert citation["cff-version"] == "1.2.0"
    assert citation["version"] == wsrnas.__version__
    assert {"message", "title", "authors", "license", "type"} <= set(citation)
    (paper,) = citation["references"]
    assert paper["title"] in (ROOT / "README.md").read_text().replace("\n", " ")
    assert [author["family-names"] for author in paper["authors"]] == ["Cheng", "Li", "Dong", "Su", "You", "Xu"]


def test_the_workflow_runs_the_same_check_on_every_python():
    workflow = read(".github/workflows/check.yml")
    jobs = workflow["jobs"]
    assert jobs["check"]["strategy"]["matrix"]["python"] == ["3.10", "3.11", "3.12", "3.13"]
    assert 'requires-python = ">=3.10"' in (ROOT / "pyproject.toml").read_text()
    assert jobs["check"]["steps"][-1] == {"run": "./check"}
    assert jobs["newest-torch"]["steps"][-1] == {"run": "./check fast", "env": {"WSRNAS_TORCH": "newest"}}
    assert '[ "${WSRNAS_TORCH:-}" != newest ] || install --upgrade torch' in GATE


def test_hooks_are_tools_of_the_check():
    (repo,) = read(".pre-commit-config.yaml")["repos"]
    assert repo["repo"] == "local"
    for hook in repo["hooks"]:
        assert hook["language"] == "system"
        assert hook["name"] in GATE, f"./check does not run {hook['name']}"


def test_the_check_ends_with_the_tests():
    lines = GATE.strip().splitlines()
    assert "pytest" in lines[-1]
    first_test = next(place for place, line in enumerate(lines) if line.startswith("run pytest"))
    assert next(place for place, line in enumerate(lines) if "zensical build" in line) < first_test


@pytest.mark.parametrize(
    "form", sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml")), ids=lambda path: path.stem
)
def test_issue_forms_are_well_formed(form):
    content = yaml.safe_load(form.read_text())
    if form.stem == "config":
        assert content == {"blank_issues_enabled": True}
        return
    assert {"name", "description", "body"} <= set(content)
    for field in content["body"]:
        assert field["attributes"]["label"]


def test_the_slowest_tests_that_contributing_names_exist():
    rows = re.findall(r"^\| [\d.]+ \| `(tests/\S+)::(\w+)` \|$", (ROOT / "CONTRIBUTING.md").read_text(), re.MULTILINE)
    assert len(rows) == 10
    for file, name in rows:
        assert f"def {name}(" in (ROOT / file).read_text(), f"{file}::{name}"


def test_upgrading_lists_every_renamed_setting_and_only_those():
    tables = re.findall(r"^### `wsrnas (\w+)`\n(.*?)(?=^##|\Z)", (ROOT / "UPGRADING.md").read_text(), re.DOTALL | re.M)
    listed = {
        (command, old.removesuffix(".*"), new.removesuffix(".*"))
        for command, text in tables
        for old, new in re.findall(r"^\| `([\w.*]+)` \| `([\w.*]+)` \|$", text, re.MULTILINE)
    }
    assert listed == {(command, old, new) for command, table in RENAMED.items() for old, new in table.items()}
