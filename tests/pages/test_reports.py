"""The pages that commands write, in a real browser: at two widths, light and dark."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from tests.pages.browser import Browser
from tests.pages.reading import COPIED, FAINT, LOST, REACHED, SMALL, WIDER
from tests.report.test_page import full_page
from tests.search.made_run import make_run
from torch import nn

from wsrnas.attacks import PGD
from wsrnas.evaluation import evaluate
from wsrnas.evaluation.comparison.compare import compare
from wsrnas.evaluation.folder.report import write_report
from wsrnas.report.figures import Series, curve_figure
from wsrnas.report.svg import standalone
from wsrnas.search.report.page import write_search_report

WIDTHS = (375, 1200)
CONTRAST = 4.5
"""What WCAG 2.2 asks of text at level AA."""
LETTERS = 8.5
"""The least height of text in pixels: the labels of a drawing on a telephone."""


def evaluated(folder: Path) -> Path:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(16, 3)).eval()
    attacks = [PGD(eps=0.1, steps=2)]
    strengths = ",".join(f"{k}/255" for k in range(0, 33, 3))
    evaluate(
        model, torch.rand(12, 1, 4, 4), torch.arange(12) % 3, strengths, attacks=attacks, out=folder, progress=False
    )
    write_report(folder, name="a model with a rather long name")
    return folder


def compared(folder: Path) -> Path:
    runs = [evaluated(folder / name) for name in ("one", "another-with-a-long-name")]
    compare(runs).write(folder)
    return folder / "compare.html"


PAGES: dict[str, Callable[[Path], Path]] = {
    "every block": lambda folder: full_page().write(folder / "page.html"),
    "search": lambda folder: write_search_report(make_run(folder / "run")),
    "evaluation": lambda folder: evaluated(folder) / "eval" / "report.html",
    "comparison": compared,
}


@pytest.fixture(scope="module", params=PAGES)
def page(request: pytest.FixtureRequest, reader: Browser, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of a page."""
    return PAGES[request.param](tmp_path_factory.mktemp("page")).resolve().as_uri()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_a_page_is_readable_and_complains_of_nothing(page: str, width: int, dark: bool, reader: Browser) -> None:
    reader.open(page, width=width, dark=dark)
    assert reader.complaints() == []
    assert reader.run(WIDER) == []
    assert reader.run("document.documentElement.scrollWidth") <= width
    assert reader.run(FAINT.replace("LEAST", str(CONTRAST))) == []
    assert reader.run(SMALL.replace("LEAST", str(LETTERS))) == []


def test_links_and_copy_buttons_work(page: str, reader: Browser) -> None:
    reader.open(page, width=1200, dark=False)
    assert reader.run(LOST) == []
    assert reader.run(REACHED) == []
    reader.allow_clipboard()
    for command, clipboard, said in reader.run(COPIED):
        assert clipboard == command
        assert said == "Copied"
    assert reader.complaints() == []


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_a_drawing_of_its_own_follows_the_readers_setting(dark: bool, reader: Browser, tmp_path: Path) -> None:
    drawn = curve_figure([Series("a", [0, 0.1], [0.5, 0.2])], x_label="x", y_label="y")
    (tmp_path / "a.svg").write_text(standalone(drawn, "a & b"))
    reader.open((tmp_path / "a.svg").as_uri(), width=800, dark=dark)
    assert reader.complaints() == []
    assert reader.run("getComputedStyle(document.querySelector('rect')).fill") == (
        "rgb(23, 29, 36)" if dark else "rgb(255, 255, 255)"
    )
    assert reader.run("document.documentElement.getAttribute('aria-label')") == "a & b"


def test_the_reader_would_notice(reader: Browser, tmp_path: Path) -> None:
    """Each fault that the tests above look for, made on purpose."""
    bad = "<!doctype html><p style='color: #aaa; font-size: 6px'>faint</p><div style='width: 2000px'>wide</div>"
    (tmp_path / "bad.html").write_text(f"{bad}<a href='#none'>x</a><script>console.error('bad'); gone()</script>")
    reader.open((tmp_path / "bad.html").as_uri(), width=1200, dark=False)
    assert len(reader.complaints()) == 2
    assert len(reader.run(WIDER)) == 1
    assert reader.run(LOST) == ["none"]
    (faint,) = reader.run(FAINT.replace("LEAST", str(CONTRAST)))
    assert faint.endswith("faint")
    assert reader.run(SMALL.replace("LEAST", str(LETTERS))) == ["faint"]
