"""Landmarks: the moments at which a lead is looked at to make training examples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.common.clock import AFTER_ENTRY, DAY, NO_MOMENT, Moments, microseconds
from features.common.codes import recode
from features.common.compiled import exact
from features.dataset.funnel import Funnel

AGES = (0, 1, 3, 7, 14, 30, 60, 90, 120, 180, 270, 360)  # days in the lead stage


@dataclass(frozen=True)
class Path:
    """Each lead's way through the funnel: `reached` (leads, lead stages), when each lead stage or one beyond it was first
    reached, and `exited_at` (leads,), when the lead left through an exit; `NO_MOMENT` where it did not happen."""

    reached: npt.NDArray[np.int64]
    exited_at: Moments

    @classmethod
    def from_tables(cls, leads: pd.DataFrame, lead_stages: pd.DataFrame, funnel: Funnel) -> Path:
        """Columns lead_id, created_at and lead_id, lead_stage, at → the paths in the order of `leads`.

        A lead is in the first lead stage from its creation. The first time a lead stage is reached counts; an exit counts
        when no lead stage was reached after it.
        """
        row, _ = recode(lead_stages["lead_id"], leads["lead_id"])
        step, _ = recode(lead_stages["lead_stage"], [*funnel.stages, *funnel.exits])
        return cls.from_changes(
            microseconds(leads["created_at"]), row, step, microseconds(lead_stages["at"]), len(funnel.stages)
        )

    @classmethod
    def from_changes(
        cls, created: Moments, row: npt.NDArray[np.integer], step: npt.NDArray[np.integer], time: Moments, stages: int
    ) -> Path:
        """The same from when each lead was created (leads,) and changes (n,): of the lead at `row` into the lead stage or, from
        `stages` on, the exit `step`; -1 is a lead or a name that is not known."""
        first_reached = np.full((len(created), stages), NO_MOMENT)
        latest = np.full(len(created), -1, np.int64)
        exited_at = np.full(len(created), NO_MOMENT)
        _fill_path(row, step, time, first_reached, latest, exited_at)
        first_reached[:, 0] = np.minimum(first_reached[:, 0], created)
        reached = np.minimum.accumulate(first_reached[:, ::-1], axis=1)[:, ::-1]
        return cls(reached, exited_at)

    @property
    def ended(self) -> npt.NDArray[np.bool_]:
        """Which leads (leads,) reached a lead stage after the first, or left."""
        return np.asarray((self.reached[:, 1:] != NO_MOMENT).any(axis=1) | (self.exited_at != NO_MOMENT))

    def stage_at(self, rows: npt.NDArray[np.intp], as_of: Moments) -> npt.NDArray[np.int32]:
        """Position of the furthest lead stage reached before as_of; -1 before the first."""
        passed: npt.NDArray[np.int64] = (self.reached[rows] < as_of[:, None]).sum(axis=1)
        return (passed - 1).astype(np.int32)


@exact
def _fill_path(row: Any, step: Any, time: Any, first_reached: Any, latest: Any, exited_at: Any) -> None:
    """Changes, as in `Path.from_changes` → when each lead stage was first reached, the latest of a lead, and when it left."""
    stages = first_reached.shape[1]
    for k in range(len(row)):
        if row[k] >= 0 and 0 <= step[k] < stages:
            first_reached[row[k], step[k]] = min(first_reached[row[k], step[k]], time[k])
            latest[row[k]] = max(latest[row[k]], time[k])
    for k in range(len(row)):
        if row[k] >= 0 and step[k] >= stages and time[k] >= latest[row[k]]:
            exited_at[row[k]] = min(exited_at[row[k]], time[k])


@dataclass(frozen=True)
class Landmarks:
    """Landmarks as arrays (n,), sorted by (lead, as_of): row of the lead, moment, lead-stage position, when it was entered."""

    lead: npt.NDArray[np.intp]
    as_of: Moments
    stage: npt.NDArray[np.int32]
    entered: Moments

    def __len__(self) -> int:
        return len(self.lead)

    @classmethod
    def concatenate(cls, parts: Sequence[Landmarks]) -> Landmarks:
        """Those of all parts, one after the other."""
        columns = [(p.lead, p.as_of, p.stage, p.entered) for p in parts]
        return parts[0] if len(parts) == 1 else cls(*map(np.concatenate, zip(*columns, strict=True)))

    def take(self, rows: npt.NDArray[np.generic] | slice) -> Landmarks:
        return Landmarks(self.lead[rows], self.as_of[rows], self.stage[rows], self.entered[rows])


def landmarks(path: Path, extracted_at: int, ages: Sequence[float] = AGES, *, ended_only: bool = False) -> Landmarks:
    """On entering a lead stage and at growing ages (days) after it, while the lead stays there and until `extracted_at`.

    A landmark of age a looks one microsecond after "entered + a days", so that the entry itself is known and nothing later.
    A lead stage that is skipped or left in the same instant has none. `ended_only`: none of leads that neither reached a later
    lead stage nor left. Where moments are only an order of rows, no time can pass that would make a "no" of their silence.
    """
    steps = (np.asarray(sorted(ages), np.float64) * DAY).astype(np.int64) + AFTER_ENTRY
    reached = np.ascontiguousarray(path.reached)
    if ended_only:
        reached = np.where(path.ended[:, None], reached, NO_MOMENT)
    count = _fill_landmarks(reached, path.exited_at, steps, extracted_at, *_allocate(0))
    columns = _allocate(count)
    _fill_landmarks(reached, path.exited_at, steps, extracted_at, *columns)
    return Landmarks(*columns)


def _allocate(
    count: int,
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.int64], npt.NDArray[np.int32], npt.NDArray[np.int64]]:
    """The columns of so many landmarks."""
    return np.empty(count, np.intp), np.empty(count, np.int64), np.empty(count, np.int32), np.empty(count, np.int64)


@exact
def _fill_landmarks(
    reached: Any, exited_at: Any, steps: Any, extracted_at: int, lead: Any, as_of: Any, stage: Any, entered: Any
) -> int:
    """How many landmarks there are, in the order of leads and then of lead stages; they are written where there is room."""
    count = 0
    for i in range(len(exited_at)):
        for position in range(reached.shape[1] - 1):
            start, end = reached[i, position], min(reached[i, position + 1], exited_at[i])
            if start >= end or start >= extracted_at:
                continue
            for step in steps:
                if start + step > min(end, extracted_at):
                    break
                if len(lead):
                    lead[count], as_of[count], stage[count], entered[count] = i, start + step, position, start
                count += 1
    return count


def previous_positions(
    looks: Landmarks, previous_row: npt.NDArray[np.intp], begin: npt.NDArray[np.intp], previous_looks: Landmarks
) -> npt.NDArray[np.intp]:
    """Where each landmark (n,) was among landmarks `previous_looks`, -1 where it was not. Those of the lead at row i were the
    ones from `begin[previous_row[i]]` on, up to where the next lead's began; -1 is the row of a lead that was not there.

    Landmarks of a lead only ever get more at their end, unless its lead stages changed. So it is enough to compare the first
    one with the first, the second with the second; what stands elsewhere after a change counts as new.
    """
    positions = np.empty(len(looks), np.intp)
    current_columns, previous_columns = ((part.as_of, part.stage, part.entered) for part in (looks, previous_looks))
    _match_previous(looks.lead, previous_row, begin, *current_columns, *previous_columns, positions)
    return positions


@exact
def _match_previous(  # noqa: PLR0917  columns
    lead: Any,
    previous_row: Any,
    begin: Any,
    as_of: Any,
    stage: Any,
    entered: Any,
    as_of_: Any,
    stage_: Any,
    entered_: Any,
    positions: Any,
) -> None:
    number = 0
    for k in range(len(lead)):
        number = number + 1 if k > 0 and lead[k] == lead[k - 1] else 0
        positions[k] = -1
        row = previous_row[lead[k]]
        if row >= 0:
            index = begin[row] + number
            if (
                index < begin[row + 1]
                and as_of_[index] == as_of[k]
                and stage_[index] == stage[k]
                and entered_[index] == entered[k]
            ):
                positions[k] = index


def open_leads(path: Path, as_of: int) -> Landmarks:
    """One landmark for every lead that is open at `as_of` (microseconds): created, neither converted nor gone."""
    open_rows = np.flatnonzero(states(path, as_of) == OPEN)
    moment = np.full(len(open_rows), as_of, np.int64)
    stage = path.stage_at(open_rows, moment)
    return Landmarks(open_rows, moment, stage, path.reached[open_rows, stage])


OPEN, CONVERTED, EXITED, AHEAD = range(4)


def states(path: Path, as_of: int) -> npt.NDArray[np.int8]:
    """Of each lead (n,) at `as_of` (microseconds): open, or what keeps it from that, the first that holds: converted, gone, or
    not created yet."""
    leads = np.arange(len(path.exited_at))
    stage = path.stage_at(leads, np.full(len(leads), as_of, np.int64))
    converted, exited = stage >= path.reached.shape[1] - 1, path.exited_at < as_of
    return np.select([converted, exited, stage < 0], [CONVERTED, EXITED, AHEAD], OPEN).astype(np.int8)
