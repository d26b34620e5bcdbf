"""Dates as a column writes them: what all its values say about the order of day and month, and text → UTC microseconds.

ISO 8601 is read as it is. Of all else the layout is found per shape (`features.attributes.date_text`); where it does not tell
the day from the month, the column has one order for each family of layouts: what `date_format:` says, what fits every value,
what other columns of the file say. What none of them decides is asked, never guessed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from connectors.files.reading import FIRST_ROW
from connectors.files.shapes import Places, ShapeGroup, by_shape, cast, text_array
from features.attributes.date_text import DateForm, Order, date_form, orders_of
from features.dataset.tables import TIME

EPOCHS: dict[str, Literal["s", "ms"]] = {"epoch_s": "s", "epoch_ms": "ms"}
SERIALS = {"serial": "1899-12-30", "serial_1904": "1904-01-01"}
_DAY = 86_400_000_000
_MISSING = np.iinfo(np.int64).min
_PLAUSIBLE = (631_152_000_000_000, 4_102_444_800_000_000)  # 1990 to 2100: what a bare count can be
_LOW, _HIGH = 12 / 30.44, 1 - 12 / 30.44  # shares of days up to the 12th, and later
_DATE_PARTS = ("first", "second", "third", "Y", "y", "m", "d")
_BETRAYED = 0.1  # by chance no more often than this do days lie as a spreadsheet leaves them
_NUMERIC = re.compile(r"%-?(?P<one>[dm])(?P<sep>[^%\w]{1,2})%-?(?P<two>[dm])(?P=sep)%(?P<year>[Yy])")
_YEAR_FIRST = re.compile(r"%(?P<year>[Yy])(?P<sep>[^%\w])%-?(?P<one>[dm])(?P=sep)%-?(?P<two>[dm])")


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
    done: str


@dataclass
class DateJudgement:
    """The order of each family of a column; `problem` (fact, remedy) where there is none; what there is to say."""

    orders: dict[str, Order] = field(default_factory=dict)
    problem: tuple[str, str] | None = None
    hint: str = ""  # on values that cannot be read
    remarks: list[Remark] = field(default_factory=list)


def plain_moments(texts: pa.Array) -> pa.Array | None:
    """ISO 8601, all with an offset or all without → timestamps; None where a text is anything else."""
    for kind in (pa.timestamp("us"), pa.timestamp("us", "UTC")):
        moments = cast(texts, kind)
        if moments is not None:
            return moments
    return None


def date_evidence(texts: pa.Array, rows: npt.NDArray[Any]) -> Evidence:
    """What texts (n,) of these rows say; ISO 8601 is among it, since it may be what a spreadsheet made of other dates."""
    evidence: Evidence = {}
    for group in by_shape(texts):
        form = date_form(group.shape)
        if form is None or form.count == "epoch":
            continue
        parts = _date_parts(group, form)
        fits = {order: _is_day(*_by_order(parts, order, form.family)) for order in orders_of(form.family) or ("",)}
        codes = parts[0] * 1_000_000 + parts[1] * 10_000 + parts[2]
        known = np.logical_or.reduce(list(fits.values()))
        kinds = np.select([known], [sum((1 << n) * f for n, f in enumerate(fits.values()))], 0)
        examples: dict[str, tuple[int, str]] = {}
        for kind in np.unique(kinds[known]).tolist():
            place = int(np.flatnonzero(kinds == kind)[0])
            key = " ".join(order for n, order in enumerate(fits) if kind >> n & 1)
            row, text = group.first(place)
            examples[key] = int(rows[row]), text
        if examples:
            family = FamilyEvidence(np.unique(codes[known]), examples)
            evidence[form.family] = evidence[form.family].plus(family) if form.family in evidence else family
    return evidence


def merged(one: Evidence, other: Evidence) -> Evidence:
    """The evidence of both."""
    return {f: one[f].plus(other[f]) if f in one and f in other else one.get(f) or other[f] for f in {**one, **other}}


def _date_parts(group: ShapeGroup, form: DateForm) -> tuple[Places, Places, Places]:
    """First, second and third number of dates; day, month and year where the layout tells them."""
    if form.count == "serial":
        days = pd.to_datetime(np.floor(_count(group)), unit="D", origin=SERIALS["serial"])
        return tuple(np.asarray(p, np.int64) for p in (days.day, days.month, days.year))  # type: ignore[return-value]
    values = {name: group.digits(span) for name, span in form.parts.items() if name in _DATE_PARTS}
    year = values.get("Y")
    if "first" in values:
        return values["first"], values["second"], values["third"] if year is None else year
    if year is None:
        year = _full_years(values["y"])
    return values["d"], values["m"] if "m" in values else np.full(len(group.places), form.month), year


def _by_order(parts: tuple[Places, Places, Places], order: str, family: str) -> tuple[Places, Places, Places]:
    """Three numbers → day, month and year. Where the year stands first in four digits, it is the third number."""
    first, second, third = parts
    if family.startswith("Y"):
        return (first, second, third) if order == "ydm" else (second, first, third)
    if order == "ymd":
        return third, second, _full_years(first)
    year = _full_years(third) if family.endswith("2") else third
    return (second, first, year) if order == "mdy" else (first, second, year)


def _full_years(years: Places) -> Places:
    return np.where(years >= 69, years + 1900, years + 2000)


def _is_day(day: Places, month: Places, year: Places) -> npt.NDArray[np.bool_]:
    in_range = (month >= 1) & (month <= 12) & (day >= 1) & (day <= 31) & (year >= 1)
    return in_range & (_days(np.where(in_range, day, 1), np.where(in_range, month, 1), year)[1])


def _days(day: Places, month: Places, year: Places) -> tuple[Places, npt.NDArray[np.bool_]]:
    """Days since 1970, and whether the month has that day."""
    months = ((year - 1970) * 12 + month - 1).astype("datetime64[M]")
    days = months.astype("datetime64[D]").astype(np.int64) + day - 1
    return days, days < (months + 1).astype("datetime64[D]").astype(np.int64)


def _count(group: ShapeGroup) -> npt.NDArray[np.float64]:
    return group.floats((0, len(group.shape)), "," if "," in group.shape else ".")


def given_orders(formats: Iterable[str]) -> dict[str, list[Order]]:
    """Family → the orders that `date_format:` names, as listed.

    >>> given_orders(["%d/%m/%y %H:%M", "%m-%d-%Y", "%Y-%m-%d", "%d %b %Y", "epoch_s"])
    {'/2': ['dmy'], '-4': ['mdy'], 'Y-': ['ymd']}
    """
    orders: dict[str, list[Order]] = {}
    for form in formats:
        if match := _NUMERIC.search(form):
            family, order = f"{match['sep'].strip() or ' '}{4 if match['year'] == 'Y' else 2}", f"{match['one']}{match['two']}y"
        elif match := _YEAR_FIRST.search(form):
            family = f"Y{match['sep']}" if match["year"] == "Y" else f"{match['sep']}2"
            order = f"y{match['one']}{match['two']}"
        else:
            continue
        if order in orders_of(family) and order not in (known := orders.setdefault(family, [])):
            known.append(order)  # type: ignore[arg-type]
    return orders


def format_of(family: str, order: Order) -> str:
    """In the notation of strftime, as it is written in `date_format:`."""
    year = "%y" if family.endswith("2") else "%Y"
    names = {"d": "%d", "m": "%m", "y": year}
    return (family[1] if family.startswith("Y") else ". " if family.startswith(". ") else family[0]).join(
        names[key] for key in order
    )


def judge_dates(
    evidence: Evidence, formats: Sequence[str], others: Callable[[], Mapping[str, Evidence]] = dict, *, strict: bool = True
) -> DateJudgement:
    """The order of each family of a column. `others`: the evidence of the file's other columns, asked where its own is silent.
    Unless `strict`, a `date_format:` that does not fit the column is meant for others."""
    judgement, given, open_families = DateJudgement(), given_orders(formats), []
    proven: dict[str, Order] = {}
    for family, seen in sorted(evidence.items(), key=lambda item: item[1].first_row):
        orders = orders_of(family)
        if not orders:
            continue
        fitting = _fitting(family, seen)
        obeyed = [order for order in given.get(family, ()) if order in fitting]
        if obeyed:
            judgement.orders[family] = obeyed[0]
        elif family.startswith("Y") and family not in given:
            judgement.hint = 'Every value fits `date_format: "%Y-%d-%m"`.' if fitting == ["ydm"] else ""
            judgement.orders[family] = "ymd"  # as nobody writes otherwise unless `date_format:` says so; one typo turns nothing
        elif given and strict:
            judgement.hint = _fitting_format(family, fitting)  # values that do not fit what is given are told by their rows
            if family in given:
                judgement.orders[family] = given[family][0]
        elif not fitting:
            judgement.problem = judgement.problem or _torn(seen)
        elif len(fitting) == 1 or _same(family, seen, fitting) or family[0] == ".":
            judgement.orders[family] = fitting[0]
        else:
            open_families.append(family)
        if len(fitting) == 1 and not family.startswith("Y"):
            proven[family] = fitting[0]
    betrayal = _betrayal(evidence, proven, given, formats)
    judgement.problem = judgement.problem or betrayal
    if open_families and not judgement.problem:
        _settle(judgement, evidence, open_families, proven, others)
    return judgement


def _fitting(family: str, seen: FamilyEvidence) -> list[Order]:
    """The orders in which all dates are dates, the usual first; a year first in two digits only where years say so."""
    fitting = [order for order in orders_of(family) if all(order in key.split() for key in seen.examples)]
    if "ymd" in fitting and len(fitting) > 1 and family.endswith("2"):
        first, _, third = seen.fields()
        years_first, years_last = len(np.unique(first)), len(np.unique(third))
        if 2 * years_first <= years_last:
            return ["ymd"]
        if 2 * years_last <= years_first or family[0] != "-":
            fitting.remove("ymd")
    return fitting


def _same(family: str, seen: FamilyEvidence, orders: Sequence[Order]) -> bool:
    readings = [np.stack(_by_order(seen.fields(), order, family)) for order in orders]
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
    day, month, year = (int(part[0]) for part in _by_order(_date_parts(group, form), order, form.family))
    return f"{day} {pd.Timestamp(2000, month, 1).month_name()} {year}"


def _place(example: tuple[int, str]) -> str:
    return f"{example[1]!r} (row {example[0] + FIRST_ROW})"


def _fitting_format(family: str, fitting: Sequence[Order]) -> str:
    ways = " or ".join(f'"{format_of(family, order)}"' for order in fitting)
    return f"Every value of this kind fits `date_format:` {ways}." if fitting else _TORN_REMEDY


_TORN_REMEDY = "Two files with different orders seem to be mixed: export anew in one way, best as 2026-03-31."


def _torn(seen: FamilyEvidence) -> tuple[str, str]:
    examples = sorted(seen.examples.items(), key=lambda item: item[1])
    one = next(item for item in examples if len(item[0].split()) == 1)
    other = next((item for item in examples if one[0] not in item[0].split()), one)
    words = {"dmy": "the day first", "mdy": "the month first", "ymd": "the year first", "ydm": "year, day, month"}
    return (
        f"{_place(one[1])} can only have {words[one[0]]}, {_place(other[1])} only {words[other[0].split()[0]]}",
        _TORN_REMEDY,
    )


def _betrayal(
    evidence: Evidence, proven: Mapping[str, Order], given: Mapping[str, Sequence[Order]], formats: Sequence[str]
) -> tuple[str, str] | None:
    """A spreadsheet turns the dates it can read in its own order, and leaves those whose day is above 12 as text: two ways
    of writing in one column, one whose days never exceed 12, one whose days always do."""
    for left, order in proven.items():
        kept = evidence[left]
        day = _by_order(kept.fields(), order, left)[0]
        if not (day > 12).all():
            continue
        for turned, seen in evidence.items():
            first, second, _ = seen.fields()
            small = bool((first <= 12).all() and (second <= 12).all())
            if turned == left or not small or _insisted(turned, order, given, formats):
                continue
            if _LOW ** len(seen.dates) * _HIGH ** len(kept.dates) < _BETRAYED:
                fact = (
                    f"two ways of writing: no day of those such as {_place(seen.first_row)} is above 12, every day of those "
                    f"such as {_place(kept.first_row)} is; a spreadsheet does that when it takes days for months"
                )
                return fact, _betrayal_remedy(turned, left, order)
    return None


def _betrayal_remedy(turned: str, left: str, order: Order) -> str:
    remedy = "Export anew and do not open the file in a spreadsheet"
    if orders_of(turned) and not turned.startswith("Y"):
        return remedy + f', or have all read alike: `date_format: ["{format_of(left, order)}", "{format_of(turned, order)}"]`.'
    if turned.startswith("Y"):
        return (
            remedy
            + f'; `date_format: ["{format_of(left, order)}", "{format_of(turned, "ydm")}"]` turns them back, with '
            + f'"{format_of(turned, "ymd")}" instead they stay as they are.'
        )
    return remedy + "."


def _insisted(family: str, order: Order, given: Mapping[str, Sequence[Order]], formats: Sequence[str]) -> bool:
    """Does `date_format:` say that a family is as it is read?"""
    if family in given:
        return family.startswith("Y") or given[family][0] == order
    names = {"named": ("%b", "%B"), "serial": tuple(SERIALS), "compact": ("%Y%m%d",)}.get(family, ())
    return any(name in form for form in formats for name in names)


def _settle(
    judgement: DateJudgement,
    evidence: Evidence,
    open_families: Sequence[str],
    proven: Mapping[str, Order],
    others: Callable[[], Mapping[str, Evidence]],
) -> None:
    """Families that their own dates leave open: as others of the column, else as other columns, else a question."""
    own = {order for family, order in proven.items() if family[0] not in ".Y"}
    by_others: dict[Order, tuple[str, tuple[int, str]]] = {}
    if len(own) != 1:
        for column, other in others().items():
            for family, seen in other.items():
                fitting = _fitting(family, seen) if orders_of(family) and family[0] not in ".Y" else []
                if len(fitting) == 1:
                    example = min(e for key, e in seen.examples.items() if key == fitting[0])
                    by_others.setdefault(fitting[0], (column, example))
    for family in open_families:
        seen = evidence[family]
        example = seen.examples.get("dmy mdy") or seen.first_row
        decided = own if len(own) == 1 else set(by_others)
        fitting = _fitting(family, seen)
        if len(decided) == 1 and (order := next(iter(decided))) in fitting:
            judgement.orders[family] = order
            reason = "as other dates of the column do"
            if len(own) != 1:
                column, decisive = by_others[order]
                reason = f"as {column!r} does with {_place(decisive)}"
            done = f"read as {in_words(example[1], order)}, {reason}"
            judgement.remarks.append(Remark("note", "columns whose days and months look alike", _place(example), done))
            continue
        readings = [in_words(example[1], order) for order in fitting[:2]]
        ways = " or ".join(f'"{format_of(family, order)}"' for order in fitting)
        judgement.problem = judgement.problem or (
            f"{_place(example)} is {' or '.join(readings)}, and so with every date of the column",
            f"Say which: `date_format:` {ways} (with the time of day, if there is one).",
        )


def read_dates(values: pd.Series[Any], zone: str, formats: Sequence[str], orders: Mapping[str, Order]) -> pd.Series[Any]:
    """Texts (n,) → UTC microseconds; what cannot be read is missing. Without an offset a time is in `zone`."""
    texts = text_array(values)
    moments = np.full(len(texts), _MISSING)
    zoned = np.zeros(len(texts), dtype=bool)
    for form in formats:
        if form in EPOCHS or form in SERIALS or not given_orders([form]):
            _by_format(texts, form, moments, zoned)
    for group in by_shape(texts):
        form = date_form(group.shape)
        todo = moments[group.places] == _MISSING
        if form is not None and todo.any():
            rest = group if todo.all() else ShapeGroup(group.shape, group.places[todo], texts)
            moments[rest.places] = _by_layout(rest, form, orders.get(form.family, ""))
            zoned[rest.places] = form.zoned
    for form in formats:
        if any(orders.get(family, order[0]) == order[0] for family, order in given_orders([form]).items()):
            _by_format(texts, form, moments, zoned)
    return _joined(moments, zoned, values.index, zone)


def _joined(moments: Places, zoned: npt.NDArray[np.bool_], index: pd.Index, zone: str) -> pd.Series[Any]:
    plain = pd.Series(np.where(moments == _MISSING, np.iinfo(np.int64).min, moments).view("datetime64[us]"), index=index)
    utc = plain.dt.tz_localize("UTC").astype(TIME)
    if zoned.all() or zone == "UTC":
        return utc
    return to_utc(plain, zone).where(~zoned, utc)


def to_utc(moments: pd.Series[Any], zone: str) -> pd.Series[Any]:
    """Times of the `zone`, or with one of their own → UTC microseconds. Of the two hours when clocks go back the first is
    meant; a time skipped when they go forward moves on."""
    if isinstance(moments.dtype, pd.DatetimeTZDtype):
        return moments.dt.tz_convert("UTC").astype(TIME)
    moments = moments.astype("datetime64[us]")
    first_occurrence = np.ones(len(moments), dtype=bool)
    return (
        moments.dt.tz_localize(zone, ambiguous=first_occurrence, nonexistent="shift_forward").dt.tz_convert("UTC").astype(TIME)
    )


def _by_format(texts: pa.Array, form: str, moments: Places, zoned: npt.NDArray[np.bool_]) -> None:
    """Fill in what is still missing of `moments` (n,) and can be read by a format."""
    todo = np.flatnonzero((moments == _MISSING) & texts.is_valid().to_numpy(zero_copy_only=False))
    if not len(todo):
        return
    part = pd.Series(texts.take(pa.array(todo)).to_pandas())
    has_zone = "%z" in form or form in EPOCHS
    if form in EPOCHS:
        read = pd.to_datetime(pd.to_numeric(part, errors="coerce"), unit=EPOCHS[form], errors="coerce", utc=True)
    elif form in SERIALS:
        days = pd.to_numeric(part.str.replace(",", ".", regex=False), errors="coerce")
        read = pd.to_datetime(days, unit="D", origin=SERIALS[form], errors="coerce").dt.round("s")
    else:
        read = pd.to_datetime(part, format=form, errors="coerce", utc=has_zone)
    plain = (read.dt.tz_convert(None) if isinstance(read.dtype, pd.DatetimeTZDtype) else read).astype("datetime64[us]")
    filled = plain.notna().to_numpy()
    moments[todo[filled]] = plain.to_numpy().view(np.int64)[filled]
    zoned[todo[filled]] = has_zone


def _by_layout(group: ShapeGroup, form: DateForm, order: str) -> Places:
    """Texts of one shape → wall-clock microseconds, or UTC where the layout has an offset."""
    if form.count == "epoch":
        return _epoch(group)
    if form.count == "serial":
        start = int(np.datetime64(SERIALS["serial"], "us").astype(np.int64))
        return np.round(_count(group) * 86_400).astype(np.int64) * 1_000_000 + start
    zero = np.zeros(len(group.places), np.int64)
    if orders_of(form.family) and not order:
        return zero + _MISSING
    parts = {name: group.digits(span) for name, span in form.parts.items() if name in ("H", "M", "S", "oh", "om")}
    hour, minute, second = (parts.get(name, zero) for name in "HMS")
    day, month, year = _by_order(_date_parts(group, form), order, form.family)
    fine = _is_day(day, month, year) & (minute < 60) & (second < 60) & (hour < 24)
    if form.half:
        fine &= (hour >= 1) & (hour <= 12)
        hour = hour % 12 + (12 if form.half == "p" else 0)
    days = _days(np.where(fine, day, 1), np.where(fine, month, 1), np.where(fine, year, 2000))[0]
    moments = days * _DAY + ((hour * 60 + minute) * 60 + second) * 1_000_000
    if "f" in form.parts:
        start, stop = form.parts["f"]
        stop = min(stop, start + 6)
        moments = moments + group.digits((start, stop)) * 10 ** (6 - stop + start)
    offset = (form.offset or 0) + form.sign * (60 * parts.get("oh", zero) + parts.get("om", zero))
    moments = np.where(fine, moments - offset * 60_000_000, _MISSING)
    if len(group.shape) == 12 and group.shape.isdigit() and not fine.all():
        moments = np.where(fine, moments, _epoch(group))  # milliseconds before 2001 have as many digits
    return moments


def _epoch(group: ShapeGroup) -> Places:
    """Counts since 1970 in the unit that their size tells; missing before 1990 and after 2100."""
    ticks = _count(group)
    micro = np.select([ticks < 1e10, ticks < 1e13, ticks < 1e16], [ticks * 1e6, ticks * 1e3, ticks], ticks / 1e3)
    rounded = np.round(micro).astype(np.int64)
    return np.where((rounded >= _PLAUSIBLE[0]) & (rounded < _PLAUSIBLE[1]), rounded, _MISSING)
