"""The copied first import that most tests begin with is the one that they would make."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.connectors.crm.crms import Crm, Site, site, tables
from tests.connectors.crm.world import World


def landing(here: Site) -> dict[str, Any]:
    """The landed rows, but for their numbers and those of the packages they came in; and the cursors' names."""
    apart = ("_seq", "_dlt_id", "_dlt_load_id")
    opened = here.open().landing
    rows = {
        name: sorted(str({k: v for k, v in row.items() if k not in apart}) for row in here.landed(name))
        for name in opened.tables()
    }
    return {**rows, "cursors": sorted(opened.cursors())}


def test_a_copied_first_import_is_a_fresh_one(crm: Crm, small: World, tmp_path: Path) -> None:
    """The same rows, dataset, calls and result, and the next import brings nothing more than it would."""
    with site(crm, small, tmp_path / "fresh") as fresh, site(crm, small, tmp_path / "copied") as copied:
        own, given = fresh.run(), copied.first()
        assert given is not None
        assert landing(copied) == landing(fresh)
        assert tables(copied.dataset) == tables(fresh.dataset)
        assert [c.path for c in copied.fake.calls] == [c.path for c in fresh.fake.calls]
        assert (given.synced.rows, given.proposed, given.values) == (own.synced.rows, own.proposed, own.values)
        assert sum(copied.run().synced.rows.values()) == sum(fresh.run().synced.rows.values()) == 0
        assert len(copied.fake.calls) == len(fresh.fake.calls)
