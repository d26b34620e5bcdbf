"""A real browser for tests: Chromium as the system has it, without network but for loopback."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Page, ViewportSize, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")


@dataclass
class Browser:
    """A page, what its console complained about, and the addresses it asked that are not its own."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)


def executable() -> str:
    """Where the browser is: `CHROMIUM`, or the first known name on the path. Without one the test is skipped."""
    found = os.environ.get("CHROMIUM") or next((path for name in NAMES if (path := shutil.which(name))), None)
    if not found:
        pytest.skip("no Chromium here: install one, or name it in CHROMIUM")
    return found


@contextmanager
def open_browser(*, width: int = 1200, javascript: bool = True, language: str = "en-GB") -> Iterator[Browser]:
    """A fresh browser, closed at the end."""
    path = executable()
    size: ViewportSize = {"width": width, "height": 900}
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        try:
            context = chromium.new_context(viewport=size, java_script_enabled=javascript, locale=language)
            found = Browser(context.new_page())
            found.page.on("console", lambda m: found.complaints.append(m.text) if m.type in ("error", "warning") else None)
            found.page.on("pageerror", lambda error: found.complaints.append(str(error)))
            found.page.on("request", lambda r: found.asked.append(r.url) if not _own(r.url) else None)
            yield found
        finally:
            chromium.close()


def _own(url: str) -> bool:
    return url.startswith(("file:", "data:", "blob:", "about:", "http://127.0.0.1:"))
