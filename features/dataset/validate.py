"""The one validator: what every dataset must satisfy before anything is learned from it or scored.

What makes learning impossible or wrong is an error that names table, id, column, value and remedy. What can be put right is put
right and counted in the data report.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.common.clock import microseconds, moment, timestamps
from features.common.codes import recode
from features.common.errors import DataError, nearest
from features.dataset.data_report import DataReport
from features.dataset.dataset import Dataset
from features.dataset.funnel import Funnel
from features.dataset.id_matches import unknown_leads_error, with_mismatch
from features.dataset.landmarks import Path
from features.dataset.moments import drop_implausible, earliest, extraction_sentence, note_ancient, note_late
from features.dataset.repeats import ONCE, SAME_DAY, count_once
from features.dataset.stage_rows import EARLY, reached_counts, tell_rows
from features.dataset.tables import MIN_TYPE_ROWS, TABLES, conform, empty
from features.dataset.tally import Tally

UNKNOWN = "unknown leads"  # how notes end that tell of rows of nobody
HOLLOW = "all-empty custom columns"
ABSENT = "companies that 'companies' lacks"


@dataclass(frozen=True)
class InteractionCounts:
    """What validating finds in interactions, counted in a form that adds up over parts of them.

    Left out are rows after the extraction (`late`, the last of them at `latest`, µs), those before all that can be meant
    (`ancient`, the first of them at `oldest`) and the `unknown` rows of `unknown_leads`, the smallest id of whom is
    `unknown_example`. Of the others, repeats among them, `early` came before their lead was created, the first of them at
    `earliest` (µs); `tally` is of these, each once.
    """

    tally: Tally
    late: int = 0
    latest: int | None = None
    unknown: int = 0
    unknown_leads: int = 0
    unknown_example: str = ""
    early: int = 0
    earliest: int | None = None
    ancient: int = 0
    oldest: int | None = None


def validate(dataset: Dataset, funnel: Funnel) -> tuple[Dataset, DataReport]:
    """The dataset cleaned, and the report of what was found, done and is there.

    Raises
    ------
    DataError
        as `validate_lean`; for interactions that lack an id, type or time, or of which all are of unknown leads.
    """
    cleaned, report = validate_lean(dataset, funnel)
    interactions, counts = _interactions(dataset, cleaned.leads)
    return replace(cleaned, interactions=interactions), note_interactions(report, counts, cleaned)


def validate_lean(dataset: Dataset, funnel: Funnel) -> tuple[Dataset, DataReport]:
    """Everything but the interactions cleaned, and the report of it.

    Raises
    ------
    DataError
        for no leads; missing or duplicate ids; missing times; lead stages outside the funnel; lead stages or deals of which
        all are of unknown leads; leads that all, or none of which, ever reached a lead stage.
    """
    if dataset.leads.empty:
        raise DataError("The dataset has no leads.", "Check the files and filters of `source:`.")
    report = DataReport(time=dataset.time, extraction=extraction_sentence(moment(dataset.extracted_at)))
    full: dict[str, Any] = {name: _drop_hollow(name, dataset.tables[name], report) for name in ("leads", "companies")}
    cleaned, part_report = validate_part(replace(dataset, **full), funnel)
    if cleaned.leads.empty:
        raise DataError(
            f"Every lead was created after the extraction at {dataset.extracted_at}, or before 1990.",
            "Check `extracted_at:`, `date_format:` and the time zone.",
        )
    for note in part_report.notes:
        if note.what.endswith(UNKNOWN) and cleaned.tables[note.table].empty:
            raise unknown_leads_error(note.table, note.count, note.example, cleaned.leads["lead_id"])
    report = report.merge(part_report)
    for name in ("leads", "deals"):
        absent_companies(name, cleaned.tables[name]["company_id"], cleaned.companies["company_id"], report)
    contrast(report.stages, len(cleaned.leads), funnel)
    moments = [t for t in (cleaned.leads["created_at"], cleaned.lead_stages["at"]) if len(t)]
    report.period = min(m.min() for m in moments).isoformat(), max(m.max() for m in moments).isoformat()
    return cleaned, report


def note_interactions(report: DataReport, counts: InteractionCounts, lean: Dataset) -> DataReport:
    """The report of a cleaned dataset `lean` without interactions with what there is to say of these.

    Raises
    ------
    DataError
        if all are of unknown leads.
    """
    name, tally = "interactions", counts.tally
    if counts.unknown and not tally.rows:
        raise unknown_leads_error(name, counts.unknown, counts.unknown_example, lean.leads["lead_id"])
    if counts.latest is not None:
        note_late(report, name, "at", counts.late, _timestamp(counts.latest), lean.extracted_at)
    if counts.oldest is not None:
        note_ancient(report, name, "at", counts.ancient, counts.oldest)
    if counts.unknown:
        share = f"dropped; {counts.unknown / (counts.unknown + tally.rows):.0%} of all"
        example = with_mismatch(counts.unknown_example, lean.leads["lead_id"])
        report.warn(name, f"rows of {counts.unknown_leads:,} {UNKNOWN}", counts.unknown, example, share)
    if counts.earliest is not None:
        report.note(name, EARLY, counts.early, _timestamp(counts.earliest), "kept")
    rare = [kind for kind, rows in sorted(tally.types.items(), key=lambda t: (-t[1], t[0])) if rows < MIN_TYPE_ROWS]
    report.note(name, f"types with fewer than {MIN_TYPE_ROWS} rows", len(rare), ", ".join(rare[:5]), "kept")
    if tally.odd:
        odd = sum(tally.odd.values())
        report.warn(name, "rows whose direction is neither in nor out", odd, repr(min(tally.odd)), "direction emptied")
    report.warn(name, ONCE, tally.repeated, done="each counts once")
    report.warn(name, SAME_DAY, tally.same_day, done="kept; they may be several acts of one day")
    if tally.first is not None and tally.last is not None and report.period:
        begin, end = map(pd.Timestamp, report.period)
        first, last = _timestamp(tally.first), _timestamp(tally.last)
        report.period = min(begin, first).isoformat(), max(end, last).isoformat()
    report.rows[name] = tally.rows
    return report


def _timestamp(at: int) -> pd.Timestamp:
    return timestamps(np.array([at]))[0]


def validate_part(dataset: Dataset, funnel: Funnel) -> tuple[Dataset, DataReport]:
    """Some of the leads and companies with everything of theirs but interactions, cleaned, and a report that adds up over such
    parts; what can only be said of a whole dataset (empty columns, companies that are absent, who reached what at all) is left
    to `validate_lean`.

    Raises
    ------
    DataError
        for missing or duplicate ids, missing times, and lead stages outside the funnel.
    """
    report = DataReport(time=dataset.time)
    tables = {name: conform(name, frame) for name, frame in replace(dataset, interactions=empty("interactions")).tables.items()}
    for name, frame in tables.items():
        _required(name, frame)
        _unique(name, frame)
    _check_stage_names(tables["lead_stages"], funnel)
    tables["leads"] = _leads(tables["leads"], dataset, report)
    tables["lead_stages"], path = _lead_stages(tables, dataset, funnel, report)
    tables["deals"] = _deals(tables, dataset, report)
    changes = tables["attribute_changes"]
    tables["attribute_changes"] = drop_implausible("attribute_changes", changes, "at", dataset.extracted_at, report)
    report.stages = reached_counts(path, funnel)
    report.rows = {name: len(frame) for name, frame in tables.items()}
    cleaned: dict[str, Any] = dict(tables)
    return replace(dataset, **cleaned), report


def _required(name: str, frame: pd.DataFrame) -> None:
    for column in TABLES[name].required:
        require(name, column, frame[column].isna().to_numpy())


def require(table: str, column: str, missing: npt.NDArray[np.bool_]) -> None:
    """Raise a DataError that names the first of the rows (n,) in which a required column is `missing`, if it is in any."""
    rows = np.flatnonzero(missing)
    if len(rows):
        raise missing_values(table, column, int(rows[0]), len(rows))


def missing_values(table: str, column: str, row: int, rows: int) -> DataError:
    """A required column is empty in so many `rows`, of which `row` is the first."""
    return DataError(
        f"Table {table!r}, row {row}: column {column!r} is empty ({rows:,} such rows).",
        f"Every row of {table!r} needs {', '.join(TABLES[table].required)}.",
    )


def _unique(name: str, frame: pd.DataFrame) -> None:
    key = TABLES[name].key
    if key is None:
        return
    repeated = frame[key].duplicated(keep=False).to_numpy()
    if repeated.any():
        value = frame[key].iloc[int(np.flatnonzero(repeated)[0])]
        rows = np.flatnonzero((frame[key] == value).to_numpy())[:5].tolist()
        hint = " With files as the source, `repeated: first` keeps one row of each." if TABLES[name].custom else ""
        ids = frame[key][repeated].nunique()
        raise DataError(
            f"Table {name!r}: {key} {value!r} stands in rows {rows} ({ids:,} ids stand there more than once).",
            f"One row per {key}, please.{hint}",
        )


def _check_stage_names(lead_stages: pd.DataFrame, funnel: Funnel) -> None:
    counts = lead_stages["lead_stage"].astype("str").value_counts()
    known_names = [*funnel.stages, *funnel.exits]
    unknown = counts[~counts.index.isin(known_names)]
    if len(unknown):
        listed = ", ".join(f"{name!r} ({count:,} rows)" for name, count in unknown.head(10).items())
        remainder = f" and {len(unknown) - 10} more" if len(unknown) > 10 else ""
        raise DataError(
            f"Table 'lead_stages', column 'lead_stage': not in the funnel: {listed}{remainder}.",
            f"For {unknown.index[0]!r}: {nearest(str(unknown.index[0]), known_names)} "
            'Translate such names with `values: {lead_stage: {theirs: ours, "*": null}}`, or add them to `funnel:`.',
        )


def _drop_hollow(name: str, frame: pd.DataFrame, report: DataReport) -> pd.DataFrame:
    if frame.empty:
        return frame
    hollow = [c for c in frame.columns if c not in TABLES[name].names and frame[c].isna().all()]
    note_hollow(name, hollow, report)
    return frame.drop(columns=hollow)


def note_hollow(name: str, columns: Sequence[str], report: DataReport) -> None:
    """Note the custom columns of a table in which no row has a value."""
    report.note(name, HOLLOW, len(columns), ", ".join(map(str, columns)), "dropped")


def _leads(leads: pd.DataFrame, dataset: Dataset, report: DataReport) -> pd.DataFrame:
    leads = drop_implausible("leads", leads, "created_at", dataset.extracted_at, report)
    report.note(
        "leads", "leads that opted out", int(leads["opted_out"].fillna(False).sum()), done="kept; the recommendation heeds it"
    )
    return leads


def places(ids: pd.Series[Any], leads: pd.Series[Any]) -> npt.NDArray[np.intp]:
    """Ids (n,), text or a category → their rows in `leads` (lead ids), -1 where unknown."""
    return recode(ids, leads)[0].astype(np.intp)


def _rows_of_known_leads(
    name: str, frame: pd.DataFrame, leads: pd.DataFrame, report: DataReport
) -> tuple[pd.DataFrame, npt.NDArray[np.intp]]:
    """Rows of known leads, and the rows of these leads in `leads`."""
    lead_row = places(frame["lead_id"], leads["lead_id"])
    unknown = lead_row < 0
    if unknown.any():
        lost = frame["lead_id"][unknown]
        report.warn(
            name, f"rows of {lost.nunique():,} {UNKNOWN}", len(lost), with_mismatch(lost.iloc[0], leads["lead_id"]), "dropped"
        )
        frame, lead_row = frame[~unknown].reset_index(drop=True), lead_row[~unknown]
    return frame, lead_row


def _interactions(dataset: Dataset, leads: pd.DataFrame) -> tuple[pd.DataFrame, InteractionCounts]:
    """The interactions of these leads up to the extraction, and what was counted."""
    frame = conform("interactions", dataset.interactions)
    _required("interactions", frame)
    times = microseconds(frame["at"])
    extracted_at = moment(dataset.extracted_at)
    late, ancient = times > extracted_at, times < earliest(extracted_at)
    latest, oldest = int(times.max()) if late.any() else None, int(times.min()) if ancient.any() else None
    lead_row = places(frame["lead_id"], leads["lead_id"])
    unknown = (lead_row < 0) & ~late & ~ancient
    lost = frame["lead_id"][unknown].astype("str")
    usable = ~late & ~ancient & ~unknown
    if not usable.all():
        frame, lead_row = frame[usable].reset_index(drop=True), lead_row[usable]
    moments = microseconds(frame["at"])
    early = moments < microseconds(leads["created_at"])[lead_row]
    first_early = int(moments[early].min()) if early.any() else None
    first_ones, tally = count_once(frame, lead_row)
    if not first_ones.all():
        frame, lead_row = frame[first_ones].reset_index(drop=True), lead_row[first_ones]
    if tally.odd:
        frame = frame.assign(direction=frame["direction"].astype("category").cat.remove_categories(list(tally.odd)))
    unknown_counts = (len(lost), lost.nunique(), min(lost.unique(), default=""))
    odd_counts = (int(late.sum()), latest, *unknown_counts, int(early.sum()), first_early, int(ancient.sum()), oldest)
    return frame, InteractionCounts(tally, *odd_counts)


def _lead_stages(
    tables: dict[str, pd.DataFrame], dataset: Dataset, funnel: Funnel, report: DataReport
) -> tuple[pd.DataFrame, Path]:
    leads, frame = tables["leads"], tables["lead_stages"]
    frame = drop_implausible("lead_stages", frame, "at", dataset.extracted_at, report)
    frame, lead_row = _rows_of_known_leads("lead_stages", frame, leads, report)
    rows = pd.DataFrame({"lead": lead_row, "stage": frame["lead_stage"].cat.codes.to_numpy(), "at": microseconds(frame["at"])})
    identical = rows.duplicated().to_numpy()
    report.note("lead_stages", "identical rows", int(identical.sum()), done="dropped")
    frame, lead_row = frame[~identical].reset_index(drop=True), lead_row[~identical]
    return tell_rows(frame, lead_row, leads, funnel, report)


def absent_companies(name: str, ids: pd.Series[Any], companies: pd.Series[Any], report: DataReport) -> None:
    """Note company ids of table `name` that 'companies' lacks, if it has any at all."""
    filled_ids = ids.dropna()
    absent = filled_ids[~filled_ids.isin(companies)] if len(companies) else filled_ids[:0]
    if len(absent):
        report.note(name, f"rows with {absent.nunique():,} {ABSENT}", len(absent), absent.iloc[0], "kept")


def _deals(tables: dict[str, pd.DataFrame], dataset: Dataset, report: DataReport) -> pd.DataFrame:
    frame = tables["deals"]
    if frame.empty:
        return frame
    frame = drop_implausible("deals", frame, "created_at", dataset.extracted_at, report)
    unknown = (frame["lead_id"].notna() & (places(frame["lead_id"], tables["leads"]["lead_id"]) < 0)).to_numpy()
    if unknown.any():
        report.warn("deals", f"rows of {UNKNOWN}", int(unknown.sum()), frame["lead_id"][unknown].iloc[0], "dropped")
        frame = frame[~unknown].reset_index(drop=True)
    future = frame["closed_at"] > dataset.extracted_at
    report.note("deals", "deals that close after the extraction", int(future.sum()), done="closed_at emptied")
    negative = frame["amount"] < 0
    report.warn("deals", "amounts below zero", int(negative.sum()), frame["amount"][negative].min(), "kept")
    report.note("deals", "deals without an amount", int(frame["amount"].isna().sum()), done="kept")
    ancient = microseconds(frame["closed_at"]) < earliest(moment(dataset.extracted_at))
    report.warn("deals", "deals that closed before 1990", int(ancient.sum()), done="closed_at emptied")
    return frame.assign(closed_at=frame["closed_at"].mask(future | ancient))


def contrast(counts: Mapping[str, int], leads: int, funnel: Funnel) -> None:
    """Is there something to learn from? `counts`: how many of so many `leads` reached each lead stage.

    Raises
    ------
    DataError
        unless some leads reached a target and some did not reach the last one.
    """
    targets = " or ".join(map(repr, funnel.targets))
    reached = ", ".join(f"{name} {count:,}" for name, count in counts.items() if count)
    if not any(counts[name] for name in funnel.targets):
        raise DataError(
            f"None of the {leads:,} leads ever reached {targets}: there is nothing to learn from. Reached are: {reached}.",
            "Check the `values:` of lead_stages or of the outcome, or take older data in which leads have converted.",
        )
    if counts[funnel.final] == leads:
        raise DataError(
            f"All {leads:,} leads reached {funnel.final!r}: there is nobody to tell them from.",
            "Add the leads that did not convert; an export of customers alone teaches nothing.",
        )
