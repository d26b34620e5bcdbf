"""Numbers as a column writes them: what all its values say about the decimal sign, and text → float64.

Which of point and comma is the decimal sign is said by `decimal:`, by values that make sense in one way only (12,50 and
1.234.567), by what is counted whole, by the file's other columns, by the separator. What rests on the last alone is a warning.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from connectors.files.date_orders import Remark
from connectors.files.row_lines import FIRST_ROW
from connectors.files.shapes import ShapeGroup, by_shape, cast_all, text_array
from features.attributes.bands import is_range, read_band
from features.attributes.number_text import NumberForm, number_form

Decimal = Literal[".", ","]
Example = tuple[int, str]  # row, counted from 0, and text
_EITHER = r"^[+-]?[1-9]\d{0,2}\.\d{3}$"
_OTHER: dict[Decimal, Decimal] = {".": ",", ",": "."}


@dataclass
class NumberEvidence:
    """The first row of each kind of value: `signs` ("." and ",": makes sense by this decimal sign only; ".,": by both, and is
    another number), `ways` ("percent" and "plain"; currencies as "currency eur"; units as "unit days"; "band"), and of what is
    no number (`unreadable`)."""

    signs: dict[str, Example] = field(default_factory=dict)
    ways: dict[str, Example] = field(default_factory=dict)
    unreadable: Example | None = None

    def plus(self, later: NumberEvidence) -> NumberEvidence:
        def first(earlier: Mapping[str, Example], other: Mapping[str, Example]) -> dict[str, Example]:
            return {key: min(d[key] for d in (earlier, other) if key in d) for key in {**earlier, **other}}

        bad = [e.unreadable for e in (self, later) if e.unreadable]
        return NumberEvidence(first(self.signs, later.signs), first(self.ways, later.ways), min(bad, default=None))

    def names(self, kind: str) -> list[str]:
        return sorted(name.partition(" ")[2] for name in self.ways if name.startswith(kind + " "))

    @property
    def mixed_units(self) -> bool:
        """Do values carry different words? Singular and plural are one."""
        return len({unit.rstrip(".").removesuffix("s").removesuffix("n").removesuffix("e") for unit in self.names("unit")}) > 1


@dataclass
class NumberJudgement:
    """The decimal sign of a column; `problem` (fact, remedy) where there is none, `doubt` where it is no more than usual; what
    there is to say, the doubt among it."""

    decimal: Decimal = "."
    problem: tuple[str, str] | None = None
    doubt: Remark | None = None
    remarks: list[Remark] = field(default_factory=list)


def plain_numbers(texts: pa.Array, decimal: Decimal | None) -> npt.NDArray[np.float64] | None:
    """Numbers as software writes them (1234.5, 1e3), whatever else the column holds; None where there may be others."""
    if decimal == "," and pc.any(pc.match_substring(texts, ".")).as_py():
        return None
    numbers = cast_all(texts, pa.float64())
    if numbers is None or (decimal is None and not _settled(texts)):
        return None
    array = numbers.to_numpy(zero_copy_only=False)
    return array if np.isfinite(array[texts.is_valid().to_numpy(zero_copy_only=False)]).all() else None


def _settled(texts: pa.Array) -> bool:
    """Is no point one that may group digits, or another one surely a decimal sign?"""
    either = pc.match_substring_regex(texts, _EITHER)
    if not pc.any(either).as_py():
        return True
    return bool(pc.any(pc.and_(pc.match_substring(texts, "."), pc.invert(either))).as_py())


def number_evidence(texts: pa.Array, rows: npt.NDArray[Any]) -> NumberEvidence:
    """What texts (n,) of these rows say."""
    evidence = NumberEvidence()
    for group in by_shape(texts):
        form = number_form(group.shape)
        if form is None:
            evidence = evidence.plus(_bands(group, rows))
            continue
        evidence = evidence.plus(_padded_groups(group, rows, form))
        row, text = group.first()
        example = int(rows[row]), text
        ways = {"percent" if form.percent else "plain": example}
        ways |= {f"currency {form.currency}": example} if form.currency else {}
        ways |= {f"unit {form.unit}": example} if form.unit else {}
        evidence = evidence.plus(NumberEvidence(_signs(group, rows, form), ways))
    return evidence


def _padded_groups(group: ShapeGroup, rows: npt.NDArray[Any], form: NumberForm) -> NumberEvidence:
    """030.123.456 and the like, which no decimal sign makes a number."""
    padded = np.flatnonzero(group.begins_with_zero(form.body))
    if not len(padded) or not all(_is_grouped(group, form, decimal) for decimal in form.decimals):
        return NumberEvidence()
    row, text = group.first(int(padded[0]))
    return NumberEvidence(unreadable=(int(rows[row]), text))


def _is_grouped(group: ShapeGroup, form: NumberForm, decimal: str) -> bool:
    """Are there marks between digits before this decimal sign?"""
    return bool(set(group.shape[slice(*form.body)].partition(decimal)[0]) - set("0eE+-"))


def _bands(group: ShapeGroup, rows: npt.NDArray[Any]) -> NumberEvidence:
    """What is no number by its layout: bands, up to the first text that is none."""
    evidence = NumberEvidence()
    for text, position in _first_places(group).items():
        example = int(rows[group.places[position]]), text
        if not is_range(text):
            return evidence.plus(NumberEvidence(unreadable=example))
        evidence = evidence.plus(NumberEvidence({}, {"band": example}))
    return evidence


def _first_places(group: ShapeGroup) -> dict[str, int]:
    """Each text of a group with its first place there."""
    places: dict[str, int] = {}
    for position, text in enumerate(group.column.take(pa.array(group.places)).to_pylist()):
        places.setdefault(text, position)
    return places


def _signs(group: ShapeGroup, rows: npt.NDArray[Any], form: NumberForm) -> dict[str, Example]:
    body = group.shape[slice(*form.body)]
    if not set(body) & set(".,"):
        return {}
    kinds = {form.decimals: np.arange(1)}
    if form.decimals == ".,":  # .125 and 0.125 are fractions: no group begins with a zero
        fraction = group.begins_with_zero(form.body)
        kinds = {"." if "." in body else ",": np.flatnonzero(fraction), ".,": np.flatnonzero(~fraction)}
    examples = {kind: group.first(int(places[0])) for kind, places in kinds.items() if len(places)}
    return {kind: (int(rows[row]), text) for kind, (row, text) in examples.items()}


def judge_numbers(
    evidence: NumberEvidence,
    decimal: Decimal | None,
    separator: str | None,
    other_columns: Callable[[], Mapping[str, NumberEvidence]] = dict,
    *,
    counts: bool = False,
) -> NumberJudgement:
    """The decimal sign of a column. `decimal`: as the mapping says; `counts`: what is counted has no fractions; `others`: the
    evidence of the file's other columns, asked where its own is silent."""
    judgement = NumberJudgement(decimal or ".")
    proven: list[Decimal] = [sign for sign in _OTHER if sign in evidence.signs]
    either = evidence.signs.get(".,")
    if len(proven) == 2:
        (_, earlier), (_, other) = sorted((evidence.signs[sign], sign) for sign in proven)
        ways = (f"{_located(evidence.signs[sign])} makes sense only with a decimal {_NAMES[sign]}" for sign in (earlier, other))
        remedy = "Write all numbers of the column in one way, or list what means nothing under `null_in:`."
        judgement.problem = ", ".join(ways), remedy
    elif proven:
        _obey(judgement, evidence, proven[0], decimal)
    elif either and not decimal:
        _settle(judgement, either, separator, other_columns, _whole_reason(evidence, counts))
    _tell_mixtures(judgement, evidence)
    return judgement


