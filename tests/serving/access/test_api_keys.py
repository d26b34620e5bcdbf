"""Keys: shown once, kept as hashes, changed while the server runs, never half-written."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from features.common.errors import ConfigError
from serving.access.api_keys import KeyRing, add, digest, read, revoke

NOW = datetime.now(UTC)


ROOT = Path(__file__).resolve().parents[3]


def test_the_file_holds_a_hash_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    token = add(file, "crm", ["score"])
    assert token not in file.read_text()
    assert token[12:] not in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    (key,) = read(file).values()
    assert (key.name, key.scopes, key.digest) == ("crm", {"score"}, digest(token))


def test_a_key_is_found_until_it_is_revoked(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    first, second = add(file, "old", ["score"]), add(file, "new", ["admin"])
    ring = KeyRing(file)
    assert [getattr(ring.find(token, NOW), "name", None) for token in (first, second)] == ["old", "new"]
    revoke(file, first[3:11])
    assert [getattr(ring.find(token, NOW), "name", None) for token in (first, second)] == [None, "new"]
    third = add(file, "newer", ["score"])
    assert ring.find(third, NOW), "a running server knows a new key at once"


@pytest.mark.parametrize("change", ["", "rl_", "x" * 5_000, "rl_zzzzzzzz_" + "a" * 43, "\x00", "rl_00000000_" + "é" * 43])
def test_what_is_no_key_is_none(tmp_path: Path, change: str) -> None:
    add(tmp_path / "keys.json", "crm", ["score"])
    assert KeyRing(tmp_path / "keys.json").find(change, NOW) is None


def test_one_letter_makes_another_key(tmp_path: Path) -> None:
    token = add(tmp_path / "keys.json", "crm", ["score"])
    ring = KeyRing(tmp_path / "keys.json")
    for place in range(len(token)):
        other = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
        assert ring.find(other, NOW) is None
    assert ring.find(token + "A", NOW) is None


def test_a_key_ends(tmp_path: Path) -> None:
    token = add(tmp_path / "keys.json", "trial", ["score"], days=1)
    ring = KeyRing(tmp_path / "keys.json")
    assert ring.find(token, NOW + timedelta(hours=23))
    assert ring.find(token, NOW + timedelta(hours=25)) is None


def test_a_damaged_or_missing_file_changes_nothing_for_a_running_server(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Somebody edits by hand, or a disk goes away: those who were let in stay, nobody else comes."""
    file = tmp_path / "keys.json"
    token = add(file, "crm", ["score"])
    ring = KeyRing(file)
    file.write_text('{"keys": [{"id": ')
    assert ring.find(token, NOW)
    assert "stay as they were" in capsys.readouterr().err
    file.unlink()
    assert ring.find(token, NOW)


def test_a_file_that_is_not_there_yet_lets_nobody_in(tmp_path: Path) -> None:
    ring = KeyRing(tmp_path / "keys.json")
    assert ring.find("rl_00000000_" + "a" * 43, NOW) is None


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[]", "cannot be read"),
        ('{"keys": [{"id": "a"}]}', "cannot be read"),
        ('{"keys": [{"id": "a", "name": "n", "digest": "", "scopes": ["root"]}]}', "scopes .*there are score, write, admin"),
        ('{"keys": [{"id": "a", "name": "n", "digest": "", "scopes": []}]}', "scopes"),
    ],
)
def test_a_file_that_holds_no_keys_is_refused_at_the_start(tmp_path: Path, text: str, why: str) -> None:
    (tmp_path / "keys.json").write_text(text)
    with pytest.raises(ConfigError, match=why):
        KeyRing(tmp_path / "keys.json")
    with pytest.raises(ConfigError, match=why):
        add(tmp_path / "keys.json", "crm", ["score"])
    assert (tmp_path / "keys.json").read_text() == text, "nothing of somebody else's is overwritten"


@pytest.mark.parametrize(
    ("scopes", "rate", "days", "why"),
    [
        (["read"], 1, None, "Scopes read"),
        ([], 1, None, "Scopes are missing"),
        (["score"], 0, None, "rate of 0"),
        (["score"], float("nan"), None, "rate of nan"),
        (["score"], 1, -3, "for -3 days"),
    ],
)
def test_an_impossible_key_is_not_made(tmp_path: Path, scopes: list[str], rate: float, days: float | None, why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        add(tmp_path / "keys.json", "crm", scopes, rate, days)
    assert not (tmp_path / "keys.json").exists()


def test_keys_made_at_the_same_time_are_all_there(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        tokens = list(pool.map(lambda n: add(tmp_path / "keys.json", f"k{n}", ["score"]), range(24)))
    ring = KeyRing(tmp_path / "keys.json")
    assert all(ring.find(token, NOW) for token in tokens)


def test_a_pass_is_good_for_its_time_and_its_key(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    token, other = add(file, "anna", ["score"]), add(file, "ben", ["score"])
    ring = KeyRing(file)
    key = ring.find(token, NOW)
    assert key
    told = ring.pass_for(key, NOW + timedelta(hours=1))
    assert token not in told
    assert ring.holder(told, NOW) == key
    assert ring.holder(told, NOW + timedelta(hours=2)) is None
    name, until, mark = told.split(".")
    for forged in (f"{other[3:11]}.{until}.{mark}", f"{name}.{int(until) + 9}.{mark}", f"{name}.{until}.", told[:-1], "..", ""):
        assert ring.holder(forged, NOW) is None
    revoke(file, name)
    assert ring.holder(told, NOW) is None


def test_the_commands(tmp_path: Path) -> None:
    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "serving.access.api_keys", "--file", str(tmp_path / "keys.json"), *words]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env={**os.environ}, check=False)

    made = run("add", "crm", "--scopes", "score,write", "--days", "90")
    token = made.stdout.strip()
    assert "shown only now" in made.stderr
    listed = run("list").stdout
    assert "crm  score,write  100/s  until" in listed
    assert token[12:] not in listed
    assert run("revoke", token[3:11]).returncode == 0
    assert json.loads((tmp_path / "keys.json").read_text()) == {"keys": []}
    again = run("revoke", token[3:11])
    assert again.returncode == 1
    assert f"no key '{token[3:11]}'" in again.stderr
