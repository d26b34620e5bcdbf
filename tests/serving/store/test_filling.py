"""A store that is being filled says how far it is; the server answers meanwhile, and scores who is there when all of it is."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from connectors.simulator.settings import SimulatorSettings
from connectors.simulator.simulate import simulate
from features.common.clock import DAY
from serving.scoring.request import microseconds
from serving.store import __main__ as command
from serving.store import filling
from serving.store.filling import FillingNote, current_filling
from serving.store.load import load
from serving.store.store import Store
from tests.serving.processes import wait_until
from tests.serving.store.world import World, event


def test_while_a_store_is_filled_the_page_and_readyz_say_how_far_it_is(world: World) -> None:
    note = FillingNote(world.store.write, lambda: microseconds(world.now))
    assert world.get("/v1/leads")["filling"] is None
    with note.shown():
        assert world.get("/v1/leads")["filling"] == {"table": "", "completed": 0, "total": 0}
        note.update("interactions", 40_000, 120_000)
        told = {"table": "interactions", "completed": 40_000, "total": 120_000}
        assert world.get("/v1/leads")["filling"] == told
        world.refresher.work()
        assert world.get("/readyz")["filling"] == told
        assert world.put("L-1").status_code == 201
        assert world.happened(event(1)).json()["new"] == 1
    assert world.get("/v1/leads")["filling"] is None
    world.refresher._looked_at = None
    world.refresher.work()
    assert "filling" not in world.get("/readyz")


def test_who_ended_without_saying_so_is_not_waited_for(world: World) -> None:
    FillingNote(world.store.write, lambda: microseconds(world.now)).update("leads", 1, 2)
    with world.store.read() as connection:
        now = microseconds(world.now)
        assert current_filling(connection, now + DAY // 2_000) is not None
        assert current_filling(connection, now + DAY // 1_000) is None
        assert current_filling(connection, now - DAY // 1_000) is None, "the clock was set back"


def test_the_note_stays_fresh_however_long_the_data_are_read(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filling, "BEAT", 0.01)
    ticks: list[int] = []

    def clock() -> int:
        ticks.append(0)
        return microseconds(world.now) + len(ticks)

    with FillingNote(world.store.write, clock).shown():
        assert wait_until(lambda: len(ticks) >= 4)


def test_nobody_is_scored_by_half_of_what_is_coming(world: World) -> None:
    """Who was there before is, as something happens to them; everybody once the rest is there."""
    dataset = simulate(SimulatorSettings(leads=12, days=60, seed=3)).dataset
    with FillingNote(world.store.write, lambda: microseconds(world.now)).shown():
        world.put("L-1")
        world.score_all()
        load(world.store, dataset)
        assert world.get("/v1/leads")["waiting"] == 1, "what is new may count for who has a score"
        world.score_all()
        assert world.get("/v1/leads")["total"] == 1
    world.refresher._looked_at = None
    world.score_all()
    assert world.get("/v1/leads")["total"] > 1
    load(world.store, dataset)
    assert world.get("/v1/leads")["waiting"] == 0, "there was nothing new"


def test_load_makes_its_data_first_and_says_so_meanwhile(
    own_sqlite: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    address, folder, seen = own_sqlite, tmp_path / "data", tmp_path / "seen"
    simulate(SimulatorSettings(leads=5, days=60, seed=3)).dataset.write(tmp_path / "made")
    database = address.removeprefix("sqlite:///")
    code = "import sqlite3, sys, shutil; database, seen, made, folder = sys.argv[1:]\n"
    code += "facts = dict(sqlite3.connect(database).execute('SELECT name, value FROM facts'))\n"
    code += "open(seen, 'w').write(facts['filling']); shutil.copytree(made, folder)"
    look = [sys.executable, "-c", code, database, str(seen), str(tmp_path / "made"), str(folder)]
    arguments = ["serving.store", "--store", address, "load", "--in", str(folder), "--", *look]
    monkeypatch.setattr(sys, "argv", arguments)
    with pytest.raises(SystemExit) as ended:
        command.main()
    assert ended.value.code == 0, capsys.readouterr().err
    assert '"table": ""' in seen.read_text()
    monkeypatch.setattr(sys, "argv", [*arguments[:7], sys.executable, "-c", "raise SystemExit(3)"])
    with pytest.raises(SystemExit) as ended:
        command.main()
    assert ended.value.code == 3
    store = Store.from_address(address)
    store.open()
    with store.read() as connection:
        assert current_filling(connection, command._current_time()) is None
    assert not store.empty()
    store.close()