_NAMES = {".": "point", ",": "comma"}


def _obey(judgement: NumberJudgement, evidence: NumberEvidence, proven: Decimal, decimal: Decimal | None) -> None:
    """Values that make sense in one way are read so, whatever `decimal` says; where others could be read in both ways, it is
    a contradiction."""
    judgement.decimal = proven
    if decimal in (None, proven):
        return
    example = _located(evidence.signs[proven])
    if ".," in evidence.signs:
        fact = f'{example} does not fit `decimal: "{decimal}"`'
        judgement.problem = fact, f'Every value fits `decimal: "{proven}"`: write that at the file.'
        return
    action = f"read with a decimal {_NAMES[proven]}, since they make no sense otherwise"
    judgement.remarks.append(Remark("note", f'columns written otherwise than `decimal: "{decimal}"`', example, action))


def _settle(
    judgement: NumberJudgement,
    either: Example,
    separator: str | None,
    other_columns: Callable[[], Mapping[str, NumberEvidence]],
    whole_reason: str,
) -> None:
    """1.234 and the like alone: a thousand or a fraction? `whole_reason`: why it can be no fraction, else empty."""
    mark: Decimal = "." if "." in either[1] else ","
    level: Literal["note", "warning"] = "note"
    decisive: dict[str, tuple[str, Example]] = {}
    for column, other in other_columns().items():
        signs = [sign for sign in (".", ",") if sign in other.signs]
        if len(signs) == 1 and other.unreadable is None:
            decisive.setdefault(signs[0], (column, other.signs[signs[0]]))
    if whole_reason:
        judgement.decimal, reason = _OTHER[mark], whole_reason
    elif len(decisive) == 1:
        ((sign, (column, example)),) = decisive.items()
        judgement.decimal, reason = sign, f"as {column!r} does with {_located(example)}"  # type: ignore[assignment]
    else:
        level = "warning"
        judgement.decimal = "," if separator == ";" else "."
        reason = f"as is usual in files separated by {separator!r}" if separator in (";", ",") else "as software writes numbers"
    texts = pa.array([either[1]], pa.large_string())
    readings = {sign: read_numbers(texts, sign)[0] for sign in (".", ",")}
    other_sign = _OTHER[judgement.decimal]
    action = f"read as {readings[judgement.decimal]:,.10g}, {reason}"
    if level == "warning":
        action += f'; if it is {readings[other_sign]:,.10g}, set `decimal: "{other_sign}"`'
    remark = Remark(level, "columns whose numbers can be thousands or fractions", _located(either), action)
    judgement.doubt = remark if level == "warning" else None
    judgement.remarks.append(remark)


