"""Leads from a request as the arrays of the engine: no tables, no pandas, the same numbers as a batch (no skew)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, repeat
from typing import Any, overload

import numpy as np
import numpy.typing as npt

from features.attributes.defaults import AttributeDefaults
from features.attributes.encoders import AttributeEncoder
from features.common.clock import Moments
from features.common.compiled import exact
from features.engine.evaluate import evaluate
from features.engine.index import INBOUND, OUTBOUND, UNDIRECTED, HistoryIndex, thousandths
from features.engine.people import LandmarkArrays, People
from features.engine.plan import Plan
from features.engine.scanners import drop_rows, scanner_mask

Matrix = npt.NDArray[np.floating]

_DIRECTION: dict[str | None, int] = {None: UNDIRECTED, "in": INBOUND, "out": OUTBOUND}


@dataclass(frozen=True)
class Interaction:
    """One interaction; `time` in microseconds since 1970 UTC."""

    type: str
    time: int
    direction: str | None = None
    value: float | None = None
    content: str | None = None


@dataclass(frozen=True)
class InteractionColumns(Sequence[Interaction]):
    """The interactions of a lead, column by column: what the engine wants, without an object for each."""

    types: list[str]
    times: Moments
    directions: list[str | None]
    values: list[float | None]
    contents: list[str | None]

    @classmethod
    def from_interactions(cls, acts: Sequence[Interaction]) -> InteractionColumns:
        if isinstance(acts, cls):
            return acts
        return cls(
            [a.type for a in acts],
            np.array([a.time for a in acts], np.int64),
            [a.direction for a in acts],
            [a.value for a in acts],
            [a.content for a in acts],
        )

    def __len__(self) -> int:
        return len(self.types)

    @overload
    def __getitem__(self, index: int) -> Interaction: ...
    @overload
    def __getitem__(self, index: slice) -> list[Interaction]: ...
    def __getitem__(self, index: int | slice) -> Interaction | list[Interaction]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        return Interaction(
            self.types[index], int(self.times[index]), self.directions[index], self.values[index], self.contents[index]
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]


FEW_LEADS = 8  # leads that are encoded one by one
PLAIN = frozenset({str, int, float, bool})  # types of values that are the same wherever they are equal


@dataclass(frozen=True)
class RequestLead:
    """One lead as it comes in a request; moments in microseconds since 1970 UTC.

    `entered` is when it entered its lead stage, at position `stage` of the funnel. Leads with the same `company_id` form one
    buying group; a lead without is its own account.
    `recommended`: the action recommended last, and when.
    """

    lead_id: str
    stage: int
    created: int
    entered: int
    attributes: Mapping[str, object] = field(default_factory=dict)
    company_id: str | None = None
    company: Mapping[str, object] = field(default_factory=dict)
    interactions: Sequence[Interaction] = ()
    recommended: tuple[str, int] | None = None

    def attribute(self, entity: str, column: str) -> object:
        """The raw value of an attribute; None where missing."""
        return (self.attributes if entity == "lead" else self.company).get(column)


def request_rows(
    plan: Plan,
    encoders: Sequence[AttributeEncoder],
    leads: Sequence[RequestLead],
    as_of: Moments | int,
    dtype: type[np.floating] = np.float32,
    mail: Sequence[str] = (),
    ignored: list[int] | None = None,
    blank: AttributeDefaults | None = None,
    *,
    count: int | None = None,
) -> Matrix:
    """(columns, leads) in the order given: attribute columns first, then the features of `plan`; as
    `features.engine.build.build`. With `count` only of the first so many; the others are there as colleagues.

    `as_of`: one moment for all, or one of each lead (leads,). With `mail` roles (types,), what mail scanners made is left out;
    `ignored`, one number a lead, is told how much. `blank` of these encoders saves making it anew.
    """
    defaults = blank or AttributeDefaults(encoders, dtype)
    width, count = len(defaults.values), len(leads) if count is None else count
    out = np.empty((width + len(plan.features), count), dtype)
    moments = np.full(len(leads), as_of, np.int64)
    _attributes(defaults, leads[:count], moments[:count], out[:width])
    if plan.features and count:
        order, account = _accounts(leads)
        history = sorted_history(plan, [leads[i] for i in order])
        unwanted = scanner_mask(history, mail)
        if ignored is not None and unwanted.any():
            ignored_counts = np.add.reduceat(np.append(unwanted, False), history.start[:-1]) * (np.diff(history.start) > 0)
            for position, number in zip(order, ignored_counts.tolist(), strict=True):
                ignored[position] = number
        people, looks = _arrays(drop_rows(history, unwanted), [leads[i] for i in order], account, moments[order])
        if order == list(range(count)):
            evaluate(plan, people, looks, out=out[width:])
        else:
            rows = np.array(order)
            counted = np.flatnonzero(rows < count)
            sorted_rows = np.empty((len(plan.features), count), dtype)
            evaluate(plan, people, looks.take(counted), out=sorted_rows)
            out[width:, rows[counted]] = sorted_rows
    return out


def _attributes(defaults: AttributeDefaults, leads: Sequence[RequestLead], moments: Moments, out: Matrix) -> None:
    scratch = np.empty(len(out))
    limit = float(np.finfo(out.dtype).max)  # beyond it a number would turn endless in the narrower type
    encoded: dict[object, Matrix] = {}  # of many leads the same value is encoded once; a date differs with the moment
    for i, (lead, as_of) in enumerate(zip(leads, moments.tolist(), strict=True)):
        column = out[:, i]
        column[:] = defaults.values
        for value, encoder, begin, end in defaults.known_values(lead.attributes, lead.company):
            key = (
                (begin, type(value), value)
                if len(leads) > FEW_LEADS and type(value) in PLAIN and encoder.kind != "date"
                else None
            )
            if key is not None and key in encoded:
                column[begin:end] = encoded[key]
                continue
            encoder.encode_one(value, as_of, scratch, begin)
            if end - begin > 1 and not encoder.log:
                column[begin:end] = scratch[begin:end]  # indicators
            else:
                for row in range(begin, end):
                    number = scratch[row]
                    column[row] = number if number != number else min(max(number, -limit), limit)  # noqa: PLR0124  NaN
            if key is not None:
                encoded[key] = column[begin:end].copy()


def _accounts(leads: Sequence[RequestLead]) -> tuple[list[int], npt.NDArray[np.int32]]:
    """The order that puts the people of an account side by side, and the account code of each in that order."""
    codes: dict[str, int] = {}
    if len(leads) == 1:
        return [0], np.zeros(1, np.int32)
    code = [codes.setdefault(f"c:{x.company_id}" if x.company_id else f"l:{i}", len(codes)) for i, x in enumerate(leads)]
    order = sorted(range(len(leads)), key=code.__getitem__)
    return order, np.array([code[i] for i in order], np.int32)


def _arrays(
    history: HistoryIndex, leads: Sequence[RequestLead], account: npt.NDArray[np.int32], moments: Moments
) -> tuple[People, LandmarkArrays]:
    count = len(leads)
    people = People(account, np.array([x.created for x in leads], np.int64), history)
    looks = LandmarkArrays(
        np.arange(count, dtype=np.int32),
        moments,
        np.array([x.stage for x in leads], np.int32),
        np.array([x.entered for x in leads], np.int64),
    )
    return people, looks


def sorted_history(plan: Plan, leads: Sequence[RequestLead]) -> HistoryIndex:
    """The index of a few histories; sorting each one here is quicker than sorting arrays of a few dozen."""
    per_lead = [InteractionColumns.from_interactions(lead.interactions) for lead in leads]
    start = np.array([0, *accumulate(map(len, per_lead))], np.int64)
    columns = _end_to_end(per_lead)
    kind = _kinds(plan, columns.types, columns.directions)
    return HistoryIndex(start, *_in_order(start, columns.times, kind, _values(columns.values), _contents(columns.contents)))


def _end_to_end(columns: Sequence[InteractionColumns]) -> InteractionColumns:
    """The interactions of all leads, one lead after the other."""
    if len(columns) == 1:
        return columns[0]
    return InteractionColumns(
        [t for c in columns for t in c.types],
        np.concatenate([np.empty(0, np.int64), *(c.times for c in columns)]),
        [d for c in columns for d in c.directions],
        [v for c in columns for v in c.values],
        [v for c in columns for v in c.contents],
    )


def _kinds(plan: Plan, types: Sequence[str], directions: Sequence[str | None]) -> npt.NDArray[np.int32]:
    """Codes (n,) of type and direction; types that the plan does not know share one, or another where they turn away."""
    unknown_code = 3 * len(plan.types)
    codes = list(map(plan.threefold_codes.get, types, repeat(unknown_code)))
    if unknown_code in codes:
        codes = [
            unknown_code + 3 * plan.turning_away.of_other(name) if code == unknown_code else code
            for name, code in zip(types, codes, strict=True)
        ]
    kind = np.array(codes, np.int32)
    if directions and directions.count(directions[0]) == len(directions):
        kind += _DIRECTION[directions[0]]
    else:
        kind += np.array([_DIRECTION[d] for d in directions], np.int32)
    return kind


def _values(values: Sequence[float | None]) -> npt.NDArray[np.int64]:
    """Values (n,) in thousandths, 0 where there is none."""
    if values.count(None) == len(values):
        return np.zeros(len(values), np.int64)
    return thousandths(np.array([0.0 if v is None else v for v in values], np.float64))


def _contents(contents: Sequence[str | None]) -> npt.NDArray[np.int32]:
    """Codes (n,) of contents in the order of their first appearance, -1 where there is none."""
    if contents.count(None) == len(contents):
        return np.full(len(contents), -1, np.int32)
    codes: dict[str, int] = {}
    return np.array([-1 if v is None else codes.setdefault(v, len(codes)) for v in contents], np.int32)


@exact
def _in_order(start: Any, time: Any, kind: Any, value: Any, content: Any) -> Any:
    """The rows of each lead in the order of time; those of one moment stay as they are."""
    order = np.arange(len(time))
    reordered = False
    for lead in range(len(start) - 1):
        begin, end = start[lead], start[lead + 1]
        for k in range(begin + 1, end):
            if time[k] < time[k - 1]:
                order[begin:end] = begin + np.argsort(time[begin:end], kind="mergesort")
                reordered = True
                break
    if not reordered:
        return time, kind, value, content
    return time[order], kind[order], value[order], content[order]
