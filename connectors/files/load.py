"""Files and a mapping → a dataset and what there is to say about it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from connectors.files.attributes import attributes_frame
from connectors.files.convert import Origin, Texts, as_time, translate
from connectors.files.days import from_creation
from connectors.files.flat import FlatOutcomes, day_of_knowledge, flat_outcomes, row_times, without_undated
from connectors.files.reading import FIRST_ROW
from connectors.files.set_aside import interactions_without, without_rows_of
from connectors.files.settings import AttributesFile, FilesSource, LeadStagesFile, Outcome, TableFile
from connectors.files.stage import cut_to, plausible_rows, stage
from connectors.files.tables import (
    MappedFile,
    check_required,
    frame_of,
    remark,
    text_series,
    wide_lead_stages,
)
from connectors.files.writing import ColumnWriting
from features.common.clock import microseconds, moment, timestamps
from features.common.errors import ConfigError, DataError
from features.dataset.data_report import DataReport
from features.dataset.dataset import Dataset
from features.dataset.day_counts import DayCounts, Span
from features.dataset.funnel import Funnel
from features.dataset.moments import check_extraction
from features.dataset.tables import TABLES, concat_frames

MOMENTS = {"leads": "created_at", "interactions": "at", "lead_stages": "at", "deals": "created_at"}


def load_files(
    source: FilesSource, funnel: Funnel, base: Path, interactions: Path | None = None, *, now: datetime | None = None
) -> tuple[Dataset, DataReport]:
    """The dataset that the files make, and notes on what was left out. `base`: where a relative `folder` starts.

    With `interactions` these are written into that Parquet file block by block, whatever their number; the dataset has none.
    `now` is the clock by which moments are judged; None asks that of this machine.

    The tables are of the right columns and kinds; whether they make sense is for `features.dataset.validate.validate` to say.

    Raises
    ------
    ConfigError
        if the mapping lacks a required column or names what the funnel does not have.
    DataError
        if a file, column or value is missing or cannot be read; file, row and column are named.
    """
    folder = base / Path(source.folder).expanduser()
    report = DataReport()
    clock = moment(pd.Timestamp(now or datetime.now(UTC)))
    counts = DayCounts(clock, moment(pd.Timestamp(source.extracted_at)) if source.extracted_at else None)
    leads, outcomes, aside = _leads(source, funnel, folder, report, counts)
    tables = {"leads": leads}
    if source.companies:
        mapped = MappedFile(source, source.companies, "companies", folder)
        check_required(mapped, {})
        tables["companies"] = attributes_frame(mapped, report)
    if interactions is None:
        tables["interactions"] = _load_table(source, "interactions", folder, report, counts)
    else:
        stage(_mapped_files(source, "interactions", folder), report, interactions, counts)
    tables["lead_stages"] = concat_frames(
        [_load_lead_stages(source, folder, leads, report, counts), outcomes.lead_stages if outcomes else pd.DataFrame()]
    )
    tables["deals"] = _load_table(source, "deals", folder, report, counts)
    time: Literal["dates", "row_order"] = "row_order" if _undated(source) else "dates"
    if not source.leads.order:
        span = counts.judge(report)
        tables = {name: _within(name, frame, span) for name, frame in tables.items()}
        if tables["leads"].empty:
            raise DataError("No lead was created on a day that can be meant.", "Look at `created_at` and `date_format:`.")
        if interactions is not None:
            cut_to(interactions, span)
        extracted_at = timestamps(np.array([span.extracted_at]))[0]
        undated = frozenset[str]()
        if outcomes and time == "dates":
            undated = without_undated(outcomes, span.covers, funnel, report).undated
        tables["leads"] = tables["leads"][~tables["leads"]["lead_id"].astype("str").isin(undated).to_numpy(bool)]
        late = tables["leads"]["created_at"] > extracted_at  # dropped and told by who validates
        aside |= (_ids(leads) - _ids(tables["leads"])) | _ids(tables["leads"][late.to_numpy()])
        tables = without_rows_of(aside, tables, report)
        if interactions is not None:
            interactions_without(aside, interactions, report)
    if len(tables["deals"]):
        tables["deals"] = _with_status(tables["deals"], tables["lead_stages"], funnel)
    tables = {name: frame for name, frame in tables.items() if len(frame.columns)}
    if time == "row_order":
        if outcomes is None:
            raise ConfigError(
                f"source.leads has `order: {source.leads.order}` but no `outcome`.",
                "Say which column tells what came of a lead.",
            )
        plausible_leads, outcome_rows = tables["leads"], tables["lead_stages"]
        outcomes = replace(outcomes, open=outcomes.open[leads.index.isin(plausible_leads.index)])
        tables["lead_stages"] = outcome_rows[outcome_rows["lead_id"].isin(plausible_leads["lead_id"])]
        extracted_at = day_of_knowledge(plausible_leads, outcomes, report)
    else:
        check_extraction(moment(extracted_at), clock, report)
    report.time = time
    name = ", ".join(dict.fromkeys(m.file for m in _mappings(source)))
    return Dataset.from_tables(tables, extracted_at=extracted_at, source=f"files: {name}", time=time), report


def _within(name: str, frame: pd.DataFrame, span: Span) -> pd.DataFrame:
    """The rows of a table whose moment may be meant."""
    if MOMENTS.get(name) not in frame:
        return frame
    usable = span.covers(microseconds(frame[MOMENTS[name]]))
    return frame if usable.all() else frame[usable]


def _undated(source: FilesSource) -> bool:
    outcome = source.leads.outcome
    return source.leads.order is not None or (outcome is not None and outcome.at is None)


def files_of(source: FilesSource, base: Path) -> list[Path]:
    """All files that `load_files` reads, each once, whether or not they are there."""
    folder = base / Path(source.folder).expanduser()
    joined = (side.file for mapping in _mappings(source) if isinstance(mapping, AttributesFile) for side in mapping.join)
    return [folder / name for name in dict.fromkeys([*(mapping.file for mapping in _mappings(source)), *joined])]


def _mappings(source: FilesSource) -> list[TableFile]:
    return [m for table in ("leads", "companies", "interactions", "lead_stages", "deals") for m in _mappings_of(source, table)]


def _leads(
    source: FilesSource, funnel: Funnel, folder: Path, report: DataReport, counts: DayCounts
) -> tuple[pd.DataFrame, FlatOutcomes | None, set[str]]:
    """The leads, what came of them where their file says so, and the ids of those whose creation cannot be meant."""
    mapping, outcome = source.leads, source.leads.outcome
    mapped = _mapped_leads(source, folder)
    reserved = mapped.outcome
    for column in reserved:
        mapped.file.require(column, "outcome")
    elsewhere = _used_elsewhere(source, mapped) if mapping.keep == "all" else set()
    elsewhere -= set(mapped.file.chosen)
    unmapped = sorted(elsewhere & set(mapped.custom()))
    report.note(
        "leads", "columns that feed other tables", len(unmapped), ", ".join(unmapped), "no attributes of leads: they would leak"
    )
    frame = attributes_frame(mapped, report, [*reserved, *elsewhere])
    if frame.empty:
        raise DataError(f"{mapped.file.name} has no leads.", "Look at the file, and at `only:` and `skip:` in the mapping.")
    if "lead_id" not in frame:
        frame.insert(0, "lead_id", pd.Series([str(row + FIRST_ROW) for row in frame.index], index=frame.index, dtype="str"))
        report.note("leads", "leads without an id in the file", len(frame), done="the number of the row is the id")
    if mapping.order:
        frame["created_at"] = row_times(frame, mapping.order == "newest_first")
        return frame, _outcomes(frame, mapped, outcome, funnel, report) if outcome else None, set()
    plausible = plausible_rows(counts, "leads", "created_at", mapped, frame)
    outcomes = _outcomes(plausible, mapped, outcome, funnel, report) if outcome else None
    if outcomes and outcome and outcome.at:
        dated = plausible_rows(counts, "lead_stages", "at", mapped, outcomes.lead_stages, outcome.at)
        usable = outcomes.lead_stages.index.isin(dated.index)
        outcomes = without_undated(outcomes, lambda _: usable, funnel, report)
    return plausible, outcomes, _ids(frame) - _ids(plausible)


def _ids(leads: pd.DataFrame) -> set[str]:
    return set(leads["lead_id"].astype("str"))


def _mapped_leads(source: FilesSource, folder: Path) -> MappedFile:
    """The file of leads, with all that it must have."""
    mapped = MappedFile(source, source.leads, "leads", folder)
    has_other_tables = bool(source.interactions or source.lead_stages or source.deals)
    if _undated(source) and has_other_tables:
        raise ConfigError(
            "source.leads is a flat file whose outcome has no date, but other tables are mapped beside it.",
            "Give `outcome: {at: …}` the column of the day, map `lead_stages:` instead of an outcome, or leave the others out.",
        )
    derived = {} if has_other_tables else {"lead_id": True}
    if source.leads.order:
        mapped.columns.pop("created_at", None)
        derived["created_at"] = True
    check_required(mapped, derived)
    return mapped


def _outcomes(frame: pd.DataFrame, mapped: MappedFile, outcome: Outcome, funnel: Funnel, report: DataReport) -> FlatOutcomes:
    """What came of the leads of `frame`, by the columns of their file that say so."""
    raw = mapped.read(mapped.outcome)

    def texts_of(column: str) -> Texts:
        texts = text_series(raw, column, repeated=False).reindex(frame.index)
        if column in mapped.mapping.values:
            texts = translate(texts, mapped.mapping.values[column])[0]
        return mapped.file.in_own_rows(raw, column, texts)

    when = outcome.at or outcome.column
    writing = ColumnWriting(mapped.options_of(when), None, mapped.other_columns(when), when)
    files = mapped.file.title(outcome.column), mapped.file.title(when), writing
    days = texts_of(outcome.at) if outcome.at else None
    outcomes = flat_outcomes(frame, texts_of(outcome.column), outcome, funnel, files, days, report)
    remark(report, "lead_stages", Origin(mapped.file.title(when), when, "outcome.at"), writing)
    if days is None or "created_at" not in frame:
        return outcomes
    return replace(outcomes, lead_stages=from_creation(outcomes.lead_stages, frame, mapped.options_of(when).timezone))


def _used_elsewhere(source: FilesSource, leads: MappedFile) -> set[str]:
    """Columns of the leads' files that other tables are made of, such as the days on which lead stages were reached."""
    used: set[str] = set()
    for name in ("companies", "interactions", "lead_stages", "deals"):
        for mapping in _mappings_of(source, name):
            dates = mapping.dates.values() if isinstance(mapping, LeadStagesFile) else ()
            feeding = {*mapping.columns.values(), *dates, *TABLES[name].names}
            used |= {name for column, name in leads.file.columns_of(mapping.file) if column in feeding}
    return used


