"""Scores in HubSpot: batches that are refused whole, and contacts that were merged."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.hubspot.writer import HubSpotWriter
from tests.connectors.crm.crms import CRMS, site
from tests.connectors.crm.world import World
from tests.connectors.crm.writing import scored, writes, written


def test_a_batch_that_is_refused_whole_is_halved(small: World, tmp_path: Path) -> None:
    """HubSpot refuses all hundred for one bad value; the others are written all the same."""
    with site(CRMS["hubspot"], small, tmp_path) as here:
        here.first()
        every = scored(here)
        bad = sorted(every)[41]
        here.fake.poison = {bad}
        outcome = written(here, every)
        assert outcome.written == 59
        assert list(outcome.failed) == [bad]
        assert "was not valid" in outcome.failed[bad]
        assert len(writes(here)) < 15  # halves of halves, not one by one


def test_the_id_of_a_merged_contact_empties_nobody(small: World, tmp_path: Path) -> None:
    """HubSpot takes it for the winner's: emptying the loser would empty the winner's score, unseen for ever."""
    with site(CRMS["hubspot"], small, tmp_path) as here:
        here.first()
        here.fake.forwards = True
        every = scored(here)
        written(here, every)
        winner, loser = sorted(every)[:2]
        here.fake.merge(winner, loser)
        here.run()
        left = {name: values for name, values in every.items() if name != loser}
        outcome = written(here, left)
        assert (outcome.written, outcome.cleared, outcome.failed) == (0, 0, {})
        assert here.crm.seen(here.fake, winner, "score") == "50"


@pytest.mark.parametrize("batch", [100, 1])
def test_a_winner_that_the_loser_overwrote_is_written_again(
    small: World, tmp_path: Path, batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Merged between reading and writing: what came last stands in the CRM. The winner's own score follows in the same run,
    whether the two were sent in one call or in two."""
    with site(CRMS["hubspot"], small, tmp_path) as here:
        here.first()
        here.fake.forwards = True
        every = scored(here)
        winner, loser = sorted(every)[:2]
        every[loser] = {**every[loser], "score": 3.0}
        here.fake.merge(winner, loser)
        monkeypatch.setattr(HubSpotWriter, "batch", batch)
        outcome = written(here, every)
        assert (outcome.missing, outcome.failed) == (1, {})
        assert here.crm.seen(here.fake, winner, "score") == "50"
        here.run()
        assert written(here, {n: v for n, v in every.items() if n != loser}).written == 0
        assert here.crm.seen(here.fake, winner, "score") == "50"
