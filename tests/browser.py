"""A real browser for tests: Chromium as the system has it, without network but for loopback."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page, ViewportSize, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")

# controls without any name
NAMELESS = """[...document.querySelectorAll('input, select, textarea, button, a')]
    .filter((e) => e.checkVisibility())
    .filter((e) => !(e.textContent.trim() || e.getAttribute('aria-label') || (e.labels && e.labels.length))).length"""

# the lowest contrast of any text with its ground (WCAG 2.2)
WORST_CONTRAST = """(() => {
    const channel = (v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    const light = (colour) => {
        const [r, g, b] = colour.match(/[\\d.]+/g).slice(0, 3).map((v) => channel(v / 255));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const ground = (e) => {
        for (; e; e = e.parentElement) {
            const colour = getComputedStyle(e).backgroundColor;
            if (!/, 0\\)$|transparent/.test(colour)) return colour;
        }
        return 'rgb(255,255,255)';
    };
    let worst = 21;
    for (const e of document.querySelectorAll('body *')) {
        const text = [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
        if (!text || !e.checkVisibility()) continue;
        const style = getComputedStyle(e);
        const pair = [light(e instanceof SVGElement ? style.fill : style.color), light(ground(e))];
        worst = Math.min(worst, (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05));
    }
    return worst;
})()"""


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
def open_chromium() -> Iterator[Chromium]:
    """A browser without any page, for several pages one after the other. Nothing else may run a loop of asyncio meanwhile."""
    path = executable()
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        try:
            yield chromium
        finally:
            chromium.close()


@contextmanager
def open_page(chromium: Chromium, *, width: int = 1200, javascript: bool = True, language: str = "en-GB") -> Iterator[Browser]:
    """A page that knows nothing of the others: with cookies, storage and a cache of its own, closed at the end."""
    size: ViewportSize = {"width": width, "height": 900}
    context = chromium.new_context(viewport=size, java_script_enabled=javascript, locale=language)
    try:
        found = Browser(context.new_page())
        found.page.on("console", lambda m: found.complaints.append(m.text) if m.type in ("error", "warning") else None)
        found.page.on("pageerror", lambda error: found.complaints.append(str(error)))
        found.page.on("request", lambda r: found.asked.append(r.url) if not _own(r.url) else None)
        yield found
    finally:
        context.close()


@contextmanager
def open_browser(*, width: int = 1200, javascript: bool = True, language: str = "en-GB") -> Iterator[Browser]:
    """A fresh browser, closed at the end."""
    with open_chromium() as chromium, open_page(chromium, width=width, javascript=javascript, language=language) as found:
        yield found


def _own(url: str) -> bool:
    return url.startswith(("file:", "data:", "blob:", "about:", "http://127.0.0.1:"))
