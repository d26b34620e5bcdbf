"""The page of the report: whole, small, silent, and alive in a real browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser import Chromium, open_chromium, open_page
from training.report.facts import ReportFacts
from training.report.page import render
from training.report.words import Speaker

MIB = 2**20


@pytest.fixture(scope="module")
def chromium() -> Iterator[Chromium]:
    """One browser; each test has a page of its own."""
    with open_chromium() as browser:
        yield browser


@pytest.mark.parametrize("language", ["en", "de"])
def test_the_page_is_whole_small_and_asks_nobody(pages: dict[str, Path], language: str) -> None:
    text = pages[language].read_text(encoding="utf-8")
    assert len(text.encode()) < 3 * MIB
    own = text[: text.index('<script type="application/json" id="facts">')]
    assert not re.findall(r"""(?:src|href)=["'](?!#)""", own), "nothing is fetched"
    visible = re.sub(r"<(style|svg)\b.*?</\1>", "", own, flags=re.S)
    visible = re.sub(r"<[^>]+>", " ", visible)
    assert not re.search(r"\bnan\b|\bNone\b(?! of)|\{\w+\}", visible)
    assert visible.count("?") > 10, "every section is a question"


def test_the_sections_stand_in_the_order_a_marketer_asks(pages: dict[str, Path]) -> None:
    text = pages["en"].read_text(encoding="utf-8")
    order = re.findall(r'<section id="(\w+)"', text)
    assert order == ["do", "more", "handover", "bands", "true", "who", "long", "value", "drives", "apart", "next", "data"]
    assert "What should we do?" in text


def test_german_is_german(pages: dict[str, Path]) -> None:
    text = pages["de"].read_text(encoding="utf-8")
    own = re.sub(r"<(style|svg|details)\b.*?</\1>", "", text[: text.index('id="facts"')], flags=re.S)
    words = re.sub(r"<[^>]+>", " ", own)
    assert "Was sollten wir tun?" in words
    for english in (" the ", " leads that ", " became ", " customers"):
        assert english not in words, english


def test_hostile_names_stay_text(facts: dict[str, ReportFacts]) -> None:
    """Lead ids, sources and campaigns come from other people's systems."""
    from dataclasses import replace

    evil = "</script><script>alert(1)</script>"
    f = facts["en"]
    apart = [{**lead, "lead_id": evil} for lead in f.disagreements]
    worth = f.worth.assign(group=[evil if by == "source" else g for by, g in zip(f.worth["by"], f.worth["group"], strict=True)])
    text = render(replace(f, name=evil, disagreements=apart, worth=worth), Speaker("en"))
    assert "<script>alert(1)" not in text


@pytest.mark.parametrize("width", [390, 1200])
def test_it_works_in_a_browser(chromium: Chromium, pages: dict[str, Path], width: int) -> None:
    """On a phone and on a screen: every chart comes alive, nothing is too wide, nobody is asked."""
    with open_page(chromium, width=width) as browser:
        browser.page.goto(pages["en"].as_uri())
        charts = browser.page.locator(".chart")
        assert charts.count() >= 8
        for i in range(charts.count()):
            charts.nth(i).scroll_into_view_if_needed()
            browser.page.locator(f".chart >> nth={i} >> svg.marks").wait_for()
        browser.page.wait_for_function("!document.querySelector('.chart:not(.live)')")

        assert browser.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert browser.complaints == []
        assert browser.asked == []


def test_the_sliders_say_what_another_capacity_brings(chromium: Chromium, pages: dict[str, Path]) -> None:
    with open_page(chromium) as browser:
        browser.page.goto(pages["de"].as_uri())
        before = browser.page.locator("#policy-said").inner_text()
        assert before.startswith("Bei 10 Kontakten je Woche trifft das Modell")
        browser.page.locator("#capacity").fill("20")
        after = browser.page.locator("#policy-said").inner_text()
        assert after.startswith("Bei 20 Kontakten")
        browser.page.locator("#cost").fill("100")
        assert "zu je 100 EUR" in browser.page.locator("#policy-said").inner_text()


def test_it_can_be_read_without_scripts_and_on_paper(chromium: Chromium, pages: dict[str, Path]) -> None:
    with open_page(chromium, javascript=False) as browser:
        browser.page.goto(pages["en"].as_uri())
        assert browser.page.locator(".chart svg").count() == browser.page.locator(".chart").count()
        browser.page.emulate_media(media="print")
        assert not browser.page.locator("nav").is_visible()
        assert len(browser.page.pdf()) > 50_000
