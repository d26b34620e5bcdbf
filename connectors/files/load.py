"""Files and a mapping → a dataset and what there is to say about it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from connectors.files.convert import as_time
from connectors.files.days import from_creation
from connectors.files.flat import FlatOutcomes, day_of_knowledge, flat_outcomes, row_times
from connectors.files.reading import FIRST_ROW
from connectors.files.settings import FilesSource, LeadStagesFile, Outcome, TableFile
from connectors.files.stage import stage
from connectors.files.tables import (
    MappedFile,
    attributes_frame,
    check_required,
    frame_of,
    text_series,
    wide_lead_stages,
)
from features.common.errors import ConfigError, DataError
from features.dataset.data_report import DataReport
from features.dataset.dataset import Dataset
from features.dataset.funnel import Funnel
from features.dataset.tables import TABLES, concat_frames

MOMENTS = (("leads", "created_at"), ("interactions", "at"), ("lead_stages", "at"), ("deals", "created_at"))


def load_files(source: FilesSource, funnel: Funnel, base: Path, interactions: Path | None = None) -> tuple[Dataset, DataReport]:
    """The dataset that the files make, and notes on what was left out. `base`: where a relative `folder` starts.

    With `interactions` these are written into that Parquet file block by block, whatever their number; the dataset has none.

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
    leads, outcomes = _leads(source, funnel, folder, report)
    tables = {"leads": leads}
    if source.companies:
        mapped = MappedFile(source, source.companies, "companies", folder)
        check_required(mapped, {})
        tables["companies"] = attributes_frame(mapped, report)
    newest = None
    if interactions is None:
        tables["interactions"] = _load_table(source, "interactions", folder, report)
    else:
        newest = stage(_mapped_files(source, "interactions", folder), report, interactions)
    tables["lead_stages"] = concat_frames(
        [_load_lead_stages(source, folder, leads, report), outcomes.lead_stages if outcomes else pd.DataFrame()]
    )
    deals = _load_table(source, "deals", folder, report)
    tables["deals"] = _with_status(deals, tables["lead_stages"], funnel) if len(deals) else deals
    tables = {name: frame for name, frame in tables.items() if len(frame.columns)}
    time: Literal["dates", "row_order"] = "dates"
    if _undated(source):
        time = "row_order"
        if outcomes is None:
            raise ConfigError(
                f"source.leads has `order: {source.leads.order}` but no `outcome`.",
                "Say which column tells what came of a lead.",
            )
        extracted_at = day_of_knowledge(leads, outcomes, report)
    else:
        extracted_at = _extracted_at(source, tables, newest, report)
    report.time = time
    name = ", ".join(dict.fromkeys(m.file for m in _mappings(source)))
    return Dataset.from_tables(tables, extracted_at=extracted_at, source=f"files: {name}", time=time), report


def _undated(source: FilesSource) -> bool:
    outcome = source.leads.outcome
    return source.leads.order is not None or (outcome is not None and outcome.at is None)


def files_of(source: FilesSource, base: Path) -> list[Path]:
    """All files that `load_files` reads, each once, whether or not they are there."""
    folder = base / Path(source.folder).expanduser()
    return [folder / name for name in dict.fromkeys(mapping.file for mapping in _mappings(source))]


def _mappings(source: FilesSource) -> list[TableFile]:
    return [m for table in ("leads", "companies", "interactions", "lead_stages", "deals") for m in _mappings_of(source, table)]


def _leads(source: FilesSource, funnel: Funnel, folder: Path, report: DataReport) -> tuple[pd.DataFrame, FlatOutcomes | None]:
    mapping, outcome = source.leads, source.leads.outcome
    mapped = _mapped_leads(source, folder)
    reserved = list(dict.fromkeys(c for c in (outcome.column, outcome.at) if c)) if outcome else []
    for column in reserved:
        mapped.file.require(column, "outcome")
    elsewhere = _used_elsewhere(source, mapped) if mapping.keep == "all" else set()
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
    return frame, _outcomes(frame, mapped, outcome, funnel, report) if outcome else None


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
    raw = mapped.read(list(dict.fromkeys(c for c in (outcome.column, outcome.at) if c)))
    values = text_series(raw, outcome.column, repeated=False).reindex(frame.index)
    days = text_series(raw, outcome.at, repeated=False).reindex(frame.index) if outcome.at else None
    outcomes = flat_outcomes(frame, values, outcome, funnel, (mapped.file.name, mapped.file.options), days, report)
    if days is None or "created_at" not in frame:
        return outcomes
    return replace(outcomes, lead_stages=from_creation(outcomes.lead_stages, frame, mapped.file.options.timezone))


def _used_elsewhere(source: FilesSource, leads: MappedFile) -> set[str]:
    """Columns of the leads' file that other tables are made of, such as the days on which lead stages were reached."""
    used: set[str] = set()
    for name in ("companies", "interactions", "lead_stages", "deals"):
        for mapping in _mappings_of(source, name):
            if mapping.file == source.leads.file:
                dates = mapping.dates.values() if isinstance(mapping, LeadStagesFile) else ()
                used |= {*mapping.columns.values(), *dates, *(set(TABLES[name].names) & set(leads.file.headers))}
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


def _load_table(source: FilesSource, table: str, folder: Path, report: DataReport) -> pd.DataFrame:
    files = _mapped_files(source, table, folder)
    return concat_frames([frame_of(f, report) for f in files])


def _load_lead_stages(source: FilesSource, folder: Path, leads: pd.DataFrame, report: DataReport) -> pd.DataFrame:
    parts = []
    for mapped in _mapped_files(source, "lead_stages", folder):
        zone = mapped.file.options.timezone
        if _wide(mapped.mapping):
            rows = wide_lead_stages(mapped, report)
            parts += [from_creation(rows[rows["lead_stage"] == name], leads, zone) for name in rows["lead_stage"].unique()]
        else:
            parts.append(from_creation(frame_of(mapped, report), leads, zone))
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


def _extracted_at(
    source: FilesSource, tables: dict[str, pd.DataFrame], newest: pd.Timestamp | None, report: DataReport
) -> pd.Timestamp:
    """As given, else the newest moment in the tables and of rows that are not in them (`newest`)."""
    if source.extracted_at:
        return pd.Timestamp(source.extracted_at).as_unit("us")
    moments = [tables[t][c].max() for t, c in MOMENTS if t in tables and tables[t][c].notna().any()]
    moments += [] if newest is None else [newest]
    if not moments:
        raise DataError("The files hold no date at all.", "Map `created_at`, or set `leads: {order: rows}`.")
    report.note("dataset", "moments of extraction not given", 1, done=f"the newest in the data, {max(moments)}, is taken")
    return pd.Timestamp(max(moments)).as_unit("us")
