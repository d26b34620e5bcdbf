"""Files of leads and companies → frames whose further columns are custom attributes, with one row an id."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import pandas as pd

from connectors.files.convert import Origin, translate
from connectors.files.infer import infer
from connectors.files.row_lines import FIRST_ROW
from connectors.files.settings import AttributesFile
from connectors.files.tables import MappedFile, frame_of, remark, text_series
from connectors.files.writing import ColumnWriting
from features.common.errors import DataError
from features.dataset.data_report import DataReport
from features.dataset.id_matches import ROUNDED, rounded_mask
from features.dataset.persons import SAMPLE, Screen, personal_content
from features.dataset.tables import with_columns


def attributes_frame(mapped: MappedFile, report: DataReport, reserved: Collection[str] = ()) -> pd.DataFrame:
    """Leads or companies: the mapped columns, then the custom ones that are neither empty nor personal.

    `reserved` columns tell what came of a lead or belong to other tables: as attributes they would leak.
    """
    custom = [c for c in mapped.custom() if c not in reserved]
    raw = mapped.read(custom)
    frame = frame_of(mapped, report, raw)
    screen = Screen(mapped.table.name)
    hollow: list[str] = []
    custom_columns: dict[str, pd.Series[Any]] = {}
    for column in custom:
        repeated = column in mapped.mapping.values
        texts = text_series(raw, column, repeated).reindex(frame.index)
        if repeated:
            texts = translate(texts, mapped.mapping.values[column])[0]
        if texts.isna().all():
            hollow.append(column)
            continue
        writing = ColumnWriting(mapped.options_of(column), None, mapped.other_columns(column), column, strict=False)
        values = infer(mapped.file.in_own_rows(raw, column, texts), writing.options, writing).set_axis(frame.index)
        if screen.keeps(column, values, texts):
            remark(report, mapped.table.name, Origin(mapped.file.title(column), column, column), writing)
            name = f"{column} (file)" if column in frame else column  # the mapped column has the name already
            custom_columns[name] = screen.without_persons(column, values)
    frame = pd.concat([frame, pd.DataFrame(custom_columns, index=frame.index)], axis=1)
    screen.tell(report)
    report.note(mapped.table.name, "all-empty columns not taken", len(hollow), ", ".join(hollow))
    _warn_ids(mapped, frame, report)
    return _one_row_each(mapped, frame, report)


def _warn_ids(mapped: MappedFile, frame: pd.DataFrame, report: DataReport) -> None:
    """Tell of ids that are addresses, and of those that a spreadsheet rounded; these are refused where rows share one.

    Raises
    ------
    DataError
        for several rows of a rounded id: they are of several leads or companies, and nobody knows which is which.
    """
    key = mapped.table.key
    if key in frame:
        rounded = rounded_mask(frame[key])
        shared = rounded & frame[key].duplicated(keep=False).to_numpy()
        if shared.any():
            example = frame[key][shared].iloc[0]
            rows = [row + FIRST_ROW for row in frame.index[(frame[key] == example).to_numpy()][:3]]
            raise DataError(
                f"{mapped.file.name}, rows {', '.join(map(str, rows))}: {key} {example!r} {ROUNDED.partition(':')[0]}, so that "
                "several are one.",
                "Export the ids anew as text, and do not open the file in a spreadsheet.",
            )
        example = frame[key][rounded].iloc[0] if rounded.any() else ""
        report.warn(mapped.table.name, f"{key}s that a spreadsheet rounded", int(rounded.sum()), example, "kept; export anew")
    if key in frame and personal_content(frame[key].dropna().unique()[:SAMPLE].tolist()) == "e-mail address":
        report.warn(mapped.table.name, f"{key}s are e-mail addresses", len(frame), done="kept; better use the id of your CRM")


def _one_row_each(mapped: MappedFile, frame: pd.DataFrame, report: DataReport) -> pd.DataFrame:
    mapping, key = mapped.mapping, mapped.table.key
    if not isinstance(mapping, AttributesFile) or mapping.repeated == "error" or key is None or key not in frame:
        return frame
    kept_row: Any = mapping.repeated
    repeated = frame[key].duplicated(keep=kept_row)
    action = f"of each column the {kept_row} filled value was kept"
    report.note(mapped.table.name, f"further rows of the same {key}", int(repeated.sum()), done=action)
    return _filled_from_others(frame, key, kept_row)[~repeated] if repeated.any() else frame


def _filled_from_others(frame: pd.DataFrame, key: str, kept_row: Any) -> pd.DataFrame:
    """The frame with the blanks of the `kept_row` ("first", "last") of each id filled from the nearest row of the same id that
    has a value: a later contact without a company size does not take that of the company away. A row without an id stays."""
    several = frame[key].duplicated(keep=False) & frame[key].notna()
    columns = [c for c in frame.columns if c != key and frame.loc[several, c].isna().any()]
    if not columns:
        return frame
    groups = frame.loc[several, columns].groupby(frame.loc[several, key], sort=False, observed=True)
    filled = groups.ffill() if kept_row == "last" else groups.bfill()
    return with_columns(frame, {c: frame[c].where(~several, filled[c].reindex(frame.index)) for c in columns})
