"""Leads from a request as the arrays of the engine: no tables, no pandas, the same numbers as a batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter

import numpy as np
import numpy.typing as npt

from features.attributes import AttributeEncoder
from features.batch import Looks, People
from features.engine import evaluate
from features.index import DIRECTIONS, HistoryIndex, thousandths
from features.plan import Plan
from features.scanners import scanned, without

Matrix = npt.NDArray[np.floating]

_AT = attrgetter("at")


@dataclass(frozen=True)
class Act:
    """One interaction; `at` in microseconds since 1970 UTC."""

    type: str
    at: int
    direction: str | None = None
    value: float | None = None
    content: str | None = None


@dataclass(frozen=True)
class LiveLead:
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
    acts: Sequence[Act] = ()
    recommended: tuple[str, int] | None = None

    def attribute(self, entity: str, column: str) -> object:
        """The raw value of an attribute; None where missing."""
        return (self.attributes if entity == "lead" else self.company).get(column)


def live_rows(
    plan: Plan,
    encoders: Sequence[AttributeEncoder],
    leads: Sequence[LiveLead],
    as_of: int,
    dtype: type[np.floating] = np.float32,
    mail: Sequence[str] = (),
    ignored: list[int] | None = None,
) -> Matrix:
    """(columns, leads) in the order given: attribute columns first, then the features of `plan`; as `features.build.build`.

    With `mail` roles (types,), what mail scanners made is left out; `ignored`, one number a lead, is told how much.
    """
    width = sum(len(e.names) for e in encoders)
    out = np.empty((width + len(plan.features), len(leads)), dtype)
    _attributes(encoders, leads, as_of, out[:width])
    if plan.features and leads:
        order, account = _accounts(leads)
        history = sorted_history(plan, [leads[i] for i in order])
        unwanted = scanned(history, mail)
        if ignored is not None and unwanted.any():
            made = np.add.reduceat(np.append(unwanted, False), history.start[:-1]) * (np.diff(history.start) > 0)
            for place, count in zip(order, made.tolist(), strict=True):
                ignored[place] = count
        people, looks = _arrays(without(history, unwanted), [leads[i] for i in order], account, as_of)
        if order == list(range(len(leads))):
            evaluate(plan, people, looks, out=out[width:])
        else:
            sorted_rows = np.empty((len(plan.features), len(leads)), dtype)
            evaluate(plan, people, looks, out=sorted_rows)
            out[width:, order] = sorted_rows
    return out


def _attributes(encoders: Sequence[AttributeEncoder], leads: Sequence[LiveLead], as_of: int, out: Matrix) -> None:
    scratch = np.empty(len(out))
    most = np.finfo(out.dtype).max  # beyond it a number would turn endless in the narrower type
    for i, lead in enumerate(leads):
        offset = 0
        for encoder in encoders:
            encoder.encode_one(lead.attribute(encoder.entity, encoder.column), as_of, scratch, offset)
            offset += len(encoder.names)
        out[:, i] = np.minimum(np.maximum(scratch, -most), most)


def _accounts(leads: Sequence[LiveLead]) -> tuple[list[int], npt.NDArray[np.int32]]:
    """The order that puts the people of an account side by side, and the account code of each in that order."""
    codes: dict[str, int] = {}
    code = [codes.setdefault(f"c:{x.company_id}" if x.company_id else f"l:{i}", len(codes)) for i, x in enumerate(leads)]
    order = sorted(range(len(leads)), key=code.__getitem__)
    return order, np.array([code[i] for i in order], np.int32)


def _arrays(
    history: HistoryIndex, leads: Sequence[LiveLead], account: npt.NDArray[np.int32], as_of: int
) -> tuple[People, Looks]:
    count = len(leads)
    people = People(account, np.array([x.created for x in leads], np.int64), history)
    looks = Looks(
        np.arange(count, dtype=np.int32),
        np.full(count, as_of, np.int64),
        np.array([x.stage for x in leads], np.int32),
        np.array([x.entered for x in leads], np.int64),
    )
    return people, looks


def sorted_history(plan: Plan, leads: Sequence[LiveLead]) -> HistoryIndex:
    """The index of a few histories; sorting each one here is quicker than sorting arrays of a few dozen."""
    types, other = plan.type_codes, len(plan.types)
    contents: dict[str, int] = {}
    acts = [act for lead in leads for act in sorted(lead.acts, key=_AT)]
    start = np.zeros(len(leads) + 1, np.int64)
    np.cumsum([len(lead.acts) for lead in leads], out=start[1:])
    return HistoryIndex(
        start,
        np.array([a.at for a in acts], np.int64),
        np.array([types.get(a.type, other) * 3 + (DIRECTIONS[a.direction] if a.direction else 0) for a in acts], np.int32),
        thousandths(np.array([0.0 if a.value is None else a.value for a in acts], np.float64)),
        np.array([-1 if a.content is None else contents.setdefault(a.content, len(contents)) for a in acts], np.int32),
    )
