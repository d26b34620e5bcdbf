"""Values with which an outcome is as good as certain: told in whatever form, and never where a signal is merely strong."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from features.leakage import audit
from features.leakage.certain import certain_values, tries
from features.leakage.outcomes import Outcome
from features.leakage.strength import levels
from features.leakage.verdict import Finding
from tests.features.leakage.world import FUNNEL, converted, crm

N = 4_000
MANY = 2_000  # groups that other columns made


def bought(base: float = 0.05) -> np.ndarray:
    y = np.zeros(N, bool)
    y[np.random.default_rng(0).permutation(N)[: int(base * N)]] = True
    return y


def said(values: object, y: np.ndarray, account: np.ndarray | None = None) -> Finding | None:
    column = pd.Series(values)
    codes = levels(column)
    outcome = Outcome("customer", np.arange(N), y, np.arange(N))
    own = tries(column, codes)
    return certain_values(column, codes, outcome, np.arange(N) if account is None else account, (own, own + MANY))


def marked(y: np.ndarray, hits: int, misses: int = 0) -> np.ndarray:
    """(n,) flags with so many of those who bought and of those who did not."""
    flags = np.zeros(N, bool)
    flags[np.flatnonzero(y)[:hits]] = True
    flags[np.flatnonzero(~y)[:misses]] = True
    return flags


def numbers(flags: np.ndarray) -> np.ndarray:
    """Numbers that are from 90 on where the flag is set, and below elsewhere."""
    return np.random.default_rng(1).random(N).round(2) * np.where(flags, 9, 85) + np.where(flags, 90, 0)


def days(flags: np.ndarray) -> pd.Series:
    return pd.Timestamp("2026-01-01", tz="UTC") + pd.to_timedelta(pd.Series(numbers(flags)).round(), unit="D")


@pytest.mark.parametrize(
    ("kind", "level", "words"),
    [
        (lambda f: f.astype(float), "block", "where it is 1, 120 of 120 leads became customer, base rate 5.0%"),
        (lambda f: f, "block", "where it is True, 120 of 120"),
        (lambda f: pd.array(np.where(f, None, "x"), dtype="str"), "block", "where it is empty, 120 of 120"),
        (lambda f: np.where(f, 3.0, np.arange(N) % 3), "warn", "where it is 3, 120 of 120"),
        (lambda f: np.where(f, "signed", np.resize(["web", "fair", "ads"], N)), "warn", "where it is 'signed', 120 of 120"),
        (numbers, "warn", "where it is at least 90"),
        (lambda f: -numbers(f), "warn", "where it is at most -90"),
        (days, "warn", "where it is at least 2026-04-01, 120 of 120"),
    ],
)
def test_a_group_of_whom_all_bought_is_told_with_its_numbers(kind, level: str, words: str) -> None:  # type: ignore[no-untyped-def]
    y = bought()
    finding = said(kind(marked(y, 120)), y)
    assert finding is not None
    assert finding.level == level
    assert words in finding.sentence
    assert "filled in once the outcome is known?" in finding.sentence
    assert ("insist" if level == "block" else "exclude") in finding.sentence


@pytest.mark.parametrize(
    ("hits", "misses", "level"),
    [
        (15, 0, "warn"),
        (12, 0, None),  # twelve leads with a chance of six in ten all buy once in five hundred times
        (199, 2, "block"),
        (90, 5, None),
        (60, 40, None),  # asked for a trial: six in ten buy
        (6, 4, None),
    ],
)
def test_how_many_it_takes_in_a_flag(hits: int, misses: int, level: str | None) -> None:
    y = bought()
    finding = said(marked(y, hits, misses), y)
    assert (finding.level if finding else None) == level


def test_a_column_of_many_values_is_left_out_only_where_one_leaves_no_doubt() -> None:
    """Its other values say something too."""
    y = bought(0.2)
    others = np.resize(["web", "fair", "ads"], N)
    levels_found = [said(np.where(marked(y, hits), "signed", others), y) for hits in (150, 400)]
    assert [f.level if f else None for f in levels_found] == ["warn", "block"]


def test_none_where_many_were_expected_is_told_and_stays() -> None:
    y = bought()
    finding = said(np.where(marked(y, 0, 2_500), "student", "other"), y)
    assert finding is not None
    assert finding.level == "warn"
    assert "where it is 'student', 0 of 2,500 leads became customer" in finding.sentence
    assert said(np.where(marked(y, 0, 300), "student", "other"), y) is None, "fifteen were expected"


def test_a_bin_of_numbers_is_no_value() -> None:
    """The smallest twentieth has a code of its own, but no value that could be named."""
    random = np.random.default_rng(5)
    y = bought(0.3)
    finding = said(np.where(y, 50 + random.random(N) * 100, random.random(N) * 150), y)
    assert finding is not None
    assert "where it is at most" in finding.sentence
    assert "where it is 5" not in finding.sentence


@pytest.mark.parametrize("blank", [True, False])
def test_a_flag_that_is_blank_for_some_is_still_a_flag(blank: bool) -> None:
    """Blanks counted as a third value, and a flag that is set with the outcome was only warned of."""
    y = bought()
    flags = marked(y, 120).astype(object)
    if blank:
        flags[np.flatnonzero(~y)[::3]] = None
    for column in (pd.Series(flags), pd.Series(flags).map({True: "yes", False: "no"}), pd.Series(flags).astype(float)):
        finding = said(column, y)
        assert finding is not None
        assert (finding.level, "120 of 120" in finding.sentence) == ("block", True)


def judged_of_part(column: pd.Series, y: np.ndarray, rows: np.ndarray) -> Finding | None:
    """Of a part of the leads, with the levels that all of them gave: bins."""
    codes = levels(column)
    part = column.iloc[rows].reset_index(drop=True)
    return certain_values(part, codes[rows], Outcome("customer", rows, y[rows], rows), rows, (60, 60 + MANY))


@pytest.mark.parametrize("text", [False, True])
def test_a_bin_of_few_numbers_is_no_value_either(text: bool) -> None:
    """The leads of an outcome have twenty numbers or fewer, those of the whole column many more: their levels are bins."""
    y = bought()
    values = np.where(marked(y, 120), np.resize([97.0, 98.0, 99.0], N), np.resize([10.0, 20.0, 30.0, 40.0], N))
    rows = np.arange(N - 600)
    values[N - 600 :] = np.arange(600) / 8
    column = pd.Series(values)
    finding = judged_of_part(column.map("{:g}".format) if text else column, y, rows)
    assert finding is not None
    assert "where it is 9" not in finding.sentence
    assert "where it is '9" not in finding.sentence


def test_a_text_among_numbers_is_no_empty_field() -> None:
    y = bought()
    numbers_as_text = pd.Series((np.arange(N) % 500).astype(str)).where(~marked(y, 120), "n/a")
    finding = said(numbers_as_text, y)
    assert finding is not None
    assert "where it is no number ('n/a'), 120 of 120" in finding.sentence
    half_blank = numbers_as_text.mask(marked(y, 60))
    finding = said(half_blank, y)
    assert finding is not None
    assert "where it is empty or no number ('n/a'), 120 of 120" in finding.sentence


def test_leads_of_one_account_are_one_witness() -> None:
    y = bought()
    flags = marked(y, 120)
    account = np.where(flags, np.cumsum(flags) // 12, N + np.arange(N))
    assert said(flags, y, account) is None


def test_a_short_column_that_is_filled_for_those_who_bought_alone_is_told() -> None:
    """Fewer than are judged as a whole."""
    y = bought()
    finding = said(pd.array(np.where(marked(y, 17), "x", None), dtype="str"), y)
    assert finding is not None
    assert "17 of 17" in finding.sentence


@pytest.mark.parametrize("base", [0.01, 0.05, 0.3, 0.5])
def test_noise_is_never_certain(base: float) -> None:
    y, random = bought(base), np.random.default_rng(2)
    for _ in range(40):
        assert said(random.integers(0, 60, N).astype(str), y) is None
        assert said(random.normal(size=N), y) is None
        assert said(random.random(N) < 0.01, y) is None


def test_strong_honest_signals_are_not_certain() -> None:
    """A good score, and days since an act: the best tenth buys often, nobody for sure."""
    random = np.random.default_rng(3)
    score = random.normal(size=N)
    y = random.random(N) < 1 / (1 + np.exp(4 - 2 * score))
    assert said(score, y) is None
    assert said(np.round(score), y) is None


def test_the_audit_names_the_certain_value_of_a_column_that_is_else_of_no_note() -> None:
    y, random = converted(), np.random.default_rng(4)
    paid = y & (random.random(len(y)) < 0.4)
    data = crm({"paid": paid.astype(float), "size": np.arange(len(y)) % 7})
    (verdict,) = (v for v in audit(data, FUNNEL).columns if v.column == "paid")
    assert verdict.level == "block"
    assert f"where it is 1, {paid.sum()} of {paid.sum()} leads became customer" in str(verdict)
    (verdict,) = (v for v in audit(data, FUNNEL).columns if v.column == "size")
    assert verdict.level == "ok"
