"""Pages: one offline file, everything escaped, nothing fetched, nothing that runs but the copy button."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from wsrnas.errors import InputError
from wsrnas.report.figures import Series, curve_figure, image_grid
from wsrnas.report.page import Page

EVIL = "<script>alert(\"x\")</script> & 'quotes'"
PIXEL = "data:image/png;base64,iVBORw0KGgo="
SVG = '<svg width="10pt" height="5pt" viewBox="0 0 10 5"><path id="a" fill="#1d2733" d="M0 0"/></svg>'


class Outline(HTMLParser):
    """Collects tags, identifiers and links, and complains about unbalanced tags."""

    VOID = ("meta", "img", "br", "path", "use", "link")

    def __init__(self, html: str) -> None:
        super().__init__()
        self.stack: list[str] = []
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.feed(html)
        assert self.stack == []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.ids += [value or "" for name, value in attributes if name == "id"]
        self.links += [value or "" for name, value in attributes if name in ("src", "href", "xlink:href")]
        if tag not in self.VOID:
            self.stack.append(tag)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attributes)
        if tag not in self.VOID:
            self.stack.pop()

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.stack.pop() == tag


def full_page() -> Page:
    figure = curve_figure([Series("a <b>", [0, 0.1], [0.5, 0.2])], x_label="strength", y_label="y")
    page = Page(f"Title {EVIL}", EVIL)
    page.facts({EVIL: EVIL, "share": 0.123456})
    page.section(EVIL, f"{EVIL}\n\nSecond paragraph.").text(EVIL)
    page.figure(figure, EVIL).figure(figure, "again")
    page.section("Two").table([EVIL, "n"], [[EVIL, 1.23456], ["b", None]], EVIL, highlight=1)
    page.section("Three").image(PIXEL, EVIL).command(f"wsrnas train {EVIL}", EVIL).callout("warning", EVIL)
    return page


def test_text_is_escaped_wherever_it_comes_from() -> None:
    html = full_page().html()
    assert "<script>alert" not in html
    assert html.count("&lt;script&gt;alert") >= 12
    assert Outline(html).tags.count("script") == 1


def test_nothing_is_fetched_and_identifiers_are_unique() -> None:
    html = full_page().html()
    outline = Outline(html)
    assert all(link.startswith(("#", "data:image/png;base64,")) for link in outline.links)
    assert not re.search(r"(src|href)=\"(https?:)?//", html)
    assert "@import" not in html
    assert len(outline.ids) == len(set(outline.ids))
    for used in re.findall(r"url\(#([^)]+)\)|href=\"#([^\"]+)\"", html):
        assert "".join(used) in outline.ids


def test_numbers_are_written_short_and_aligned_right() -> None:
    html = full_page().html()
    assert '<td class="number">1.235</td>' in html
    assert '<td class="number">–</td>' in html
    assert "<dd>0.1235</dd>" in html
    assert '<tr class="highlight">\n<td>b</td>' in html


def test_figures_follow_dark_pages_and_speak_to_screen_readers() -> None:
    html = Page("t").figure(SVG, "a caption", alt="what is drawn").html()
    assert 'fill="var(--ink, #1d2733)"' in html
    assert 'role="img" aria-label="what is drawn"' in html
    assert 'id="f0-a"' in html
    assert "prefers-color-scheme: dark" in html
    assert "<figcaption>a caption</figcaption>" in html


def test_contents_are_listed_once_there_are_several_sections() -> None:
    assert '<a href="#three-3">Three</a>' in full_page().html()
    assert "<nav" not in Page("t").section("only").html()


@pytest.mark.parametrize(
    "svg",
    [
        "<svg><script>alert(1)</script></svg>",
        '<svg onload="alert(1)"></svg>',
        '<svg><image href="http://example.org/a.png"/></svg>',
        "<svg><style>@import 'x';</style></svg>",
        '<svg><a xlink:href="javascript:alert(1)"/></svg>',
        "<svg><foreignObject/></svg>",
    ],
)
def test_drawings_that_run_or_fetch_are_refused(svg: str) -> None:
    with pytest.raises(InputError, match="svg: expected a drawing without scripts"):
        Page("t").figure(svg, "c")


def test_wrong_blocks_are_refused_by_name() -> None:
    page = Page("t")
    with pytest.raises(InputError, match="svg: expected an SVG drawing"):
        page.figure("hello", "c")
    with pytest.raises(InputError, match=r"data_uri: expected data:image/png"):
        page.image("http://example.org/a.png", "c")
    with pytest.raises(InputError, match="rows: expected 2 cells as in headers"):
        page.table(["a", "b"], [["1"]], "c")


def test_write_replaces_the_file_whole_and_leaves_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "report.html"
    assert Page("one").write(target) == target
    Page("two").write(target)
    assert "<h1>two</h1>" in target.read_text(encoding="utf-8")
    assert [path.name for path in target.parent.iterdir()] == ["report.html"]


def test_a_page_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"report\.html: cannot be written"):
        Page("t").write(tmp_path / "file" / "report.html")


def test_images_from_the_grid_are_accepted() -> None:
    import torch

    assert "data:image/png" in Page("t").image(image_grid([("a", torch.zeros(1, 1, 2, 2))], ["0"]), "c").html()
