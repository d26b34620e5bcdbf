"""The report: its numbers against naive ones, its text in both languages, and its page in a real browser."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from tests.browser import open_browser
from tests.trained import Trained
from training.common.config import Config
from training.evaluation.capacity import capture_difference
from training.report.drivers import psi
from training.report.facts import Findings, ReportFacts, gather
from training.report.measures import contact_curve, migration
from training.report.page import render
from training.report.survival import incidence
from training.report.words import Speaker

MIB = 2**20


@pytest.fixture(scope="module")
def facts(trained: Trained) -> dict[str, ReportFacts]:
    out = trained.outcome
    config = Config.read(trained.config)
    from features.dataset.data_report import DataReport
    from training.data.load import load
    from training.evaluation.worth import worth

    dataset, report = load(config)
    assert isinstance(report, DataReport)
    found = Findings(worth(out.prepared, dataset, out.model), out.model.next_steps)
    return {
        language: gather(config, report, out.prepared, out.holdout, out.handover_result, found, language)  # type: ignore[arg-type]
        for language in ("en", "de")
    }


@pytest.fixture(scope="module")
def pages(facts: dict[str, ReportFacts], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("report")
    found = {}
    for language, f in facts.items():
        found[language] = folder / f"{language}.html"
        found[language].write_text(render(f, Speaker(language)), encoding="utf-8")  # type: ignore[arg-type]
    return found


def test_without_censoring_incidence_is_a_plain_share() -> None:
    days = np.array([1.0, 2.0, 3.0, 4.0])
    progressed = np.array([True, False, True, False])
    moved, left = incidence(days, progressed, ~progressed, np.array([0.5, 1.0, 2.5, 10.0]))
    assert moved.tolist() == pytest.approx([0.0, 0.25, 0.25, 0.5])
    assert left.tolist() == pytest.approx([0.0, 0.0, 0.25, 0.5])


def test_who_is_seen_no_longer_does_not_count_as_still_there() -> None:
    """Two of four are seen for a day only; of the two that are left one progresses on day 2: half of what was there."""
    days = np.array([1.0, 1.0, 2.0, 3.0])
    progressed = np.array([False, False, True, False])
    moved, _ = incidence(days, progressed, np.zeros(4, bool), np.array([2.0]))
    assert moved[0] == pytest.approx(0.5)


def test_psi_is_zero_for_the_same_and_grows_with_the_shift() -> None:
    random = np.random.default_rng(1)
    old = random.normal(size=5_000)
    assert psi(old, old) == pytest.approx(0.0)
    small, large = psi(old, old + 0.1), psi(old, old + 1.0)
    assert 0 < small < 0.05
    assert large > 0.25
    assert psi(old, np.where(random.random(5_000) < 0.5, np.nan, old)) > 0.25, "missing values are a shift too"


def test_caught_among_all_is_the_sum_of_the_segments() -> None:
    random = np.random.default_rng(2)
    y, a, b = random.random(400) < 0.3, random.random(400), random.random(400)
    part = random.random(400) < 0.5
    account = np.arange(400)
    whole = capture_difference(y, a, b, 20, account)
    first, second = (capture_difference(y, a, b, 20, account, subset=rows) for rows in (part, ~part))
    customers = [(y & part).sum(), (y & ~part).sum()]
    assert whole.mean * y.sum() == pytest.approx(first.mean * customers[0] + second.mean * customers[1])
    assert whole.low <= whole.mean <= whole.high


def test_bands_hold_every_look_once(trained: Trained) -> None:
    out = trained.outcome
    table = migration(out.prepared, out.holdout)
    rows = int(out.holdout.labels.matured[:, -1].sum())
    assert table["leads"].sum() == rows
    customers = (table["leads"] * table["came"]).sum()
    assert customers == pytest.approx(out.holdout.labels.reached[out.holdout.labels.matured[:, -1], -1].sum())


def test_a_lower_line_contacts_more_and_misses_fewer(trained: Trained) -> None:
    handed = trained.outcome.handover_result
    assert handed.past is not None
    for _, curve in contact_curve(handed.past, handed.policy).groupby("by"):
        assert curve["contacts"].is_monotonic_increasing
        assert curve["line"].is_monotonic_decreasing
        assert curve["customers"].iloc[-1] > 0
        assert (np.diff(curve["too_late"]) < 1e-9).all()
        assert curve["too_late"].iloc[-1] == pytest.approx(0.0, abs=1e-9), "whoever contacts everybody misses nobody"


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
    text = render(replace(f, name=evil, apart=apart, worth=worth), Speaker("en"))
    assert "<script>alert(1)" not in text


@pytest.mark.parametrize("width", [390, 1200])
def test_it_works_in_a_browser(pages: dict[str, Path], width: int) -> None:
    """On a phone and on a screen: every chart comes alive, nothing is too wide, nobody is asked."""
    with open_browser(width=width) as browser:
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


def test_the_sliders_say_what_another_capacity_brings(pages: dict[str, Path]) -> None:
    with open_browser() as browser:
        browser.page.goto(pages["de"].as_uri())
        before = browser.page.locator("#policy-said").inner_text()
        assert before.startswith("Bei 10 Kontakten je Woche trifft das Modell")
        browser.page.locator("#capacity").fill("20")
        after = browser.page.locator("#policy-said").inner_text()
        assert after.startswith("Bei 20 Kontakten")
        browser.page.locator("#cost").fill("100")
        assert "zu je 100 EUR" in browser.page.locator("#policy-said").inner_text()


def test_it_can_be_read_without_scripts_and_on_paper(pages: dict[str, Path]) -> None:
    with open_browser(javascript=False) as browser:
        browser.page.goto(pages["en"].as_uri())
        assert browser.page.locator(".chart svg").count() == browser.page.locator(".chart").count()
        browser.page.emulate_media(media="print")
        assert not browser.page.locator("nav").is_visible()
        assert len(browser.page.pdf()) > 50_000


def test_what_cannot_be_said_is_said(facts: dict[str, ReportFacts]) -> None:
    """Nobody converted, more capacity than leads, no weeks to look back on, no deals: sentences, not empty charts."""
    from dataclasses import replace

    f = facts["en"]
    nobody = render(replace(f, held_customers=0), Speaker("en"))
    assert nobody.count("Nobody among the held-out leads became a customer") == 2
    assert "call them all, the highest first" in render(replace(f, capacity=100.0), Speaker("en"))
    bare = replace(f, contacts=None, tested=None, worth=f.worth.iloc[:0], stays=f.time_in_stage.iloc[:0], apart=[])
    text = render(bare, Speaker("de"))
    assert "Es gibt zu wenige Wochen" in text
    assert "Was ist ein Lead wert?" not in text
    assert "Sie sind sich bei jedem Lead einig." in text


@pytest.mark.parametrize("language", ["en", "de"])
def test_rules_at_their_best_are_what_the_model_is_held_against(facts: dict[str, ReportFacts], language: str) -> None:
    """The share at the capacity is that of the run's own metrics, not of raw points."""
    f = facts[language]
    lift = f.results["rules"]["customer"]["lift_at_10"]
    assert f.curves.set_index("percent").loc[10, "rules"] == pytest.approx(lift / 10)
