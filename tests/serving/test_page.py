"""The page in a real browser, on a real server: as sales and marketing see it."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page, expect

from serving.schemas.score import EXAMPLE
from tests.browser import NAMELESS, WORST_CONTRAST, Browser, open_chromium, open_page
from tests.serving.processes import Site


@pytest.fixture(scope="module")
def chromium() -> Iterator[Chromium]:
    with open_chromium() as found:
        yield found


@pytest.fixture
def url(site: Site) -> str:
    return site.url


def sign_in(page: Page, site: Site) -> None:
    """As sales does: the page asks for a key, once."""
    page.goto(site.url)
    page.get_by_label("API key").fill(site.key)
    page.keyboard.press("Enter")
    page.locator("#leads tbody tr").first.wait_for()


@pytest.fixture
def browser(chromium: Chromium, site: Site) -> Iterator[Browser]:
    with open_page(chromium) as found:
        sign_in(found.page, site)
        yield found
        assert found.complaints == []
        assert found.asked == [], "nobody but this server"


def test_the_work_list_is_filtered_sorted_and_downloaded(browser: Browser, tmp_path: Path) -> None:
    page = browser.page
    assert "open leads as of 2026" in page.locator("#count").inner_text()
    page.get_by_label("What to do").select_option("nurture")
    expect(page.locator("#leads td.action:not(.nurture)")).to_have_count(0)
    page.get_by_role("button", name="points").click()
    page.locator("#leads th[aria-sort=descending]", has_text="points").wait_for()
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Download as CSV").click()
    waiting.value.save_as(tmp_path / "list.csv")
    rows = list(csv.DictReader((tmp_path / "list.csv").read_text(encoding="utf-8").splitlines()))
    assert {row["action"] for row in rows} == {"nurture"}
    points = [float(row["points"]) for row in rows]
    assert points == sorted(points, reverse=True)


def test_a_lead_is_picked_and_its_score_stands_beside_its_points(browser: Browser) -> None:
    page = browser.page
    cells = page.locator("#leads tbody tr").first.locator("td").all_inner_texts()
    page.locator("#leads tbody a").first.click()
    page.locator("#what-if").wait_for()
    assert page.locator("#by-model").inner_text() == cells[2]
    assert page.locator("#by-rules").inner_text() == cells[7]
    assert "hand over as" in page.locator("#advice").inner_text()
    assert page.locator("svg[role=img]").get_attribute("aria-label"), "the curve can be heard"
    assert page.locator("#what-if tbody tr").count() > 10


def test_what_if_answers_for_one_of_your_own(browser: Browser) -> None:
    page = browser.page
    page.locator("#leads tbody a").first.click()
    page.locator("#what-if").wait_for()
    page.get_by_label("Try one of your own").select_option("demo_requested")
    page.get_by_role("button", name="Add").click()
    page.locator("#what-if tbody tr", has_text="demo requests").nth(1).wait_for()
    assert page.locator("#what-if tbody tr").first.inner_text().startswith("demo requests")


def test_a_pasted_lead_is_scored_and_a_wrong_one_is_answered(browser: Browser, url: str) -> None:
    page = browser.page
    page.goto(f"{url}/#lead")
    page.locator("#body").fill(json.dumps(EXAMPLE))
    page.get_by_role("button", name="Score", exact=True).click()
    page.locator("#what-if").wait_for()
    assert page.locator("#answer h3").first.inner_text() == "L-1"
    wrong = {**EXAMPLE, "leads": [{**EXAMPLE["leads"][0], "lead_stage": "mqll"}]}
    page.locator("#body").fill(json.dumps(wrong))
    page.get_by_role("button", name="Score", exact=True).click()
    page.locator("#trouble:visible").wait_for()
    assert "did you mean 'mql'" in page.locator("#trouble").inner_text()
    browser.complaints[:] = [c for c in browser.complaints if "422" not in c]  # the browser logs every refusal


def test_german_is_chosen_and_kept(browser: Browser, url: str) -> None:
    page = browser.page
    page.get_by_label("Language").select_option("de")
    assert page.locator("#list-title").inner_text() == "Wen sollte der Vertrieb als Nächstes anrufen?"
    page.goto(f"{url}/#lead")
    page.reload()
    page.get_by_label("Sprache").wait_for()
    assert page.locator("html").get_attribute("lang") == "de"


def test_the_report_is_there(browser: Browser) -> None:
    page = browser.page
    page.get_by_role("link", name="Report", exact=True).click()
    frame = page.frame_locator("#report-frame")
    frame.get_by_role("heading", name="What should we do?").wait_for()
    frame.locator("#capacity").fill("15")
    assert "At 15 contacts" in frame.locator("#policy-said").inner_text()


def test_the_keyboard_is_enough(browser: Browser) -> None:
    """From the top: skip link, navigation, filters; Enter on a lead opens it."""
    page = browser.page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.locator("#leads tbody a").first.focus()
    page.keyboard.press("Enter")
    page.locator("#what-if").wait_for()
    assert page.evaluate("document.activeElement.id") == "main", "a screen reader starts where the news is"


def test_everything_has_a_name_and_enough_contrast(browser: Browser) -> None:
    """Controls have labels, and text differs from its ground by 4.5 to 1 (WCAG 2.2, 1.4.3)."""
    page = browser.page
    page.locator("#leads tbody a").first.click()
    page.locator("#what-if").wait_for()
    assert page.evaluate(NAMELESS) == 0
    worst = page.evaluate(WORST_CONTRAST)
    assert worst >= 4.5


def test_a_phone_shows_it_without_scrolling_sideways(chromium: Chromium, site: Site) -> None:
    with open_page(chromium, width=390) as phone:
        sign_in(phone.page, site)
        phone.page.locator("#leads tbody a").first.click()
        phone.page.locator("#what-if").wait_for()
        assert phone.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
