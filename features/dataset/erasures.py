"""Who was erased: a dataset without a lead, and a file of keyed hashes, so that the next import does not bring it back
unnoticed."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from features.common.errors import DataError
from features.common.files import whole_file

if TYPE_CHECKING:  # a server knows who was erased, and never reads a dataset
    import pandas as pd

    from features.dataset.dataset import Dataset

USUAL_FILE = Path("erased.json")  # in the working folder, readable by its owner only


def erased_hash(key: str, lead_id: str) -> str:
    """What is kept of the id of somebody who was erased: it recognises the id, and nobody reads the id from it."""
    return hmac.new(key.encode(), lead_id.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()


def record_erasure(lead_id: str, file: Path = USUAL_FILE) -> None:
    """Keep the hash of an id; the key is made with the file.

    Raises
    ------
    DataError
        if the file cannot be read or written.
    """
    key, hashes = _read(file) or (secrets.token_hex(32), [])
    mark = erased_hash(key, lead_id)
    if mark in hashes:
        return
    with whole_file(file) as partial:
        handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            json.dump({"key": key, "hashes": sorted([*hashes, mark])}, stream, indent=1)


def erased_ids(lead_ids: Collection[str], file: Path = USUAL_FILE) -> set[str]:
    """Those of the ids that were erased.

    Raises
    ------
    DataError
        if the file is damaged: it is not taken for an empty one.
    """
    record = _read(file)
    if record is None:
        return set()
    key, hashes = record[0], set(record[1])
    return {name for name in lead_ids if erased_hash(key, name) in hashes}


def _read(file: Path) -> tuple[str, list[str]] | None:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        return str(content["key"]), [str(digest) for digest in content["hashes"]]
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{file}, which remembers who was erased, cannot be read ({error}).", "Put it back from a copy; do not remove it."
        ) from error


def remove_lead(dataset: Dataset, lead_id: str) -> tuple[Dataset, int]:
    """The dataset without a lead, and how many rows that took. A deal of its company stays, without the lead."""
    from features.dataset.dataset import Dataset

    tables, removed_rows = dict(dataset.tables), 0
    for name in ("leads", "interactions", "lead_stages"):
        lead_rows = (tables[name]["lead_id"].astype("str") == lead_id).to_numpy(bool)
        tables[name], removed_rows = _drop_rows(tables[name], lead_rows), removed_rows + int(lead_rows.sum())
    changes = tables["attribute_changes"]
    lead_rows = ((changes["entity"] == "lead") & (changes["id"] == lead_id)).to_numpy(bool)
    tables["attribute_changes"], removed_rows = _drop_rows(changes, lead_rows), removed_rows + int(lead_rows.sum())
    deals = tables["deals"]
    lead_rows = (deals["lead_id"] == lead_id).to_numpy(bool, na_value=False) if len(deals) else deals.index.to_numpy() < 0
    removed_rows += int(lead_rows.sum())
    deals = deals.assign(lead_id=deals["lead_id"].mask(lead_rows))
    tables["deals"] = _drop_rows(deals, lead_rows & deals["company_id"].isna().to_numpy())
    meta: dict[str, Any] = {"extracted_at": dataset.extracted_at, "source": dataset.source, "time": dataset.time}
    return Dataset.from_tables(tables, **meta), removed_rows


def _drop_rows(frame: pd.DataFrame, removed: Any) -> pd.DataFrame:
    """The rows that stay; categories that nobody has any more would still name the lead."""
    import pandas as pd

    kept_rows: pd.DataFrame = frame[~removed].reset_index(drop=True)
    for name in kept_rows:
        if isinstance(kept_rows[name].dtype, pd.CategoricalDtype):
            kept_rows[name] = kept_rows[name].cat.remove_unused_categories()
    return kept_rows
