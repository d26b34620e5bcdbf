"""Flat files: the order of rows as time, and a yes/no outcome as lead stages.

Where there are no dates of outcomes, a dataset only says what came of each lead, not when (`Dataset.time` is "row_order").
Known leads then have their lead stage or exit half a minute after they came. Leads whose outcome is blank are still open,
neither a yes nor a no: they have no landmark to learn from (`features.dataset.landmarks`). They stay where they are in time,
and are scored as they were when they came, which is how the model has seen all others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from connectors.files.convert import Origin, Texts, as_time, times
from connectors.files.reading import FIRST_ROW
from connectors.files.settings import Outcome, Scalar, words
from connectors.files.writing import ColumnWriting
from features.attributes.values import NO_WORDS, YES_WORDS
from features.common.clock import DAY, MINUTE, Moments, microseconds, timestamps
from features.common.errors import ConfigError, DataError, nearest
from features.common.persons.texts import masked
from features.dataset.data_report import DataReport
from features.dataset.funnel import Funnel

START = microseconds(pd.DatetimeIndex(["2000-01-01"]))[0]
STEP = MINUTE  # between rows
REPLY = MINUTE // 2  # from a lead's coming to its outcome
MOST_VALUES = 10  # of a column that are listed
SINCE_WHEN = "set aside with all that the lead did: since when it holds is not known"
# values that are no answer yet: nobody is asked to learn from them as a no without a word
OPEN_WORDS = frozenset({
    "maybe", "pending", "open", "in progress", "unknown", "tbd", "undecided", "unclear", "waiting", "?", "offen", "vielleicht",
    "unklar", "unbekannt", "in bearbeitung", "ausstehend", "peut-être", "en cours", "inconnu", "ouvert", "tal vez",
    "quizás", "pendiente", "en curso", "abierto", "desconocido", "forse", "in corso", "aperto", "misschien", "talvez",
    "em aberto", "może", "w toku", "otwarte",
})  # fmt: skip


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
    """What became of the leads of a flat file: `lead_stages` rows, which leads are `open`, and the ids of those with a yes of
    which nobody knows since when (`undated`)."""

    lead_stages: pd.DataFrame
    open: npt.NDArray[np.bool_]
    undated: frozenset[str] = frozenset()


def flat_outcomes(
    leads: pd.DataFrame,
    outcome_values: Texts,
    outcome: Outcome,
    funnel: Funnel,
    files: tuple[str, str, ColumnWriting],
    outcome_days: Texts | None = None,
    report: DataReport | None = None,
) -> FlatOutcomes:
    """The outcome column beside its leads → lead stages.

    `files`: what the file of the outcome is called, and that of its days, and how these are written. Without `outcome_days`
    (that column) an outcome stands half a minute after the lead came. The index of both counts the rows of their file.

    Raises
    ------
    ConfigError
        if the named lead stage or exit is not in the funnel, or a no needs an exit and the funnel has none.
    DataError
        for a value that is neither yes nor no, a column without a yes, or a day that cannot be read.
    """
    file, file_of_days, writing = files
    origin = Origin(file, outcome.column, "outcome")
    positive, negative = _split_outcome(outcome_values, outcome, origin, report or DataReport())
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
        moments = times(outcome_days, writing.options, Origin(file_of_days, outcome.at or "", "outcome.at"), writing)
        moments = moments.set_axis(leads.index)
    dated = moments.notna().to_numpy()
    rows = pd.DataFrame({"lead_id": leads["lead_id"], "lead_stage": np.where(positive, stage, exit_name or ""), "at": moments})
    if positive.any() and not (positive & dated).any():
        rows_of_yes = f"every row whose {outcome.column!r} is a yes ({int(positive.sum()):,})"
        raise DataError(
            f"{file_of_days}: {outcome.at!r} is blank in {rows_of_yes}.",
            "Name the column of the day on which it became one under `outcome: {at: …}`, or leave `at:` out if there is none.",
        )
    _tell_undated(outcome_values, outcome, origin, positive & ~dated, negative & ~dated, report or DataReport())
    undated = frozenset(leads["lead_id"][positive & ~dated].astype("str"))
    return FlatOutcomes(rows[(positive | negative) & dated], ~(positive | negative), undated)


def _tell_undated(
    values: Texts,
    outcome: Outcome,
    origin: Origin,
    positive: npt.NDArray[np.bool_],
    negative: npt.NDArray[np.bool_],
    report: DataReport,
) -> None:
    """Tell of a yes and of a no (n,) without a day.

    A yes that nobody knows the day of can be judged at no moment: as an open lead it would be a no until then, and it is none.
    A no is what did not come: an open lead that nothing came of within the horizon teaches the same.
    """
    for rows, flag, tell, action in (
        (positive, "yes", report.warn, SINCE_WHEN),
        (negative, "no", report.note, "taken as still open, which counts as a no once the horizon has passed"),
    ):
        if rows.any():
            first = int(np.flatnonzero(rows)[0])
            value = masked(str(values.iloc[first]), origin.column)
            what = f"rows whose {origin.column!r} is a {flag} but whose {outcome.at!r} is blank"
            tell("leads", what, int(rows.sum()), f"{origin.file} row {values.index[first] + FIRST_ROW}: {value}", action)


def without_undated(
    outcomes: FlatOutcomes, judge: Callable[[Moments], npt.NDArray[np.bool_]], funnel: Funnel, report: DataReport
) -> FlatOutcomes:
    """The outcomes whose day may be meant, as `judge` says of moments (n,); of the others a yes is undated, and told."""
    usable = judge(microseconds(outcomes.lead_stages["at"]))
    if usable.all():
        return outcomes
    lost = outcomes.lead_stages[~usable]
    ids = lost["lead_id"][lost["lead_stage"].isin(funnel.targets)].astype("str")
    report.warn("leads", "leads with a yes on a day that cannot be meant", len(ids), next(iter(ids), ""), SINCE_WHEN)
    return replace(outcomes, lead_stages=outcomes.lead_stages[usable], undated=outcomes.undated | frozenset(ids))


def _split_outcome(
    outcome_values: Texts, outcome: Outcome, origin: Origin, report: DataReport
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Which rows (n,) are a yes, and which a no; what counts as either is noted with its counts."""
    filled = outcome_values.notna().to_numpy()
    text = outcome_values.astype("str")
    counts = text[filled].value_counts()
    yes, no = _spellings(outcome.yes), _spellings(outcome.no or [])
    yes, no = yes | (_vocabulary(yes) - no), no | (_vocabulary(no) - yes)
    meaning = {word: folded in yes for word in counts.index if (folded := _folded(word)) in yes or folded in no}
    if outcome.no is None:
        opposite = _opposite(yes)
        unnamed = {word: False for word in counts.index if word not in meaning}
        unclear = [word for word in unnamed if _folded(word) in OPEN_WORDS and _folded(word) not in opposite]
        meaning |= {word: False for word in unnamed if word not in unclear}
    reading = text.map(meaning)
    positive, negative = (reading.eq(flag).fillna(False).to_numpy(bool) & filled for flag in (True, False))
    origin.refuse(
        text,
        filled & ~positive & ~negative,
        "says neither yes nor no"
        if outcome.no is None
        else f"is neither in yes {_list(outcome.yes)} nor in no {_list(outcome.no)}",
        "Add it to `yes:` or `no:` of the outcome, or to `null_in:` if it means still open.",
    )
    for flag, rows in (("yes", positive), ("no", negative)):
        words_of = [word for word in counts.index if meaning[word] == (flag == "yes")]
        report.note("leads", f"rows whose {origin.column!r} counts as a {flag}", int(rows.sum()), _counted(counts, words_of))
    if not positive.any() and filled.any():
        raise DataError(
            f"{origin.file}, column {origin.column!r}: none of its {int(filled.sum()):,} values is a yes {_list(outcome.yes)}; "
            f"seen are {_counted(counts, list(counts.index))}.",
            "Name the right ones under `outcome: {yes: [...]}`.",
        )
    return positive, negative


def _folded(word: str) -> str:
    """A word as it is compared: without case and outer blanks, 1.00 like 1."""
    word = " ".join(word.split()).casefold()
    return word.partition(".")[0] if word.rstrip("0").endswith(".") else word


def _spellings(values: Sequence[Scalar]) -> set[str]:
    return {_folded(word) for value in values for word in words(value)}


def _vocabulary(named: set[str]) -> frozenset[str]:
    """All spellings of what is named, if it is a yes or a no."""
    return frozenset().union(*(group for group in (YES_WORDS, NO_WORDS) if named & group))


def _opposite(named: set[str]) -> frozenset[str]:
    return frozenset().union(*(other for group, other in ((YES_WORDS, NO_WORDS), (NO_WORDS, YES_WORDS)) if named & group))


def _counted(counts: pd.Series[int], listed: Sequence[str]) -> str:
    """Values and how many rows have each, the first few of them."""
    shown = ", ".join(f"{masked(word)} {counts[word]:,}" for word in listed[:MOST_VALUES])
    return shown + (f" and {len(listed) - MOST_VALUES} more values" if len(listed) > MOST_VALUES else "")


def _list(values: Sequence[Scalar]) -> str:
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
