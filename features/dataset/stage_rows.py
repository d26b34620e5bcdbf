"""The rows of lead stages: how `features.dataset.spells` judged them is told, and rows that say nothing new are left out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.common.clock import AFTER_ENTRY, DAY, NO_MOMENT, Moments, microseconds
from features.common.codes import recode
from features.dataset.data_report import DataReport
from features.dataset.funnel import Funnel
from features.dataset.landmarks import Path

EARLY = "rows before their lead was created"
DAY_ONLY = "rows without a time, of the day their lead was created"
JUST_AFTER = "counted from just after the creation"
TABLE = "lead_stages"


def tell_rows(
    frame: pd.DataFrame, lead_row: npt.NDArray[np.intp], leads: pd.DataFrame, funnel: Funnel, report: DataReport
) -> tuple[pd.DataFrame, Path]:
    """Rows of lead stages of known leads (rows in `leads`), none twice, up to the extraction → those that count, and the paths
    of the leads. Notes tell, each with a lead for example: rows before the creation and where they count, a lead stage reached
    again in a spell, lead stages out of order, exits at the moment of a lead stage, leads that came back after an exit, and
    leads that nobody could look at because all was over the moment they were created."""
    times, created = microseconds(frame["at"]), microseconds(leads["created_at"])
    step, _ = recode(frame["lead_stage"], [*funnel.stages, *funnel.exits])
    path = Path.from_changes(created, lead_row, step, times, len(funnel.stages))
    ids = frame["lead_id"]

    def note(what: str, rows: npt.NDArray[np.bool_], consequence: str, example: pd.Series[Any] = ids) -> None:
        if rows.any():
            report.note(TABLE, what, int(rows.sum()), example.iloc[int(np.flatnonzero(rows)[0])], consequence)

    is_exit = step >= len(funnel.stages)
    early = times < created[lead_row]
    day_only = early & (times == created[lead_row] // DAY * DAY)
    note(DAY_ONLY, day_only, JUST_AFTER, frame["at"])
    note(EARLY, early & ~day_only & ~is_exit, "counted from the creation on, unless an exit before it ended them", frame["at"])
    note(f"exit {EARLY}", early & ~day_only & is_exit, "left out, with the lead stages before them", frame["at"])
    counted = np.where(day_only, created[lead_row] + AFTER_ENTRY, np.maximum(times, created[lead_row]))
    spell = path.spells(lead_row, counted + 1)
    reached = path.reached[spell, np.where(is_exit, 0, step)]
    repeated = np.zeros(len(step), bool)
    counting = np.flatnonzero(~is_exit & (reached <= counted))  # not what an exit before the creation ended
    repeated[counting] = _repeated(spell[counting], step[counting], counted[counting], times[counting])
    note("rows that reach a lead stage again", repeated, "the first time counts, unless the lead had left meanwhile")
    superseded = ~is_exit & (step > 0) & ~repeated & (reached < counted)
    note("rows out of order", superseded, "the lead stage counts from the later one's time")
    exits = np.flatnonzero(is_exit & (path.exited_at[spell] == counted))
    same_moment = np.zeros(len(step), bool)
    same_moment[exits] = (path.reached[spell[exits], 1:] == counted[exits, None]).any(axis=1)
    note("rows of an exit at the very moment of a lead stage", same_moment, "the lead stage is taken to have come first")
    lead_ids = leads["lead_id"]
    note("leads that came back after an exit", np.diff(path.begin) > 1, "a spell of its own for each return", lead_ids)
    first = path.begin[:-1]
    over = (path.reached[first, -1] == created) | (path.exited_at[first] == created)
    over &= np.diff(path.begin) == 1
    note(
        f"leads that were {funnel.final!r} or had left the moment they were created", over,
        "never looked at: nobody could have scored them", lead_ids,
    )  # fmt: skip
    return frame[~repeated].reset_index(drop=True), path


def _repeated(
    spell: npt.NDArray[np.intp], step: npt.NDArray[np.int32], counted: Moments, times: Moments
) -> npt.NDArray[np.bool_]:
    """Which rows (n,) are of a lead stage that an earlier row of the same spell reached; of those that count from the creation
    the last one stays, since an exit may have ended the others."""
    order = np.lexsort((-times, counted, step, spell))
    same = np.zeros(len(order), bool)
    same[1:] = (spell[order][1:] == spell[order][:-1]) & (step[order][1:] == step[order][:-1])
    repeated = np.zeros(len(order), bool)
    repeated[order] = same
    return repeated


def reached_counts(path: Path, funnel: Funnel) -> dict[str, int]:
    """How many leads ever reached each lead stage, and how many left and did not come back."""
    reached: Sequence[int] = (path.first_reached != NO_MOMENT).sum(axis=0).tolist()
    return {**dict(zip(funnel.stages, reached, strict=True)), "left": int((path.left_at != NO_MOMENT).sum())}
