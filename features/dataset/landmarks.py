"""Landmarks: the moments at which a lead is looked at to make training examples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from features.common.clock import AFTER_ENTRY, DAY, NO_MOMENT, Moments, microseconds
from features.common.compiled import exact
from features.dataset.funnel import Funnel
from features.dataset.spells import spell_at, spells_of

if TYPE_CHECKING:
    import pandas as pd

AGES = (0, 1, 3, 7, 14, 30, 60, 90, 120, 180, 270, 360)  # days in the lead stage


@dataclass(frozen=True)
class Path:
    """Each lead's ways through the funnel, one for each of its spells, which `features.dataset.spells` judges: `reached`
    (spells, lead stages), when each lead stage or one beyond it was first reached in the spell, and `exited_at` (spells,), when
    an exit ended it; `NO_MOMENT` where it did not happen. `begin` (leads + 1,): the first spell of each lead."""

    reached: npt.NDArray[np.int64]
    exited_at: Moments
    begin: npt.NDArray[np.intp]

    @classmethod
    def from_tables(cls, leads: pd.DataFrame, lead_stages: pd.DataFrame, funnel: Funnel) -> Path:
        """Columns lead_id, created_at and lead_id, lead_stage, at → the paths in the order of `leads`."""
        from features.common.codes import recode  # a request never needs it

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
        return cls(*spells_of(created, row, step, time, stages))

    def __len__(self) -> int:
        """Leads."""
        return len(self.begin) - 1

    @cached_property
    def lead(self) -> npt.NDArray[np.intp]:
        """Whose spell each is (spells,)."""
        return np.repeat(np.arange(len(self)), np.diff(self.begin))

    @cached_property
    def first_reached(self) -> npt.NDArray[np.int64]:
        """When each lead reached each lead stage for the first time (leads, lead stages), in whichever spell."""
        return self.reached if len(self.reached) == len(self) else np.minimum.reduceat(self.reached, self.begin[:-1])

    @property
    def left_at(self) -> Moments:
        """When each lead (leads,) left and did not come back."""
        return self.exited_at[self.begin[1:] - 1]

    @property
    def ended(self) -> npt.NDArray[np.bool_]:
        """Which leads (leads,) ever reached a lead stage after the first, or have left."""
        return np.asarray((self.first_reached[:, 1:] != NO_MOMENT).any(axis=1) | (self.left_at != NO_MOMENT))

    def spells(self, lead: npt.NDArray[np.integer], as_of: Moments) -> npt.NDArray[np.intp]:
        """The spell of each of these leads (n,) that began last before as_of (n,); its first one where none had."""
        return spell_at(self.begin, np.ascontiguousarray(self.reached[:, 0]), lead, as_of)

    def take(self, leads: npt.NDArray[np.intp]) -> Path:
        """The paths of these leads (rows)."""
        count = np.diff(self.begin)[leads]
        begin = np.append(0, np.cumsum(count)).astype(np.intp)
        spell = np.arange(begin[-1]) + np.repeat(self.begin[leads] - begin[:-1], count)
        return Path(self.reached[spell], self.exited_at[spell], begin)

    def stage_at(self, spells: npt.NDArray[np.intp], as_of: Moments) -> npt.NDArray[np.int32]:
        """Position of the furthest lead stage reached in these spells before as_of; -1 before the first."""
        passed: npt.NDArray[np.int64] = (self.reached[spells] < as_of[:, None]).sum(axis=1)
        return (passed - 1).astype(np.int32)


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
    A lead stage that is skipped or left in the same instant has none. Each spell has its own; between an exit and the return
    of the lead there are none. Whether there is one never depends on what came after it.
    `ended_only`: none of leads that neither reached a later
    lead stage nor left. Where moments are only an order of rows, no time can pass that would make a "no" of their silence.
    """
    steps = (np.asarray(sorted(ages), np.float64) * DAY).astype(np.int64) + AFTER_ENTRY
    reached, owner = np.ascontiguousarray(path.reached), path.lead
    if ended_only:
        reached = np.where(path.ended[owner][:, None], reached, NO_MOMENT)
    count = _fill_landmarks(reached, path.exited_at, owner, steps, extracted_at, *_allocate(0))
    columns = _allocate(count)
    _fill_landmarks(reached, path.exited_at, owner, steps, extracted_at, *columns)
    return Landmarks(*columns)


def _allocate(
    count: int,
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.int64], npt.NDArray[np.int32], npt.NDArray[np.int64]]:
    """The columns of so many landmarks."""
    return np.empty(count, np.intp), np.empty(count, np.int64), np.empty(count, np.int32), np.empty(count, np.int64)


@exact
def _fill_landmarks(  # noqa: PLR0917  columns
    reached: Any, exited_at: Any, owner: Any, steps: Any, extracted_at: int, lead: Any, as_of: Any, stage: Any, entered: Any
) -> int:
    """How many landmarks there are, in the order of leads, spells and lead stages; they are written where there is room."""
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
                    lead[count], as_of[count], stage[count], entered[count] = owner[i], start + step, position, start
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
    spell = path.spells(open_rows, moment)
    stage = path.stage_at(spell, moment)
    return Landmarks(open_rows, moment, stage, path.reached[spell, stage])


OPEN, CONVERTED, EXITED, AHEAD = range(4)


def states(path: Path, as_of: int) -> npt.NDArray[np.int8]:
    """Of each lead (n,) at `as_of` (microseconds): open, or what keeps it from that, the first that holds: converted, gone, or
    not created yet; all by the spell that it is in then."""
    moment = np.full(len(path), as_of, np.int64)
    spell = path.spells(np.arange(len(path)), moment)
    stage = path.stage_at(spell, moment)
    converted, exited = stage >= path.reached.shape[1] - 1, path.exited_at[spell] < as_of
    return np.select([converted, exited, stage < 0], [CONVERTED, EXITED, AHEAD], OPEN).astype(np.int8)