def _whole_reason(evidence: NumberEvidence, counts: bool) -> str:
    if counts:
        return "since it counts what is whole"
    return "since no amount of money has three decimals" if evidence.names("currency") else ""


def _tell_mixtures(judgement: NumberJudgement, evidence: NumberEvidence) -> None:
    def tell(level: Literal["note", "warning"], what: str, examples: Iterable[str], action: str) -> None:
        places = " and ".join(_located(evidence.ways[name]) for name in examples)
        judgement.remarks.append(Remark(level, what, places, action))

    currencies = [f"currency {name}" for name in evidence.names("currency")]
    if len(currencies) > 1:
        tell("warning", "columns with amounts in several currencies", currencies[:2], "read as if they were one")
    if "percent" in evidence.ways and "plain" in evidence.ways:
        tell("warning", "columns with and without a percent sign", ("percent", "plain"), "read alike: 12 % is 12")
    if "band" in evidence.ways:
        tell("note", "columns with ranges of numbers", ("band",), "a range is read as its middle, an open one as its end")
    if evidence.mixed_units:
        units = [f"unit {name}" for name in evidence.names("unit")[:2]]
        tell("warning", "columns of numbers in several units", units, "the units are not looked at")


def _located(example: Example) -> str:
    return f"{example[1]!r} (row {example[0] + FIRST_ROW})"


def read_numbers(texts: pa.Array, decimal: Decimal, *, bands: bool = False) -> npt.NDArray[np.float64]:
    """Texts (n,) → numbers; what cannot be read is NaN. With `bands` these are their middle."""
    numbers = np.full(len(texts), np.nan)
    for group in by_shape(texts):
        form = number_form(group.shape)
        if form is None:
            if bands:
                middles = {text: read_band(text) if is_range(text) else np.nan for text in _first_places(group)}
                numbers[group.places] = [middles[text] for text in group.column.take(pa.array(group.places)).to_pylist()]
        elif decimal in form.decimals:
            values = group.floats(form.body, decimal) * form.factor
            if _is_grouped(group, form, decimal):  # groups that begin with a zero are of no number: 030 1234
                values = np.where(group.begins_with_zero(form.body), np.nan, values)
            numbers[group.places] = values
    return np.where(np.isfinite(numbers), numbers, np.nan)


def as_floats(values: pd.Series[Any], decimal: Decimal, *, bands: bool = False) -> pd.Series[Any]:
    """As `read_numbers`, of a column."""
    return pd.Series(read_numbers(text_array(values), decimal, bands=bands), index=values.index, dtype="float64")
