"""Pipedrive by an OAuth app: tokens that end, refresh tokens that are replaced and kept; pages of the inbox that shift."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.crm.responses import RefusedError
from connectors.crm.secrets import Secrets
from connectors.pipedrive import api as pipedrive_api
from features.common.errors import ConfigError, CrmError
from tests.connectors.crm.crms import CRMS, Opener, Site, site
from tests.connectors.crm.server import Call
from tests.connectors.crm.world import World
from tests.connectors.pipedrive.stand_in import CLIENT, REFRESH, SECRET


def test_an_inbox_that_shifts_hides_nobody(served: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pipedrive's v1 counts rows from the beginning, and a row that is modified moves to the end."""
    monkeypatch.setattr(pipedrive_api, "LIMIT_V1", 5)
    with served("pipedrive") as here:
        inbox = sorted(here.fake.inbox, key=lambda r: (r["update_time"], r["id"]))
        assert len(inbox) > 15

        def edit(call: Call) -> None:
            if call.path == "/api/v1/leads" and len(here.fake.made("/api/v1/leads$")) == 2:
                for one in inbox[:4]:
                    one["update_time"] = "2026-11-01T00:00:00Z"

        here.fake.hook = edit
        here.run()
        assert {row["_id"] for row in here.landed("inbox")} == {one["id"] for one in here.fake.inbox}


def test_more_of_the_inbox_in_one_second_than_a_page_has(served: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipedrive_api, "LIMIT_V1", 5)
    with served("pipedrive") as here:
        for one in here.fake.inbox[:13]:
            one["update_time"] = "2026-01-01T00:00:00Z"
        here.run()
        assert len(here.landed("inbox")) == len(here.fake.inbox)


NAME = "PIPEDRIVE_REFRESH_TOKEN"


LINES = f"# of the app\nexport PIPEDRIVE_CLIENT_ID={CLIENT}\n{NAME}='{REFRESH}'\n\nPIPEDRIVE_CLIENT_SECRET={SECRET}\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The secrets file, whose folder holds nothing else."""
    path = tmp_path / "secret" / "ours.env"
    path.parent.mkdir()
    path.touch(0o600)
    path.write_text(LINES, encoding="utf-8")
    return path


@pytest.fixture
def pipedrive(small: World, tmp_path: Path, file: Path) -> Iterator[Site]:
    with site(CRMS["pipedrive"], small, tmp_path / "home") as here:
        source = here.config.source.model_copy(update={"login_url": here.config.source.base_url})  # type: ignore[union-attr]
        here.config = here.config.model_copy(update={"source": source})
        here.fake.bearer = "nobody has this yet"
        here.secrets = lambda: Secrets.read({"RIPELINE_SECRETS": str(file)})
        yield here


def asked(here: Site) -> list[str]:
    """The refresh tokens that the service was shown."""
    return [call.body["refresh_token"] for call in here.fake.made("/oauth/token")]


def test_a_token_that_ends_in_the_middle_is_renewed(pipedrive: Site, file: Path) -> None:
    """The refresh token that came with it is used from then on, also by the next process; none is left anywhere else."""

    def expire(call: Call) -> None:
        if len(pipedrive.fake.calls) == 9:
            pipedrive.fake.bearer = "another"

    pipedrive.fake.hook = expire
    pipedrive.run()
    assert asked(pipedrive) == ["12345:678:refresh-me", "12345:678:refresh-1"]
    assert len(pipedrive.dataset.leads) == 60
    assert file.read_text() == LINES.replace(f"'{REFRESH}'", "12345:678:refresh-2")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(file.parent.iterdir()) == [file]
    pipedrive.run()
    assert asked(pipedrive)[2:] == ["12345:678:refresh-2"]
    kept = b"".join(path.read_bytes() for path in pipedrive.home.rglob("*") if path.is_file())
    for secret in (b"refresh-1", b"refresh-2", b"refresh-3", b"pd-bearer-token", SECRET.encode()):
        assert secret not in kept


def test_a_process_that_lasts_sees_what_another_one_was_given(pipedrive: Site) -> None:
    """`make live` beside `make import`."""
    first, second = pipedrive.open(), pipedrive.open()
    second.greet()
    first.greet()
    assert asked(pipedrive) == ["12345:678:refresh-me", "12345:678:refresh-1"]


def test_a_refresh_token_in_the_environment_cannot_be_kept(pipedrive: Site, file: Path) -> None:
    """Said at once, with the remedy: the next process would find the old one, which is worth nothing."""
    pipedrive.secrets = lambda: Secrets.read({"RIPELINE_SECRETS": str(file), NAME: REFRESH})
    match = rf"gave another {NAME} .* environment, where none can be kept.*\n.*stand in a secrets file alone"
    with pytest.raises(ConfigError, match=match) as caught:
        pipedrive.run()
    assert "refresh-1" not in str(caught.value)
    assert file.read_text() == LINES


def test_a_secrets_file_that_cannot_be_written_is_said(pipedrive: Site, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As when it alone is mounted into a container."""

    def refuse(*_: object) -> None:
        raise OSError(16, "Device or resource busy")

    connector = pipedrive.open()
    monkeypatch.setattr("os.replace", refuse)
    with pytest.raises(ConfigError, match=r"could not be kept: .*ours\.env could not be written: Device or resource busy"):
        connector.greet()
    monkeypatch.undo()
    assert file.read_text() == LINES
    assert list(file.parent.iterdir()) == [file]


def test_a_token_that_stays_the_same_may_stand_anywhere(pipedrive: Site) -> None:
    pipedrive.secrets = lambda: Secrets({"PIPEDRIVE_CLIENT_ID": CLIENT, "PIPEDRIVE_CLIENT_SECRET": SECRET, NAME: REFRESH})
    pipedrive.fake.rotates = False
    pipedrive.open().greet()
    assert asked(pipedrive) == [REFRESH]


def test_an_app_that_ended_says_what_to_do(pipedrive: Site) -> None:
    pipedrive.fake.refresh = "another by now"
    with pytest.raises(RefusedError, match=r"(?s)invalid_grant.*install the app again") as caught:
        pipedrive.run()
    assert "refresh-me" not in str(caught.value)


def test_an_app_of_another_company_is_said(pipedrive: Site) -> None:
    """Its token would be sent to an account that it does not belong to."""
    source = pipedrive.config.source
    other = str(source.base_url).replace("127.0.0.1", "localhost")  # type: ignore[union-attr]
    moved = source.model_copy(update={"base_url": other})  # type: ignore[union-attr]
    pipedrive.config = pipedrive.config.model_copy(update={"source": moved})
    with pytest.raises(CrmError, match=r"the app belongs to http://127\.0\.0\.1.*\n.*base_url"):
        pipedrive.run()
