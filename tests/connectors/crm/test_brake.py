"""A brake before a mass change: in the plan, in what is sent, in `make write-back` and `make live`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from connectors.crm.brake import Upheaval, moves
from connectors.crm.score_fields import FIELDS
from connectors.crm.write_back import CLEARED, Ledger, plan
from features.common.errors import DataError
from tests.connectors.crm.crms import CRMS, Site, one_quickly, site
from tests.connectors.crm.test_commands import config, printed, text
from tests.connectors.crm.world import World
from tests.connectors.crm.writing import scored, writes, written
from tests.trained import Trained
from training.jobs.crm import run_live, run_write_back

pytestmark = pytest.mark.usefixtures("secrets")


def test_drift_is_no_move_and_what_sales_sees_is() -> None:
    stands = {"score": 50.0, "grade": "A1", "action": "nurture", "lead_stage": "mql"}
    assert not moves(stands, {**stands, "score": 59.0})
    assert moves(stands, {**stands, "score": 60.0})
    assert moves(stands, {**stands, "action": "hand_over"})
    assert not moves({"score": 50.0}, stands)  # fields that were not written before
    assert not moves(stands, {**stands, "score": None})


def test_a_few_may_change_whatever_share_they_are() -> None:
    pair = ({"score": 1.0}, {"score": 90.0})
    assert Upheaval(30, [], {str(n): pair for n in range(20)}).excess(0.2) == ""
    assert "30 leads" in Upheaval(30, ["x"], {str(n): pair for n in range(20)}).excess(0.2)
    assert Upheaval(200, [], {str(n): pair for n in range(40)}).excess(0.2) == ""


def test_what_is_postponed_counts_too() -> None:
    """Where a run writes few, a mass change would come in portions."""
    records = {str(n): {"score": 90.0} for n in range(100)}
    standing: Any = {str(n): {"score": 10.0} for n in range(100)}
    known = {**{str(n): "old" for n in range(100)}, "gone": CLEARED}
    found = plan(records, known, FIELDS, limit=5, standing=standing)
    assert (len(found.send), len(found.upheaval.moved), found.upheaval.standing) == (5, 100, 100)


@one_quickly
def test_half_of_the_leads_are_not_emptied_at_once(here: Site) -> None:
    """As after an import that lost most of them: nothing is sent, and it is said which; insisted on, it is done.

    The plan is one: three of the four are slow tests.
    """
    here.first()
    every = scored(here)
    assert written(here, every, most_changed=0.2).written == 60  # where nothing stands, everything is new
    before = len(writes(here))
    fewer = dict(list(every.items())[:30])
    with pytest.raises(DataError, match=r"Of 60 leads .* 30 would be emptied and 0 moved .*: emptied.*\n.*most_changed: 1"):
        written(here, fewer, most_changed=0.2)
    assert len(writes(here)) == before
    assert written(here, fewer, most_changed=1.0).cleared == 30


@one_quickly
def test_half_of_the_leads_are_not_moved_at_once(here: Site) -> None:
    here.first()
    every = scored(here)
    written(here, every)
    drifted = {name: {**values, "score": 52.0} for name, values in every.items()}
    assert written(here, drifted, most_changed=0.2).written == 60
    moved = {name: {**values, "action": "disqualify"} for name, values in drifted.items()}
    with pytest.raises(DataError, match=r"60 moved noticeably, more than 20% at once \(.*action nurture → disqualify"):
        written(here, moved, most_changed=0.2)


def test_a_ledger_of_an_older_version_is_gone_on_with(tmp_path: Path) -> None:
    """What it does not tell is no move; what would be emptied it knows."""
    import sqlite3

    base = sqlite3.connect(tmp_path / "sent.sqlite")
    base.execute("CREATE TABLE sent (id TEXT PRIMARY KEY, digest TEXT, at TEXT, model TEXT)")
    base.executemany("INSERT INTO sent VALUES (?, 'x', '', '')", [(str(n),) for n in range(60)])
    base.commit()
    base.close()
    ledger = Ledger(tmp_path / "sent.sqlite")
    found = plan({str(n): {"score": 1.0} for n in range(30)}, ledger.digests(), FIELDS, standing=ledger.visible())
    ledger.close()
    assert (len(found.upheaval.moved), len(found.upheaval.emptied)) == (0, 30)


def test_write_back_and_live_stop_before_a_mass_change(small: World, tmp_path: Path, trained: Trained) -> None:
    """A dry run says it; `SEND=yes` and `make live` write nothing and end with an error."""
    with site(CRMS["hubspot"], small, tmp_path) as here:
        here.first(command=True)
        ledger = Ledger(here.home / "crm" / "sent.sqlite")
        from datetime import UTC, datetime

        ledger.save([(f"L{n}", "x", {"score": 50.0}) for n in range(30)], [], datetime.now(UTC), "m")
        ledger.close()
        console = printed()
        assert run_write_back("hubspot", config(here), model_folder=trained.folder, console=console)
        assert "30 would be emptied" in text(console)
        assert "With SEND=yes nothing would be written" in text(console)
        with pytest.raises(DataError, match="30 would be emptied"):
            run_write_back("hubspot", config(here), model_folder=trained.folder, really=True, console=printed())
        with pytest.raises(DataError, match="30 would be emptied"):
            run_live("hubspot", config(here), rounds=1, model_folder=trained.folder, console=printed())
        assert writes(here) == []
