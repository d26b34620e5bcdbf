"""Dates as a column writes them: text → UTC microseconds.

ISO 8601 is read as it is. Of all else the layout is found per shape (`features.attributes.date_text`); where it does not tell
the day from the month, `connectors.files.date_orders` says which is which.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, cast

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from connectors.files.shapes import Places, ShapeGroup, by_shape, cast_all, text_array
from features.attributes.date_text import DateForm, Order, date_form, orders_of
from features.dataset.tables import TIME

EPOCHS: dict[str, Literal["s", "ms"]] = {"epoch_s": "s", "epoch_ms": "ms"}
SERIALS = {"serial": "1899-12-30", "serial_1904": "1904-01-01"}
_DAY = 86_400_000_000
_MISSING = np.iinfo(np.int64).min
_PLAUSIBLE = (631_152_000_000_000, 4_102_444_800_000_000)  # 1990 to 2100: what a bare count can be
_DATE_PARTS = ("first", "second", "third", "Y", "y", "m", "d")
_NUMERIC = re.compile(r"%-?(?P<one>[dm])(?P<sep>[^%\w]{1,2})%-?(?P<two>[dm])(?P=sep)%(?P<year>[Yy])")
_YEAR_FIRST = re.compile(r"%(?P<year>[Yy])(?P<sep>[^%\w])%-?(?P<one>[dm])(?P=sep)%-?(?P<two>[dm])")


def plain_moments(texts: pa.Array) -> pa.Array | None:
    """ISO 8601, all with an offset or all without → timestamps; None where a text is anything else."""
    for kind in (pa.timestamp("us"), pa.timestamp("us", "UTC")):
        moments = cast_all(texts, kind)
        if moments is not None:
            return moments
    return None


def date_parts(group: ShapeGroup, form: DateForm) -> tuple[Places, Places, Places]:
    """First, second and third number of dates; day, month and year where the layout tells them."""
    if form.count == "serial":
        days = pd.to_datetime(np.floor(_count(group)), unit="D", origin=SERIALS["serial"])
        return np.asarray(days.day, np.int64), np.asarray(days.month, np.int64), np.asarray(days.year, np.int64)
    values = {name: group.digits(span) for name, span in form.parts.items() if name in _DATE_PARTS}
    year = values.get("Y")
    if "first" in values:
        return values["first"], values["second"], values["third"] if year is None else year
    if year is None:
        year = _full_years(values["y"])
    return values["d"], values["m"] if "m" in values else np.full(len(group.places), form.month), year


def by_order(parts: tuple[Places, Places, Places], order: str, family: str) -> tuple[Places, Places, Places]:
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


def is_day(day: Places, month: Places, year: Places) -> npt.NDArray[np.bool_]:
    """Which of the dates (n,) there are."""
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
        if order in orders_of(family) and order not in (family_orders := orders.setdefault(family, [])):
            family_orders.append(order)
    return orders


def format_of(family: str, order: Order) -> str:
    """In the notation of strftime, as it is written in `date_format:`."""
    year = "%y" if family.endswith("2") else "%Y"
    names = {"d": "%d", "m": "%m", "y": year}
    return (family[1] if family.startswith("Y") else ". " if family.startswith(". ") else family[0]).join(
        names[key] for key in order
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
        layout = date_form(group.shape)
        todo = moments[group.places] == _MISSING
        if layout is not None and todo.any():
            unread = group if todo.all() else ShapeGroup(group.shape, group.places[todo], texts)
            moments[unread.places] = _by_layout(unread, layout, orders.get(layout.family, ""))
            zoned[unread.places] = layout.zoned
    for form in formats:
        if any(orders.get(family, order[0]) == order[0] for family, order in given_orders([form]).items()):
            _by_format(texts, form, moments, zoned)
    return _joined(moments, zoned, values.index, zone)


def date_mask(values: pd.Series[Any], formats: Sequence[str] = ()) -> npt.NDArray[np.bool_]:
    """Which texts (n,) are dates in one order or another, counts of days and seconds only from 1990 to 2100."""
    texts = text_array(values)
    layouts = {form.family: form for group in by_shape(texts) if (form := date_form(group.shape))}
    mask = np.zeros(len(texts), dtype=bool)
    for order in ("dmy", "mdy", "ymd", "ydm"):
        orders = {family: order for family in layouts if order in orders_of(family)}
        if order != "dmy" and not orders:
            continue
        moments = read_dates(values, "UTC", formats, orders)
        counted = np.array([text is not None and text.isdecimal() for text in texts.to_pylist()])
        ticks = np.asarray(moments.dt.tz_localize(None).to_numpy().view(np.int64))
        mask |= moments.notna().to_numpy() & (~counted | ((ticks >= _PLAUSIBLE[0]) & (ticks < _PLAUSIBLE[1])))
    return mask


def _joined(moments: Places, zoned: npt.NDArray[np.bool_], index: pd.Index, zone: str) -> pd.Series[Any]:
    plain = pd.Series(moments.view("datetime64[us]"), index=index)
    utc = _in_microseconds(plain.dt.tz_localize("UTC"))
    return utc if zoned.all() or zone == "UTC" else to_utc(plain, zone).where(~zoned, utc)


def to_utc(moments: pd.Series[Any], zone: str) -> pd.Series[Any]:
    """Times of the `zone`, or with one of their own → UTC microseconds. Of the two hours when clocks go back the first is
    meant; a time skipped when they go forward moves on."""
    if isinstance(moments.dtype, pd.DatetimeTZDtype):
        return _in_microseconds(moments.dt.tz_convert("UTC"))
    first_occurrence = np.ones(len(moments), dtype=bool)
    local = moments.astype("datetime64[us]").dt.tz_localize(zone, ambiguous=first_occurrence, nonexistent="shift_forward")
    return _in_microseconds(local.dt.tz_convert("UTC"))


def _in_microseconds(moments: Any) -> pd.Series[Any]:
    return cast("pd.Series[Any]", moments.astype(TIME))


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
    numbers = date_parts(group, form)
    nothing = np.logical_and.reduce([number == 0 for number in numbers])  # 0000-00-00, as MySQL writes that there is no date:
    day, month, year = (np.where(nothing, 1, part) for part in by_order(numbers, order, form.family))  # judged as 0001-01-01
    midnight = (hour == 24) & (minute == 0) & (second == 0)  # of the day after
    fine = is_day(day, month, year) & (minute < 60) & (second < 60) & ((hour < 24) | midnight)
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
