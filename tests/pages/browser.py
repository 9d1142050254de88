"""A browser without a window, spoken to over a pipe in its own protocol: Chromium's, which needs no library."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
QUIET = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
         "--disable-extensions", "--disable-background-networking", "--remote-debugging-pipe")  # fmt: skip
PATIENCE = 60.0
"""Seconds for one answer, on a busy machine."""


def installed() -> str | None:
    """Return the path of a browser; None where there is none."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


class Browser:
    """One page, and what it complained about since it was opened."""

    def __init__(self, send: int, receive: int) -> None:
        self._send, self._receive = send, receive
        self._buffer, self._count, self._session = b"", 0, ""
        self.events: list[dict[str, Any]] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.call(f"{domain}.enable")
        # Every page is opened by a new reader, of whom it remembers nothing.
        self.call("Page.addScriptToEvaluateOnNewDocument", source="try { localStorage.clear(); } catch {}")

    def call(self, method: str, **parameters: Any) -> Any:
        """Ask for something, and return the answer; what happens meanwhile is kept in `events`."""
        self._count += 1
        number = self._count
        message: dict[str, Any] = {"id": number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._send, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._read()
            if answer.get("id") == number:
                assert "error" not in answer, f"{method}: {answer['error']}"
                return answer["result"]
            self.events.append(answer)

    def open(self, url: str, *, width: int, dark: bool) -> None:
        """Load a page in a window of `width` pixels, for a new reader who prefers dark pages or light ones."""
        phone = width < 600
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=phone)
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.call("Emulation.setEmulatedMedia", features=scheme)
        self.events.clear()
        self.call("Page.navigate", url=url)
        end = time.monotonic() + PATIENCE
        while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
            assert time.monotonic() < end, f"{url} did not load"
            self.events.append(self._read())
        assert self.run("document.URL") == url

    def run(self, script: str) -> Any:
        """Return the value of an expression in the page, as if the reader had asked for it; a promise is waited for."""
        how = {"returnByValue": True, "awaitPromise": True, "userGesture": True}
        found = self.call("Runtime.evaluate", expression=script, **how)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def complaints(self) -> list[str]:
        """Return what the page wrote to the console as error or warning, exceptions and failed loads."""
        self.run("new Promise(done => setTimeout(done, 50))")
        found = []
        for event in self.events:
            values = event.get("params", {})
            if event.get("method") == "Runtime.exceptionThrown":
                found.append(str(values["exceptionDetails"].get("text")))
            elif event.get("method") == "Log.entryAdded" and values["entry"]["level"] in ("error", "warning"):
                found.append(f"{values['entry']['text']} {values['entry'].get('url', '')}")
            elif event.get("method") == "Runtime.consoleAPICalled" and values["type"] in ("error", "warning", "assert"):
                found.append(str(values["args"]))
        return found

    def allow_clipboard(self) -> None:
        """Let pages read and write the clipboard, as a reader in front of the window may."""
        self.call("Page.bringToFront")
        session, self._session = self._session, ""
        self.call("Browser.grantPermissions", permissions=["clipboardReadWrite", "clipboardSanitizedWrite"])
        self._session = session

    def picture(self, path: Path) -> None:
        """Write what is seen as a PNG."""
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", captureBeyondViewport=True)["data"]))

    def _read(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            more = os.read(self._receive, 1 << 16)
            assert more, "the browser has ended"
            self._buffer += more
        message, self._buffer = self._buffer.split(b"\0", 1)
        found: dict[str, Any] = json.loads(message)
        return found


@contextmanager
def browser(program: str, folder: Path) -> Iterator[Browser]:
    """Start a browser that keeps everything in `folder`, and end it."""
    theirs_read, ours_write = os.pipe()
    ours_read, theirs_write = os.pipe()

    def wire() -> None:
        # The browser reads from 3 and writes to 4.
        first, second = os.dup(theirs_read), os.dup(theirs_write)
        os.dup2(first, 3)
        os.dup2(second, 4)

    process = subprocess.Popen(
        [program, *QUIET, f"--user-data-dir={folder / 'profile'}"],
        preexec_fn=wire,
        close_fds=False,
        env={**os.environ, "HOME": str(folder)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(theirs_read)
    os.close(theirs_write)
    try:
        yield Browser(ours_write, ours_read)
    finally:
        os.close(ours_write)
        process.terminate()
        process.wait(timeout=PATIENCE)
        os.close(ours_read)
