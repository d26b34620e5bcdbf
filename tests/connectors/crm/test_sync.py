"""One import: one at a time in a folder."""

from __future__ import annotations

import pytest

from tests.connectors.crm.crms import Site


def test_two_imports_at_once_are_one(here: Site) -> None:
    from connectors.crm.sync import folder_lock
    from features.common.errors import DataError

    with folder_lock(here.home / "crm"), pytest.raises(DataError, match=r"Another import or write-back is at work"):
        here.run()
