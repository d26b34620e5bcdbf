"""Which number of a date is the day: what all values of a column say, the mapping, and the other columns of the file.

A family of layouts (`features.attributes.date_text`) has one order in a column: what `date_format:` says, what fits every
value, what other dates of the column or the file say. What none of them decides is asked, never guessed. A column in which a
spreadsheet has taken days for months stops too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from connectors.files.dates import SERIALS, by_order, date_parts, format_of, given_orders, is_day
from connectors.files.row_lines import FIRST_ROW
from connectors.files.shapes import Places, by_shape
from features.attributes.date_text import Order, date_form, orders_of

_LOW, _HIGH = 12 / 30.44, 1 - 12 / 30.44  # shares of days up to the 12th, and later
_BETRAYED = 0.1  # by chance no more often than this do days lie as a spreadsheet leaves them


@dataclass
class FamilyEvidence:
    """The distinct dates of a family, as first · 10⁶ + second · 10⁴ + third, and the first row of each kind: by the orders in
    which it is a date ("dmy mdy"; layouts that have one order only: "")."""

    dates: Places
    examples: dict[str, tuple[int, str]]

    def plus(self, later: FamilyEvidence) -> FamilyEvidence:
        examples = {
            key: min(e.examples[key] for e in (self, later) if key in e.examples) for key in {**self.examples, **later.examples}
        }
        return FamilyEvidence(np.union1d(self.dates, later.dates), examples)

    @property
    def first_row(self) -> tuple[int, str]:
        return min(self.examples.values())

    def fields(self) -> tuple[Places, Places, Places]:
        return self.dates // 1_000_000, self.dates // 10_000 % 100, self.dates % 10_000


Evidence = dict[str, FamilyEvidence]  # of the families of a column


@dataclass(frozen=True)
class Remark:
    """Something to say about a column: what it is (a plural of columns), an example, what was done or can be."""

    level: Literal["note", "warning"]
    what: str
    example: str
    action: str


@dataclass(frozen=True)
class OpenOrder:
    """A date (row, text) of a family that nothing decides, and the orders that fit all of its dates, the likeliest first."""

    example: tuple[int, str]
    orders: tuple[Order, ...]


@dataclass
class DateJudgement:
    """The order of each family of a column; `problem` (fact, remedy) where there is none, `undecided`: families that could be
    read in several ways; `proven`: those whose own dates fit one order alone; what there is to say."""

    orders: dict[str, Order] = field(default_factory=dict)
    proven: dict[str, Order] = field(default_factory=dict)
    problem: tuple[str, str] | None = None
    undecided: dict[str, OpenOrder] = field(default_factory=dict)
    hint: str = ""  # on values that cannot be read
    remarks: list[Remark] = field(default_factory=list)


def date_evidence(texts: pa.Array, rows: npt.NDArray[Any]) -> Evidence:
    """What texts (n,) of these rows say; ISO 8601 is among it, since it may be what a spreadsheet made of other dates."""
    evidence: Evidence = {}
    for group in by_shape(texts):
        form = date_form(group.shape)
        if form is None or form.count == "epoch":
            continue
        parts = date_parts(group, form)
        fits = {order: is_day(*by_order(parts, order, form.family)) for order in orders_of(form.family) or ("",)}
        codes = parts[0] * 1_000_000 + parts[1] * 10_000 + parts[2]
        is_date = np.logical_or.reduce(list(fits.values()))
        kinds = np.select([is_date], [sum((1 << n) * f for n, f in enumerate(fits.values()))], 0)
        examples: dict[str, tuple[int, str]] = {}
        for kind in np.unique(kinds[is_date]).tolist():
            differing = (kinds == kind) & (parts[0] != parts[1])  # 03/03/2026 is one day in both orders
            position = int(np.flatnonzero(differing if differing.any() else kinds == kind)[0])
            key = " ".join(order for n, order in enumerate(fits) if kind >> n & 1)
            row, text = group.first(position)
            examples[key] = int(rows[row]), text
        if examples:
            family = FamilyEvidence(np.unique(codes[is_date]), examples)
            evidence[form.family] = evidence[form.family].plus(family) if form.family in evidence else family
    return evidence


def merged(earlier: Evidence, other: Evidence) -> Evidence:
    """The evidence of both."""
    return {
        f: earlier[f].plus(other[f]) if f in earlier and f in other else earlier.get(f) or other[f]
        for f in {**earlier, **other}
    }


def judge_dates(
    evidence: Evidence,
    formats: Sequence[str],
    other_columns: Callable[[], Mapping[str, Evidence]] = dict,
    *,
    strict: bool = True,
) -> DateJudgement:
    """The order of each family of a column. `others`: the evidence of the file's other columns, asked where its own is silent.
    Unless `strict`, a `date_format:` that does not fit the column is meant for others."""
    judgement, named_orders, open_families = DateJudgement(), given_orders(formats), []
    proven = judgement.proven
    for family, family_evidence in sorted(evidence.items(), key=lambda item: item[1].first_row):
        orders = orders_of(family)
        if not orders:
            continue
        fitting = _fitting(family, family_evidence)
        obeyed = [order for order in named_orders.get(family, ()) if order in fitting]
        if obeyed:
            judgement.orders[family] = obeyed[0]
        elif family.startswith("Y") and family not in named_orders:
            judgement.hint = 'Every value fits `date_format: "%Y-%d-%m"`.' if fitting == ["ydm"] else ""
            judgement.orders[family] = "ymd"  # as nobody writes otherwise unless `date_format:` says so; one typo turns nothing
        elif named_orders and strict:
            judgement.hint = _fitting_format(family, fitting)  # values that do not fit what is given are told by their rows
            if family in named_orders:
                judgement.orders[family] = named_orders[family][0]
        elif not fitting:
            judgement.problem = judgement.problem or _torn(family_evidence)
        elif len(fitting) == 1 or _same(family, family_evidence, fitting) or family[0] == ".":
            judgement.orders[family] = fitting[0]
        else:
            open_families.append(family)
        if len(fitting) == 1 and not family.startswith("Y"):
            proven[family] = fitting[0]
    if "serial" in evidence and not _insisted("serial", "dmy", named_orders, formats):
        example = evidence["serial"].first_row
        action = f"read as {in_words(example[1], 'dmy')}; `date_format: serial_1904` is for spreadsheets that count from 1904"
        judgement.remarks.append(Remark("note", "columns with day numbers of a spreadsheet", _located(example), action))
    betrayal = _betrayal(evidence, proven, named_orders, formats)
    judgement.problem = judgement.problem or betrayal
    if open_families and not judgement.problem:
        _settle(judgement, evidence, open_families, proven, other_columns)
    return judgement


def _fitting(family: str, family_evidence: FamilyEvidence) -> list[Order]:
    """The orders in which all dates are dates, the usual first; a year first in two digits only where years say so."""
    fitting = [order for order in orders_of(family) if all(order in key.split() for key in family_evidence.examples)]
    if "ymd" in fitting and len(fitting) > 1 and family.endswith("2"):
        first, _, third = family_evidence.fields()
        years_first, years_last = len(np.unique(first)), len(np.unique(third))
        if 2 * years_first <= years_last:
            return ["ymd"]
        if 2 * years_last <= years_first or family[0] != "-":
            fitting.remove("ymd")
    return fitting


def _likeliest_first(family: str, family_evidence: FamilyEvidence, fitting: Sequence[Order]) -> tuple[Order, ...]:
    """Where the days of one order lie in half as many months as those of another, or fewer, it is likelier; else the usual."""
    months = {o: len(np.unique(by_order(family_evidence.fields(), o, family)[1])) for o in fitting}
    fewest = min(months, key=lambda order: months[order])
    first = fewest if 2 * months[fewest] <= months[fitting[0]] else fitting[0]
    return first, *(order for order in fitting if order != first)


def _same(family: str, family_evidence: FamilyEvidence, orders: Sequence[Order]) -> bool:
    readings = [np.stack(by_order(family_evidence.fields(), order, family)) for order in orders]
    return all(np.array_equal(readings[0], other) for other in readings[1:])


def in_words(text: str, order: Order) -> str:
    """A date in an order as "3 April 2026".

    >>> in_words("03/04/2026", "dmy"), in_words("03/04/2026 10:00", "mdy")
    ('3 April 2026', '4 March 2026')
    """
    (group,) = by_shape(pa.array([text], pa.large_string()))
    form = date_form(group.shape)
    if form is None:
        return text
    day, month, year = (int(part[0]) for part in by_order(date_parts(group, form), order, form.family))
    return f"{day} {pd.Timestamp(2000, month, 1).month_name()} {year}"


def _located(example: tuple[int, str]) -> str:
    return f"{example[1]!r} (row {example[0] + FIRST_ROW})"


def _fitting_format(family: str, fitting: Sequence[Order]) -> str:
    ways = " or ".join(f'"{format_of(family, order)}"' for order in fitting)
    return f"Every value of this kind fits `date_format:` {ways}." if fitting else _TORN_REMEDY


_TORN_REMEDY = "Two files with different orders seem to be mixed: export anew in one way, best as 2026-03-31."


def _torn(family_evidence: FamilyEvidence) -> tuple[str, str]:
    examples = sorted(family_evidence.examples.items(), key=lambda item: item[1])
    earlier = next(item for item in examples if len(item[0].split()) == 1)
    other = next((item for item in examples if earlier[0] not in item[0].split()), earlier)
    words = {"dmy": "the day first", "mdy": "the month first", "ymd": "the year first", "ydm": "year, day, month"}
    return (
        f"{_located(earlier[1])} can only have {words[earlier[0]]}, {_located(other[1])} only {words[other[0].split()[0]]}",
        _TORN_REMEDY,
    )


def _betrayal(
    evidence: Evidence, proven: Mapping[str, Order], named_orders: Mapping[str, Sequence[Order]], formats: Sequence[str]
) -> tuple[str, str] | None:
    """A spreadsheet turns the dates it can read in its own order, and leaves those whose day is above 12 as text: two ways
    of writing in one column, one whose days never exceed 12, one whose days always do."""
    for unturned, order in proven.items():
        late_days = evidence[unturned]
        day = by_order(late_days.fields(), order, unturned)[0]
        if not (day > 12).all():
            continue
        for turned, family_evidence in evidence.items():
            first, second, _ = family_evidence.fields()
            small = bool((first <= 12).all() and (second <= 12).all())
            if turned == unturned or not small or _insisted(turned, order, named_orders, formats):
                continue
            if _LOW ** len(family_evidence.dates) * _HIGH ** len(late_days.dates) < _BETRAYED:
                early = f"no day of those such as {_located(family_evidence.first_row)} is above 12"
                late = f"every day of those such as {_located(late_days.first_row)} is"
                fact = f"two ways of writing: {early}, {late}; a spreadsheet does that when it takes days for months"
                return fact, _betrayal_remedy(turned, unturned, order)
    return None


def _betrayal_remedy(turned: str, unturned: str, order: Order) -> str:
    remedy = "Export anew and do not open the file in a spreadsheet"
    if orders_of(turned) and not turned.startswith("Y"):
        return (
            remedy + f', or have all read alike: `date_format: ["{format_of(unturned, order)}", "{format_of(turned, order)}"]`.'
        )
    if turned.startswith("Y"):
        return (
            remedy
            + f'; `date_format: ["{format_of(unturned, order)}", "{format_of(turned, "ydm")}"]` turns them back, with '
            + f'"{format_of(turned, "ymd")}" instead they stay as they are.'
        )
    return remedy + "."


def _insisted(family: str, order: Order, named_orders: Mapping[str, Sequence[Order]], formats: Sequence[str]) -> bool:
    """Does `date_format:` say that a family is as it is read?"""
    if family in named_orders:
        return family.startswith("Y") or named_orders[family][0] == order
    names = {"named": ("%b", "%B"), "serial": tuple(SERIALS), "compact": ("%Y%m%d",)}.get(family, ())
    return any(name in form for form in formats for name in names)


def _settle(
    judgement: DateJudgement,
    evidence: Evidence,
    open_families: Sequence[str],
    proven: Mapping[str, Order],
    other_columns: Callable[[], Mapping[str, Evidence]],
) -> None:
    """Families that their own dates leave open: as others of the column, else as other columns, else a question."""
    own = {order for family, order in proven.items() if family[0] not in ".Y"}
    by_others: dict[Order, tuple[str, tuple[int, str]]] = {}
    if len(own) != 1:
        for column, other in other_columns().items():
            for family, family_evidence in other.items():
                fitting = _fitting(family, family_evidence) if orders_of(family) and family[0] not in ".Y" else []
                if len(fitting) == 1:
                    example = min(e for key, e in family_evidence.examples.items() if key == fitting[0])
                    by_others.setdefault(fitting[0], (column, example))
    for family in open_families:
        family_evidence = evidence[family]
        example = family_evidence.examples.get("dmy mdy") or family_evidence.first_row
        decided = own if len(own) == 1 else set(by_others)
        fitting = _fitting(family, family_evidence)
        if len(decided) == 1 and (order := next(iter(decided))) in fitting:
            judgement.orders[family] = order
            reason = "as other dates of the column do"
            if len(own) != 1:
                column, decisive = by_others[order]
                reason = f"as {column!r} does with {_located(decisive)}"
            action = f"read as {in_words(example[1], order)}, {reason}"
            judgement.remarks.append(Remark("note", "columns whose days and months look alike", _located(example), action))
            continue
        judgement.undecided[family] = OpenOrder(example, _likeliest_first(family, family_evidence, fitting))
        readings = [in_words(example[1], order) for order in fitting[:2]]
        ways = " or ".join(f'"{format_of(family, order)}"' for order in fitting)
        judgement.problem = judgement.problem or (
            f"{_located(example)} is {' or '.join(readings)}, and so with every date of the column",
            f"Say which: `date_format:` {ways} (with the time of day, if there is one).",
        )
