"""Flat files: the order of rows as time, and a yes/no outcome as lead stages.

Where there are no dates of outcomes, a dataset only says what came of each lead, not when (`Dataset.time` is "row_order").
Known leads then have their lead stage or exit half a minute after they came. Leads whose outcome is blank are still open,
neither a yes nor a no: they have no landmark to learn from (`features.dataset.landmarks`). They stay where they are in time,
and are scored as they were when they came, which is how the model has seen all others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from connectors.files.convert import Origin, Texts, as_time, times
from connectors.files.settings import FileOptions, Outcome, Scalar, words
from features.common.clock import DAY, MINUTE, Moments, microseconds, timestamps
from features.common.errors import ConfigError, nearest
from features.dataset.data_report import DataReport
from features.dataset.funnel import Funnel

START = microseconds(pd.DatetimeIndex(["2000-01-01"]))[0]
STEP = MINUTE  # between rows
REPLY = MINUTE // 2  # from a lead's coming to its outcome


def row_times(frame: pd.DataFrame, newest_first: bool = False) -> pd.Series[Any]:
    """A moment for each row, one minute apart, in the order of the file or the opposite one."""
    moments = START + np.arange(len(frame), dtype=np.int64)[:: -1 if newest_first else 1] * STEP
    return as_time(pd.Series(timestamps(moments), index=frame.index))


def in_row_order(created: Moments) -> bool:
    """Whether moments (n,) are those of `row_times`, which count rows and no days, even where only a share of the rows is
    there: whole minutes from the beginning, no two alike, and closer than days."""
    steps = np.diff(np.sort(created))
    offset = created - START
    begins = len(steps) > 0 and 0 <= int(offset.min()) < 366 * DAY
    return begins and bool((offset % STEP == 0).all()) and bool((steps > 0).all()) and float(np.median(steps)) < DAY / 2


@dataclass(frozen=True)
class FlatOutcomes:
    """What became of the leads of a flat file: `lead_stages` rows, and which leads are `open`."""

    lead_stages: pd.DataFrame
    open: npt.NDArray[np.bool_]


def flat_outcomes(
    leads: pd.DataFrame,
    outcome_values: Texts,
    outcome: Outcome,
    funnel: Funnel,
    file: tuple[str, FileOptions],
    outcome_days: Texts | None = None,
) -> FlatOutcomes:
    """The outcome column beside its leads → lead stages.

    Without `outcome_days` (a column of days) an outcome stands half a minute after the lead came.

    Raises
    ------
    ConfigError
        if the named lead stage or exit is not in the funnel, or a no needs an exit and the funnel has none.
    DataError
        for a value that is neither yes nor no, or a day that cannot be read.
    """
    name, options = file
    origin = Origin(name, outcome.column, "outcome")
    positive, negative = _split_outcome(outcome_values, outcome, origin)
    stage, exit_name = outcome.lead_stage or funnel.final, outcome.exit or next(iter(funnel.exits), None)
    if stage not in funnel.targets:
        raise ConfigError(f"source.leads.outcome.lead_stage is {stage!r}: {nearest(stage, funnel.targets)}")
    if exit_name not in funnel.exits and (negative.any() or outcome.exit):
        raise ConfigError(
            f"source.leads.outcome: the {int(negative.sum()):,} leads with a no left through "
            + ("no exit: the funnel has none." if exit_name is None else f"{exit_name!r}, which is no exit of the funnel."),
            "Name one, for example `funnel: {exits: [disqualified]}`."
            if exit_name is None
            else nearest(exit_name, funnel.exits),
        )
    moments = as_time(pd.Series(timestamps(microseconds(leads["created_at"]) + REPLY), index=leads.index))
    if outcome_days is not None:
        moments = times(outcome_days, options, Origin(name, outcome.at or "", "outcome.at"))
    happened = (positive | negative) & moments.notna().to_numpy()
    rows = pd.DataFrame({"lead_id": leads["lead_id"], "lead_stage": np.where(positive, stage, exit_name or ""), "at": moments})
    return FlatOutcomes(rows[happened], ~(positive | negative))


def _split_outcome(
    outcome_values: Texts, outcome: Outcome, origin: Origin
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    filled = outcome_values.notna().to_numpy()
    text = outcome_values.astype("str")
    positive = text.isin(_spellings(outcome.yes)).to_numpy()
    negative = filled & ~positive if outcome.no is None else text.isin(_spellings(outcome.no)).to_numpy() & ~positive
    origin.refuse(
        text,
        filled & ~positive & ~negative,
        f"is neither in yes {_list(outcome.yes)} nor in no {_list(outcome.no or [])}",
        "Add it to one of them, or to `null_in:` if it means still open.",
    )
    return positive & filled, negative


def _spellings(values: list[Scalar]) -> list[str]:
    return [word for value in values for word in words(value)]


def _list(values: list[Scalar]) -> str:
    return "[" + ", ".join(str(v) for v in values) + "]"


def day_of_knowledge(leads: pd.DataFrame, outcomes: FlatOutcomes, report: DataReport) -> pd.Timestamp:
    """When a row-order dataset was known: a step after the newest lead. What leads without an outcome became is not known
    however long ago they came; they are counted."""
    count = int(outcomes.open.sum())
    if count:
        report.note(
            "leads",
            "leads with a blank outcome",
            count,
            leads["lead_id"].to_numpy()[outcomes.open][0],
            "still open: neither a yes nor a no",
        )
    return pd.Timestamp(leads["created_at"].max()).as_unit("us") + pd.Timedelta(STEP, "us")
