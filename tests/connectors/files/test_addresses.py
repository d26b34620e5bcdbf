"""Of the addresses in a file only hashes leave the reader."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.files.addresses import address_keys
from connectors.files.settings import FilesSource
from features.common.errors import DataError


def _source(folder: Path, text: str, **leads: object) -> FilesSource:
    (folder / "leads.csv").write_text(text, encoding="utf-8")
    return FilesSource.model_validate({"kind": "files", "folder": str(folder), "leads": {"file": "leads.csv", **leads}})


def _key(address: str) -> str | None:
    return f"#{address.casefold()}" if "@" in address else None


def test_a_cell_may_hold_several_and_none(tmp_path: Path) -> None:
    text = "Nr;Mail;created_at\n1;Ada@x.com;2026-01-01\n2;;2026-01-01\n3;bob@y.com, b@z.com;2026-01-01\n4;unknown;2026-01-01\n"
    source = _source(tmp_path, text, columns={"lead_id": "Nr"})
    keys = address_keys(source, tmp_path, "Mail", _key)
    assert list(zip(keys["lead_id"], keys["email_key"], strict=True)) == [
        ("1", "#ada@x.com"),
        ("3", "#bob@y.com"),
        ("3", "#b@z.com"),
    ]


def test_ids_are_those_of_the_dataset(tmp_path: Path) -> None:
    """Written as 4711.0 by a spreadsheet, or the address itself, or none."""
    pointed = _source(tmp_path, "lead_id,Mail,created_at\n4711.0,a@x.com,2026-01-01\n12.0,b@x.com,2026-01-01\n")
    assert list(address_keys(pointed, tmp_path, "Mail", _key)["lead_id"]) == ["4711", "12"]
    addresses = _source(tmp_path, "Mail,created_at\nA@x.com,2026-01-01\n", columns={"lead_id": "Mail"})
    assert address_keys(addresses, tmp_path, "Mail", _key).to_numpy().tolist() == [["A@x.com", "#a@x.com"]]
    rows = _source(tmp_path, "Mail,created_at\na@x.com,2026-01-01\n")
    assert list(address_keys(rows, tmp_path, "Mail", _key)["lead_id"]) == ["2"]


def test_a_column_without_addresses_is_told(tmp_path: Path) -> None:
    source = _source(tmp_path, "lead_id,Mail,created_at\n1,yes,2026-01-01\n")
    with pytest.raises(DataError, match="'Mail' holds no e-mail address"):
        address_keys(source, tmp_path, "Mail", _key)
    with pytest.raises(DataError, match=r"(?s)'E-Mail'.*Mail"):
        address_keys(source, tmp_path, "E-Mail", _key)
