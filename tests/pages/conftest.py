"""A browser for the tests of this folder, where one is installed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.pages.browser import NAMES, Browser, browser, installed


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    program = installed()
    if program is None:
        pytest.skip(f"no browser is installed (looked for {', '.join(NAMES)})")
    with browser(program, tmp_path_factory.mktemp("browser")) as found:
        yield found