def _mappings_of(source: FilesSource, table: str) -> list[TableFile]:
    mappings = getattr(source, table)
    return mappings if isinstance(mappings, list) else [mappings] if mappings else []


def _mapped_files(source: FilesSource, table: str, folder: Path) -> Iterator[MappedFile]:
    """The files of a table, each opened when it is its turn."""
    for mapping in _mappings_of(source, table):
        mapped = MappedFile(source, mapping, table, folder)
        derived = ("lead_stage", "at") if _wide(mapping) else ("status",) if table == "deals" else ()
        check_required(mapped, dict.fromkeys(derived, True))
        yield mapped


def _wide(mapping: TableFile) -> bool:
    return isinstance(mapping, LeadStagesFile) and bool(mapping.dates)


def _load_table(source: FilesSource, table: str, folder: Path, report: DataReport, counts: DayCounts) -> pd.DataFrame:
    files = _mapped_files(source, table, folder)
    return concat_frames([plausible_rows(counts, table, MOMENTS[table], f, frame_of(f, report)) for f in files])


def _load_lead_stages(
    source: FilesSource, folder: Path, leads: pd.DataFrame, report: DataReport, counts: DayCounts
) -> pd.DataFrame:
    parts = []
    for mapped in _mapped_files(source, "lead_stages", folder):
        zone, wide = mapped.file.options.timezone, _wide(mapped.mapping)
        rows = wide_lead_stages(mapped, report) if wide else frame_of(mapped, report)
        rows = plausible_rows(counts, "lead_stages", "at", mapped, rows)
        columns = [rows[rows["lead_stage"] == name] for name in rows["lead_stage"].unique()] if wide else [rows]
        parts += [from_creation(column, leads, zone) for column in columns]
    return concat_frames(parts)


def _with_status(deals: pd.DataFrame, lead_stages: pd.DataFrame, funnel: Funnel) -> pd.DataFrame:
    """Deals without a status follow their lead: won with the last lead stage, lost with an exit after all else, else open."""
    if "status" in deals:
        return deals
    if "lead_id" not in deals:
        raise ConfigError(
            "source.deals: nothing is mapped to 'status', and without 'lead_id' it cannot follow the lead.", "Map one of them."
        )
    stage, times = lead_stages["lead_stage"].astype("str"), lead_stages["at"]
    ids = lead_stages["lead_id"].astype("str")
    lead = deals["lead_id"].astype("str")
    won = lead.map(times[stage == funnel.final].groupby(ids[stage == funnel.final]).min())
    is_exit = stage.isin(funnel.exits)
    lost, moved_on = (lead.map(times[rows].groupby(ids[rows]).max()) for rows in (is_exit, ~is_exit))
    lost = lost.mask(moved_on > lost)  # it came back
    status = np.where(won.notna(), "won", np.where(lost.notna(), "lost", "open"))
    closed = deals["closed_at"] if "closed_at" in deals else as_time(won.fillna(lost))
    return deals.assign(status=status, closed_at=closed)
