"""The documentation site, built as `./check` builds it: links and anchors, and some of its pages in a real browser."""

from __future__ import annotations

import functools
import http.server
import importlib.util
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import pytest
from tests.pages.browser import Browser
from tests.pages.reading import WIDER
from tests.traces import ROOT

TAKEN = ("docs", "src", "mkdocs.yml", "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "UPGRADING.md", "LICENSE")
SEEN = ("", "photos/", "tutorials/judge/", "tutorials/attack/", "results/", "api/attacks/", "use/", "changelog/")
"""Pages of every kind: text, blocks to copy, wide tables, long names."""
BUTTONS = """(async () => {
  const blocks = document.querySelectorAll('pre');
  const buttons = document.querySelectorAll('.md-code__button[data-md-type="copy"]');
  if (buttons.length) {
    buttons[0].click();
    await new Promise(done => setTimeout(done, 500));
  }
  const code = buttons.length ? buttons[0].closest('pre, .highlight, .md-typeset').querySelector('code') : null;
  const copied = await navigator.clipboard.readText();
  return [blocks.length, buttons.length, code && code.textContent.trim(), copied.trim()];
})()"""


class Outline(HTMLParser):
    """The links and the names of one page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.links: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = dict(attributes)
        self.names |= {value for key in ("id", "name") if (value := found.get(key))}
        self.links |= {value for key in ("href", "src") if (value := found.get(key))}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the site, built from a copy."""
    if importlib.util.find_spec("zensical") is None:
        pytest.skip("the site's builder is not installed: it needs Python 3.11")
    folder = tmp_path_factory.mktemp("site")
    for name in TAKEN:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / name)
    command = [sys.executable, "-m", "zensical", "build", "--strict", "--clean"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "site"


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    """The address at which the site is served, on this machine alone."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        timeout = 1  # a connection that the browser opened in advance does not outlive its test

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(site)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.slow
def test_every_link_of_the_site_leads_to_a_page_and_a_place_on_it(site: Path) -> None:
    pages = {page.relative_to(site).as_posix(): Outline(page.read_text()) for page in site.rglob("*.html")}
    assert len(pages) > 40
    lost = []
    for name, page in pages.items():
        if name == "404.html":
            continue
        for link in page.links:
            parts = urlsplit(urljoin(f"http://site/{name}", link))
            if parts.netloc != "site" or parts.scheme not in ("http", "https"):
                continue
            path = unquote(parts.path).lstrip("/")
            path = f"{path}index.html" if path.endswith("/") or not path else path
            names = pages[path].names if parts.fragment and path in pages else {unquote(parts.fragment)}
            if not (site / path).is_file() or unquote(parts.fragment) not in names:
                lost.append(f"{name}: {link}")
    assert not lost


@pytest.mark.slow
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [375, 1200])
def test_pages_of_the_site_are_readable_and_complain_of_nothing(
    address: str, width: int, dark: bool, reader: Browser
) -> None:
    reader.open("about:blank", width=width, dark=dark)
    for page in SEEN:
        reader.open(address + page, width=width, dark=dark)
        assert reader.complaints() == [], page
        assert reader.run("document.documentElement.scrollWidth") <= width, page
        assert reader.run(WIDER.replace("body *", "article *")) == [], page
        reader.run("new Promise(done => setTimeout(done, 300))")  # colours change gradually
        brightness = reader.run("getComputedStyle(document.body).backgroundColor.match(/[0-9.]+/g).map(Number)")
        assert (max(brightness[:3]) < 100) == dark, page
        fetched = reader.run("performance.getEntriesByType('resource').map(one => one.name)")
        assert all(one.startswith((address, "data:", "blob:")) for one in fetched), page


@pytest.mark.slow
def test_blocks_of_the_site_can_be_copied(address: str, reader: Browser) -> None:
    reader.open(f"{address}tutorials/attack/", width=1200, dark=False)
    reader.allow_clipboard()
    blocks, buttons, code, clipboard = reader.run(BUTTONS)
    assert blocks == buttons > 0
    assert clipboard == code
