"""Values of a column with which (almost) every lead reached a lead stage, or none did: set with the outcome, or just telling?

What is honest makes an outcome likelier, never certain: of leads who asked for a trial six in ten may buy. A group of leads is
judged by a bound on its rate (Chernoff 1952, exact where all or none reached the lead stage), counted in accounts and corrected
for all groups that were tried (Bonferroni).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from features.attributes.values import distinct, is_missing
from features.leakage.missingness import BLOCK_LIFT, MIN_FILLED, WARN_LIFT
from features.leakage.outcomes import Outcome
from features.leakage.strength import Flags, Floats, Ints, numbers_of
from features.leakage.verdict import IN_TIME, Finding, Level

MIN_LEADS = 10  # of a group; the correction counts no smaller ones
DOUBT = 0.05  # chance of any false word, over all groups that were tried
ALMOST_ALL = 0.98  # of a group
ALMOST_NONE = 0.02  # of the outcomes that the usual rate would have brought
SURE = 0.75  # the rate at the least, corrected for the groups of the column: 15 of 15 leads of a flag, not 12 of 12
# A column of more than two values says more than its one certain value: it goes only where that one leaves no doubt. The best
# honest source of the real data sets brought 98.6 % of 142 leads, which is .93 at the least.
CERTAIN = 0.95
MOST_LISTED = 3  # groups of a sentence


@dataclass(frozen=True)
class Group:
    """Leads that share something (`words`): how many, of how many accounts, and how many reached the lead stage."""

    words: str
    leads: int
    accounts: int
    hits: int

    @property
    def rate(self) -> float:
        return self.hits / self.leads

    def beyond(self, rate: float, tried: int) -> bool:
        """Whether the true rate lies beyond `rate`, on the side of what was seen, whichever of `tried` groups was looked at."""
        return float(self.accounts * _divergence(np.array([self.rate]), rate)[0]) >= float(np.log(tried / DOUBT))


def tries(values: pd.Series, level: Ints) -> int:
    """How many groups of a column (level codes (n,), 0 is missing) could tell something, whatever became of their leads."""
    numbers = numbers_of(values)
    ends = 0 if numbers is None else int(numbers.nunique())
    return int((np.bincount(level) >= MIN_LEADS).sum()) + (2 * ends if ends > 2 else 0)


def certain_values(
    values: pd.Series, level: Ints, outcome: Outcome, account: Ints, tried: tuple[int, int], *, none_too: bool = True
) -> Finding | None:
    """A finding where an outcome is as good as certain for leads with a value, from a threshold on, or without any.

    `values`, `level` codes (0 is missing) and `account`: of the outcome's leads (n,). `tried`: groups of the column, of all
    columns. `none_too`: also where none reached the lead stage, which is only told: who cannot buy is honest.
    """
    base = float(outcome.y.mean())
    groups = list(_groups(values, level, outcome.y, account))
    high, low = _shifted(base, WARN_LIFT), _shifted(base, -WARN_LIFT)
    sure = [g for g in groups if g.rate >= max(ALMOST_ALL, high) and g.beyond(SURE, tried[0]) and g.beyond(high, tried[1])]
    if sure:
        two_valued = _distinct_filled(values, level) <= 2
        blocked = any(_blocks(g, base, tried[1], two_valued=two_valued) for g in sure)
        return _finding("block" if blocked else "warn", sure, outcome.target, base)
    never = [g for g in groups if none_too and g.hits <= ALMOST_NONE * base * g.leads and g.beyond(low, tried[1])]
    return _finding("warn", never, outcome.target, base) if never else None


def _blocks(group: Group, base: float, tried: int, *, two_valued: bool) -> bool:
    if group.leads < MIN_FILLED or not group.beyond(_shifted(base, BLOCK_LIFT), tried):
        return False
    return two_valued or (group.rate > CERTAIN and group.beyond(CERTAIN, tried))


def _distinct_filled(values: pd.Series, level: Ints) -> int:
    """How many different values there are behind the levels (n,) that are filled; a level may be a bin of many."""
    return len(np.unique(distinct(values)[0][level > 0]))


def _groups(values: pd.Series, level: Ints, y: Flags, account: Ints) -> Iterator[Group]:
    """Groups of enough leads: those of each value, those without one, and of numbers and times those from a value on."""
    codes, plain = distinct(values)
    has_bins = False
    for code in np.unique(level[level > 0]).tolist():
        rows = level == code
        if (codes[rows] == codes[rows][0]).all():
            yield from _group(f"is {_in_words(values[rows].iloc[0])}", rows, y, account)
        else:  # a bin has no value to be named
            has_bins = True
    is_filled = level > 0
    without = [plain[i] for i in np.unique(codes[~is_filled]).tolist()]
    odd_texts = [value for value in without if not is_missing(value)]
    yield from _group(_without_number(odd_texts, blank=len(odd_texts) < len(without)), ~is_filled, y, account)
    if is_filled.sum() < MIN_FILLED:  # more are judged as a whole: `missingness`
        yield from _group("is a number" if odd_texts else "is filled", is_filled, y, account)
    numbers = numbers_of(values)
    if numbers is None and has_bins:  # texts of the whole column that are numbers, few of them in these rows
        numbers = pd.to_numeric(values, errors="coerce").astype("float64")
    if numbers is not None and len(np.unique(level)) > 2:
        yield from _tails(values, numbers.to_numpy(np.float64), y, account)


def _without_number(texts: list[object], *, blank: bool) -> str:
    """What leads without a level have: nothing (`blank`), or `texts` that are no numbers in a column of numbers."""
    if not texts:
        return "is empty"
    listed = ", ".join(map(_in_words, texts[:MOST_LISTED]))
    more = ", …" if len(texts) > MOST_LISTED else ""
    return f"is {'empty or ' if blank else ''}no number ({listed}{more})"


def _group(words: str, rows: Flags, y: Flags, account: Ints) -> Iterator[Group]:
    if rows.sum() >= MIN_LEADS and not rows.all():
        yield Group(words, int(rows.sum()), len(np.unique(account[rows])), int(y[rows].sum()))


def _tails(values: pd.Series, numbers: Floats, y: Flags, account: Ints) -> Iterator[Group]:
    """At either end the group that tells most of those in which (almost) all reached the lead stage, and the widest in which
    none did."""
    filled = np.flatnonzero(~np.isnan(numbers))
    for words, sign in (("is at least", -1.0), ("is at most", 1.0)):
        order = filled[np.argsort(sign * numbers[filled], kind="stable")]
        hits, leads = np.cumsum(y[order]), np.arange(1, len(order) + 1)
        first = np.zeros(len(order), bool)
        first[np.unique(account[order], return_index=True)[1]] = True
        ends = np.append(np.diff(numbers[order]) != 0, False) & (leads >= MIN_LEADS)  # the last would be everybody
        evidence = np.where(hits >= ALMOST_ALL * leads, leads * _divergence(hits / leads, SURE), 0.0)
        for weight in (evidence, np.where(hits == 0, leads, 0)):
            if len(order) and (weight * ends).max() > 0:
                end = int(np.argmax(weight * ends))
                accounts = int(first[: end + 1].sum())
                yield Group(f"{words} {_in_words(values.iloc[order[end]])}", end + 1, accounts, int(hits[end]))


def _divergence(rate: Floats, other: float) -> Floats:
    """Kullback and Leibler's divergence of rates (n,) from another one, in nats."""
    yes, no = (a * np.log(np.where(a > 0, a, 1.0) / b) for a, b in ((rate, other), (1 - rate, 1 - other)))
    return np.asarray(yes + no)


def _shifted(rate: float, lift: float) -> float:
    """The rate whose log-odds lie `lift` beyond those of `rate`."""
    return float(1 / (1 + (1 - rate) / rate * np.exp(-lift)))


def _in_words(value: object) -> str:
    if isinstance(value, pd.Timestamp):
        return f"{value:%Y-%m-%d}"
    if isinstance(value, float | np.floating):
        return f"{value:g}"
    return repr(value[:40]) if isinstance(value, str) else str(value)


def _finding(level: Level, groups: list[Group], target: str, base: float) -> Finding:
    by_size = sorted({(g.leads, g.hits): g for g in reversed(groups)}.values(), key=lambda g: -g.leads)
    listed = "; ".join(f"where it {g.words}, {g.hits:,} of {g.leads:,} leads became {target}" for g in by_size[:MOST_LISTED])
    more = f" and {len(by_size) - MOST_LISTED} more such values" if len(by_size) > MOST_LISTED else ""
    remedy = IN_TIME if level == "block" else "if so, leave it out with `attributes: {exclude: [...]}`"
    return Finding(level, f"{listed}{more}, base rate {base:.1%}: filled in once the outcome is known? {remedy}")
