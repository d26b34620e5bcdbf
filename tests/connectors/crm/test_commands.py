"""The commands as a user meets them: check, import, train on it, write back, again and again."""

from __future__ import annotations

import contextlib
import io
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from connectors import registry
from features.common.errors import ConfigError, DataError
from tests.connectors.crm.crms import CRMS, SECRETS, Crm, Opener, Site, one_quickly, site
from tests.connectors.crm.server import Fault
from tests.connectors.crm.world import World
from tests.connectors.crm.writing import deploy
from tests.trained import ROOT, Trained
from training.jobs.crm import open_configured, run_import, run_live, run_write_back
from training.jobs.crm_check import run_check

pytestmark = pytest.mark.usefixtures("secrets")


def printed() -> Console:
    return Console(file=io.StringIO(), width=200)


def text(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def config(here: Site) -> Path:
    return here.home / f"{here.crm.kind}.yaml"


def test_check_says_that_all_is_well_and_what_it_costs(here: Site) -> None:
    console = printed()
    assert run_check(here.crm.kind, config(here), console=console)
    said = text(console)
    assert "✗" not in said
    assert "a day" in said
    assert "100,000 leads" in said
    assert not [c for c in here.fake.calls if c.method == "PATCH"]


def test_check_names_a_wrong_secret(here: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SECRETS:
        monkeypatch.setenv(name, "something-wrong")
    console = printed()
    assert not run_check(here.crm.kind, config(here), console=console)
    assert "✗" in text(console)
    assert "something-wrong" not in text(console)


def test_a_missing_secret_is_named(here: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SECRETS:
        monkeypatch.delenv(name)
    with pytest.raises(ConfigError, match=rf"{here.crm.kind.upper()}_\w+ is not set: .*\n.*secrets.env"):
        run_check(here.crm.kind, config(here), console=printed())


def test_missing_history_tracking_is_said_before_anything_runs(small: World, tmp_path: Path) -> None:
    """Salesforce, with no change of a status ever recorded."""
    with site(CRMS["salesforce"], small, tmp_path) as here:
        here.fake.records["LeadHistory"].clear()
        console = printed()
        run_check("salesforce", config(here), console=console)
        assert "it is not tracked" in text(console)
        assert "Set History Tracking" in text(console)


@one_quickly
def test_import_prints_the_proposal_and_the_rows(here: Site) -> None:
    console = printed()
    run_import(here.crm.kind, config(here), console=console)
    said = text(console)
    assert "rows in" in said
    assert "stages:" in said
    assert ": mql" in said
    assert (here.home / "crm" / "stages.yaml").is_file()


@pytest.mark.parametrize("kind", registry.CRMS)
def test_a_crm_of_the_registry_has_all_that_belongs_to_one(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A starter, its page, a word in the menus; and what holds for all CRMs is tested of it."""
    monkeypatch.chdir(tmp_path)
    with contextlib.suppress(ConfigError):  # some want an address first
        open_configured(kind, None)
    assert f"# {registry.CRMS[kind]}: what to import" in (tmp_path / f"{kind}.yaml").read_text()
    assert kind in CRMS, "tests/connectors/crm/crms.py"
    assert (ROOT / "docs" / "crm" / f"{kind}.md").is_file()
    for menu in ("Makefile", "training/__main__.py", "docs/crm/README.md"):
        assert kind in (ROOT / menu).read_text(encoding="utf-8"), menu


def test_a_starter_is_written_and_says_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=r"give the address of your account, such as https://yours\.my\.salesforce\.com"):
        open_configured("salesforce", None)
    assert "kind: salesforce" in (tmp_path / "salesforce.yaml").read_text()
    assert open_configured("hubspot", None).source.base_url == "https://api.hubapi.com"
    with pytest.raises(ConfigError, match="did you mean 'pipedrive'"):
        open_configured("pipedriv", None)


def test_training_without_an_import_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from training.common.config import Config
    from training.data.load import load

    monkeypatch.chdir(tmp_path)
    open_configured("hubspot", None)
    with pytest.raises(DataError, match=r"no imported dataset .*\n.*make import CRM=hubspot"):
        load(Config.read("hubspot.yaml"))


@pytest.fixture
def ready(crm: Crm, small: World, tmp_path: Path, trained: Trained) -> Iterator[Any]:
    """An imported CRM and a model folder."""
    with site(crm, small, tmp_path) as here:
        here.first(command=True)
        if crm.kind == "salesforce":
            deploy(here.fake)
        yield here, trained.folder


@one_quickly
def test_write_back_tells_first_and_writes_then(ready: Any) -> None:
    """A dry run changes nothing; with SEND=yes the open leads have scores; the same again writes none.

    The command is one; what each vendor is sent is in test_write_back.py: three of the four are slow tests.
    """
    here, model = ready
    console = printed()
    assert run_write_back(here.crm.kind, config(here), model_folder=model, console=console)
    assert "Nothing was written" in text(console)
    lead = str(here.dataset.leads["lead_id"].iloc[0])
    assert here.crm.seen(here.fake, lead, "score") is None
    console = printed()
    assert run_write_back(here.crm.kind, config(here), model_folder=model, really=True, console=console)
    scored = [n for n in here.dataset.leads["lead_id"] if here.crm.seen(here.fake, str(n), "score") not in (None, "")]
    assert f"{len(scored)} records written" in text(console)
    assert len(scored) > 5
    again = printed()
    run_write_back(here.crm.kind, config(here), model_folder=model, really=True, console=again)
    assert "0 records written" in text(again)


@one_quickly
def test_live_writes_what_changed_and_survives_a_bad_hour(ready: Any) -> None:
    """Three rounds: the first writes all, the second meets a CRM that is down, in the third a lead has progressed.

    The command is one; what each vendor is sent is in test_write_back.py: three of the four are slow tests.
    """
    here, model = ready
    run_write_back(here.crm.kind, config(here), model_folder=model, really=True, console=printed())
    open_leads = [str(n) for n in here.dataset.leads["lead_id"] if here.crm.seen(here.fake, str(n), "score") not in (None, "")]
    reached = set(here.dataset.lead_stages.query("lead_stage != 'lead'")["lead_id"].astype(str))
    lead = next(n for n in open_leads if n not in reached)
    stops = [
        lambda: here.fake.faults.append(Fault("403", "")) if here.crm.kind != "marketo" else here.fake.faults.append(
            Fault("603", "", reply=(200, {"success": False, "errors": [{"code": "603", "message": "Access denied"}]}, {}))),
        lambda: (here.fake.faults.clear(), here.crm.progress(here.fake, lead)),
    ]  # fmt: skip
    console = printed()
    run_live(
        here.crm.kind, config(here), rounds=3, model_folder=model, console=console, interval=1, sleep=lambda _: stops.pop(0)()
    )
    assert "refused" in text(console)  # the bad hour was told
    assert "rows came" in text(console)
    assert set(here.dataset.lead_stages.query(f"lead_id == '{lead}'")["lead_stage"].astype(str)) >= {"mql"}


def test_live_needs_the_fields(small: World, tmp_path: Path, trained: Trained) -> None:
    with site(CRMS["hubspot"], small, tmp_path) as here, pytest.raises(ConfigError, match="lacks 11 score fields"):
        run_live("hubspot", config(here), rounds=1, model_folder=trained.folder, console=printed())


def test_a_webhook_starts_the_next_round_at_once(small: World, tmp_path: Path, trained: Trained) -> None:
    """HubSpot's search does not know the change yet; the contact is read all the same, scored and written."""
    from connectors.crm.webhooks import Event, Spool

    with site(CRMS["hubspot"], small, tmp_path) as here:
        here.first(command=True)
        run_write_back("hubspot", config(here), model_folder=trained.folder, really=True, console=printed())
        reached = set(here.dataset.lead_stages.query("lead_stage != 'lead'")["lead_id"].astype(str))
        lead = next(str(n) for n in here.dataset.leads["lead_id"] if str(n) not in reached)
        pauses: list[float] = []

        def sleep(seconds: float) -> None:
            pauses.append(seconds)
            if len(pauses) == 3:
                record = here.fake.records["contacts"][lead]
                seen = record.modified
                here.crm.progress(here.fake, lead)
                record.modified = seen  # as the search still has it
                spool = Spool(here.home / "crm")
                spool.add([Event("hubspot|77", "hubspot", "contact", lead)])
                spool.close()

        run_live("hubspot", config(here), interval=300, rounds=2, model_folder=trained.folder, console=printed(), sleep=sleep)
        assert len(pauses) == 3  # and not three hundred
        assert "mql" in set(here.dataset.lead_stages.query(f"lead_id == '{lead}'")["lead_stage"].astype(str))
        assert Spool(here.home / "crm").waiting() == []


def test_live_owes_what_it_could_not_write(small: World, tmp_path: Path, trained: Trained) -> None:
    """A lead came, and writing failed: the next round, in which nothing came, writes it.

    Webhooks do not hurry a round that would only meet the same trouble.
    """
    from connectors.crm.webhooks import Event, Spool

    with site(CRMS["hubspot"], small, tmp_path) as here:
        here.first(command=True)
        run_write_back("hubspot", config(here), model_folder=trained.folder, really=True, console=printed())
        reached = set(here.dataset.lead_stages.query("lead_stage != 'lead'")["lead_id"].astype(str))
        lead = next(str(n) for n in here.dataset.leads["lead_id"] if str(n) not in reached)
        pauses: list[float] = []

        def sleep(seconds: float) -> None:
            pauses.append(seconds)
            if len(pauses) == 1:
                here.crm.progress(here.fake, lead)
                here.fake.faults.append(Fault("403", "batch/update"))
                spool = Spool(here.home / "crm")
                spool.add([Event("hubspot|78", "hubspot", "contact", lead)])
                spool.close()
            if len(pauses) == 4:
                here.fake.faults.clear()

        console = printed()
        written = run_live(
            "hubspot", config(here), interval=3, rounds=3, model_folder=trained.folder, console=console, sleep=sleep
        )
        assert "refused POST" in text(console)
        assert written >= 1
        assert len(pauses) == 1 + 3  # woken by the webhook once, then the whole pause


def test_the_proposal_of_stages_is_printed_when_it_is_new(small: World, tmp_path: Path) -> None:
    """Not at every import: only once, and again where the data propose something else."""
    with site(CRMS["hubspot"], small, tmp_path) as here:
        for expected in (True, False):
            console = printed()
            run_import("hubspot", config(here), console=console)
            assert ("marketingqualifiedlead: mql" in text(console)) == expected
            assert "stages.yaml" in text(console)
        here.fake.properties["contacts"]["hs_lead_status"] |= {"options": [{"value": "NEW_ONE", "label": "New one"}]}
        lead = here.people[0]
        here.fake.touch("contacts", lead, {"hs_lead_status": "NEW_ONE"})
        console = printed()
        run_import("hubspot", config(here), console=console)
        assert "NEW_ONE" in text(console)


def test_a_dry_run_says_why_leads_have_no_score(small: World, tmp_path: Path, trained: Trained) -> None:
    with site(CRMS["hubspot"], small, tmp_path) as here:
        here.first(command=True)
        console = printed()
        run_write_back("hubspot", config(here), model_folder=trained.folder, console=console)
        said = text(console)
        found = re.search(r"(\d+) of 60 leads are scored; no score: (.*)\.", said)
        assert found, said
        counts = [int(number) for number in re.findall(r"(\d+) (?:opted|reached|left|were)", found.group(2))]
        assert int(found.group(1)) + sum(counts) == 60
        assert "reached customer" in said


def test_the_check_says_what_it_asks_while_it_asks(served: Opener, capsys: pytest.CaptureFixture[str]) -> None:
    """In a log too, where no bar is drawn: a CRM that answers slowly is no job that hangs."""
    with served("hubspot") as here:
        here.fake.hook = lambda call: time.sleep(0.3 if "companies" in call.path else 0)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("training.common.progress.HEARTBEAT", 0.1)
            assert run_check("hubspot", config(here))
        assert "Asking HubSpot: " in capsys.readouterr().err
