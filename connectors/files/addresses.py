"""Which e-mail addresses the leads of a file have, by their hashes alone: what joins them to leads of another source."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from connectors.files.reading import FIRST_ROW
from connectors.files.settings import FilesSource
from connectors.files.tables import MappedFile, frame_of, text_series
from features.common.errors import DataError
from features.dataset.data_report import DataReport

_BETWEEN = re.compile(r"[\s,;|]+")


def address_keys(source: FilesSource, base: Path, column: str, key: Callable[[str], str | None]) -> pd.DataFrame:
    """The rows lead_id, email_key of the file of leads: `key` hashes an address, of which a cell may hold several.

    Raises
    ------
    DataError
        if the file has no such column, or nothing in it is an address.
    """
    mapped = MappedFile(source, source.leads, "leads", base / Path(source.folder).expanduser())
    mapped.file.require(column, "join.email")
    raw = mapped.read([column])
    leads = frame_of(mapped, DataReport(), raw)
    texts = text_series(raw, column, repeated=False).reindex(leads.index).dropna()
    distinct = {text: [k for part in _BETWEEN.split(str(text)) if (k := key(part))] for text in texts.unique()}
    ids = leads["lead_id"] if "lead_id" in leads else pd.Series([str(row + FIRST_ROW) for row in leads.index], leads.index)
    rows = [(str(name), k) for name, text in zip(ids.loc[texts.index], texts, strict=True) for k in distinct[text]]
    if len(texts) and not rows:
        raise DataError(
            f"{mapped.file.name}: the column {column!r} holds no e-mail address.",
            "Name under `join: email:` the column that does.",
        )
    return pd.DataFrame(rows, columns=["lead_id", "email_key"]).drop_duplicates()
