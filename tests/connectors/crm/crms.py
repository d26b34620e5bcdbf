"""The four CRMs for tests that hold for all of them: a stand-in that holds a world, and how things are done in it."""

from __future__ import annotations

import atexit
import copy
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from connectors import registry
from connectors.crm import sync
from connectors.crm.connector import Connector
from connectors.crm.landing import Landing
from connectors.crm.secrets import Secrets
from connectors.crm.stream import SyncResult
from features.dataset.dataset import Dataset
from features.dataset.funnel import Funnel
from tests.connectors.crm.server import Fake, serving
from tests.connectors.crm.world import World
from tests.connectors.hubspot import stand_in as hubspot
from tests.connectors.hubspot import world as hubspot_world
from tests.connectors.marketo import stand_in as marketo
from tests.connectors.marketo import world as marketo_world
from tests.connectors.pipedrive import stand_in as pipedrive
from tests.connectors.pipedrive import world as pipedrive_world
from tests.connectors.salesforce import stand_in as salesforce
from tests.connectors.salesforce import world as salesforce_world
from training.common.config import Config
from training.jobs.crm import run_import

SECRETS = {
    "HUBSPOT_TOKEN": hubspot.TOKEN,
    "SALESFORCE_CLIENT_ID": salesforce.CLIENT,
    "SALESFORCE_CLIENT_SECRET": salesforce.SECRET,
    "MARKETO_CLIENT_ID": marketo.CLIENT,
    "MARKETO_CLIENT_SECRET": marketo.SECRET,
    "PIPEDRIVE_TOKEN": pipedrive.TOKEN,
}
_SECRETS = dict(SECRETS)
SINCE = "2024-06-01"
FUNNEL = Funnel()


@dataclass(frozen=True)
class Crm:
    """One CRM. `list`: a path of its first stream, read in pages; `served`: which interactions of a world it can tell."""

    kind: str
    filled: Callable[..., Any]
    served: frozenset[str]
    list: str
    write: str
    # done in the CRM by people: change a lead's status to what `mql` is there, delete it, merge two
    progress: Callable[[Any, str], None]
    delete: Callable[[Any, str], None]
    merge: Callable[[Any, str, str], None]
    # a new lead; its id
    create: Callable[[Any, Any], str]
    # a lead's score field as sales sees it
    seen: Callable[[Any, str, str], Any]
    digits: int = 3  # of the seconds of moments


def _hubspot_seen(fake: hubspot.HubSpot, lead: str, key: str) -> Any:
    return fake.records["contacts"][lead].properties.get(f"ripeline_{key}")


def _salesforce_seen(fake: salesforce.Salesforce, lead: str, key: str) -> Any:
    record = fake.records["Lead"][lead]
    record = fake.records["Contact"][record["ConvertedContactId"]] if record.get("IsConverted") else record
    return record.get("Ripeline_" + "_".join(w.capitalize() for w in key.split("_")) + "__c")


def _marketo_seen(fake: marketo.Marketo, lead: str, key: str) -> Any:
    return fake.leads[int(lead)].get("ripeline" + "".join(w.capitalize() for w in key.split("_")))


def _pipedrive_seen(fake: pipedrive.Pipedrive, lead: str, key: str) -> Any:
    code = next((f["field_code"] for f in fake.person_fields if f["field_name"] == f"Ripeline {key}"), None)
    return fake.records["persons"][int(lead)]["custom_fields"].get(code)


def _new(name: Any) -> Callable[[Any, Any], str]:
    def create(fake: Any, at: Any) -> str:
        fake.create(name, at)
        return str(name)

    return create


def _inbox(fake: pipedrive.Pipedrive, lead: str) -> None:
    at = pipedrive.rfc(pipedrive.datetime.fromtimestamp(fake.now(), pipedrive.UTC))
    fake.inbox.append(
        {
            "id": f"new-{lead}",
            "title": "x",
            "person_id": int(lead),
            "source_name": "web",
            "channel": None,
            "is_archived": False,
            "add_time": at,
            "update_time": at,
        }
    )


CRMS = {
    crm.kind: crm
    for crm in (
        Crm("hubspot", hubspot_world.filled, frozenset(hubspot_world.SERVED), r"/crm/objects/2026-03/contacts$", "batch/update",
            lambda f, lead: f.touch("contacts", lead, {"lifecyclestage": "marketingqualifiedlead"}),
            lambda f, lead: f.delete("contacts", lead), lambda f, a, b: f.merge(a, b), _new("1999999"), _hubspot_seen),
        Crm("salesforce", salesforce_world.filled, frozenset(salesforce_world.SERVED), r"/queryAll$", "composite",
            lambda f, lead: f.touch("Lead", lead, {"Status": "Working - Contacted"}),
            lambda f, lead: f.delete("Lead", lead), lambda f, a, b: f.delete("Lead", b, a),
            lambda f, at: f.create(at), _salesforce_seen),
        Crm("marketo", marketo_world.filled, frozenset(marketo_world.SERVED), r"/rest/v1/activities/leadchanges",
            r"/rest/v1/leads.json",
            lambda f, lead: f.touch(int(lead), {"leadStatus": "MQL"}),
            lambda f, lead: f.delete(int(lead)), lambda f, a, b: f.merge(int(a), int(b)), _new(9_999), _marketo_seen, 0),
        Crm("pipedrive", pipedrive_world.filled, frozenset(pipedrive_world.SERVED), r"/api/v2/persons$", r"/api/v2/persons/\d+",
            _inbox,
            lambda f, lead: f.delete("persons", int(lead)), lambda f, a, b: f.merge(int(a), int(b)), _new(9_999),
            _pipedrive_seen, 0),
    )
}  # fmt: skip


@dataclass
class Site:
    """A served stand-in, and a folder to import into."""

    crm: Crm
    fake: Any
    config: Config
    home: Path
    world: World
    more: str = ""
    since: str = SINCE
    secrets: Callable[[], Secrets] = lambda: Secrets(SECRETS)

    def open(self) -> Connector:
        """A connector that never waits long."""
        source: Any = self.config.source
        connector = registry.open_crm(source, self.home / "crm", self.secrets())
        connector.http.sleep = lambda seconds: None
        connector.http.timeout = (2.0, 0.5)
        return connector

    def run(self) -> sync.ImportResult:
        return sync.run(self.open(), self.config.source, FUNNEL)  # type: ignore[arg-type]

    def land(self) -> SyncResult:
        """An import as far as the landing, without a dataset."""
        connector = self.open()
        connector.greet()
        return sync.sync(connector.streams(), connector.landing)

    def first(self, command: bool = False) -> sync.ImportResult | None:
        """The first import of a CRM that nobody has touched: made once a process for each CRM, world and configuration, and
        copied wherever a test begins with it. `test_first.py` holds it against an import of its own.

        `command`: by `make import`, which has no result.
        """
        key = (self.crm.kind, id(self.world), self.more, self.since, command, Landing.write.__module__)
        if key not in FIRSTS:
            keep = Path(tempfile.mkdtemp(prefix="first-"))
            atexit.register(shutil.rmtree, keep, ignore_errors=True)
            with site(self.crm, self.world, keep, self.more, self.since) as fresh:
                untouched = _state(fresh.fake)
                if command:
                    run_import(self.crm.kind, keep / f"{self.crm.kind}.yaml", console=Console(quiet=True))
                result = None if command else fresh.run()
                FIRSTS[key] = First(untouched, result, _state(fresh.fake), keep / "crm")
        first = FIRSTS[key]
        now = _state(self.fake)
        changed = [name for name, value in first.before.items() if now[name] != value]
        assert not changed, f"{changed} of the stand-in are not as they were: run() is needed"
        assert SECRETS == _SECRETS
        assert [path.name for path in (self.home / "crm").iterdir()] == ["salt"]
        shutil.copytree(first.folder, self.home / "crm", dirs_exist_ok=True)
        vars(self.fake).update(_copied(first.after))
        return first.result and replace(first.result, folder=self.home / "crm" / sync.DATASET)

    @property
    def dataset(self) -> Dataset:
        return Dataset.read(self.home / "crm" / sync.DATASET)

    @property
    def people(self) -> list[str]:
        """The leads of the dataset."""
        return sorted(self.dataset.leads["lead_id"].astype(str))

    @property
    def clock(self) -> datetime:
        """What time the CRM says it is."""
        return datetime.fromtimestamp(self.fake.now(), UTC)

    def landed(self, table: str) -> list[dict[str, Any]]:
        """The rows of a table of the landing."""
        return [row for batch in self.open().landing.rows(table) for row in batch.to_pylist()]


@dataclass(frozen=True)
class First:
    """A stand-in before and after its first import, what that gave, and the folder it was made in."""

    before: dict[str, Any]
    result: Any
    after: dict[str, Any]
    folder: Path


FIRSTS: dict[Any, First] = {}


def _state(fake: Any) -> dict[str, Any]:
    """What a stand-in holds, but for what is of its process."""
    return _copied({name: value for name, value in vars(fake).items() if name not in ("_lock", "_recent", "hook")})


def _copied(state: dict[str, Any]) -> dict[str, Any]:
    said = {name: list(state[name]) for name in ("calls", "answers")}  # nobody changes what was said
    known: dict[int, Any] = {id(value): value for value in state.values() if isinstance(value, World)}
    return {**copy.deepcopy({name: value for name, value in state.items() if name not in said}, known), **said}


# the claim is about code that all four share: one of them every time, each of them in `make test-slow`
ONE_QUICKLY = [kind if kind == "hubspot" else pytest.param(kind, marks=pytest.mark.slow) for kind in CRMS]
one_quickly = pytest.mark.parametrize("crm", ONE_QUICKLY, indirect=True)
Opener = Callable[..., AbstractContextManager[Site]]


YAML = """
name: {kind}
source:
  kind: {kind}
  base_url: {url}
  folder: {folder}
  since: {since}
  limits: [{{calls: 100000, seconds: 1}}]
{more}funnel: {{stages: [lead, mql, sql, customer], exits: [disqualified, lost], horizons: {{mql: 30, sql: 45, customer: 90}}}}
landmarks: {{ages: [0, 3, 14, 60]}}
search: {{trials: 2, minutes: 0.1}}
sales: {{capacity_per_week: 10, cost_per_contact: 25}}
"""
SWEEP = {"pipedrive": "  sweep_hours: 0\n", "marketo": "  leads_since: 2024-06-01\n"}


@contextmanager
def site(crm: Crm, world: World, home: Path, more: str = "", since: str = SINCE, **settings: Any) -> Iterator[Site]:
    """A CRM that holds a world, on loopback; `more`: lines of the configuration under `source:`; `since`: what is read."""
    fake: Fake = crm.filled(world, **settings)
    (home / "crm").mkdir(parents=True, exist_ok=True)
    (home / "crm" / "salt").write_bytes(b"salt" * 8)  # so that two imports give companies the same keys
    with serving(fake) as url:
        path = home / f"{crm.kind}.yaml"
        path.write_text(
            YAML.format(kind=crm.kind, url=url, folder=home / "crm", since=since, more=SWEEP.get(crm.kind, "") + more),
            encoding="utf-8",
        )
        yield Site(crm, fake, Config.read(path), home, world, more, since)


def tables(dataset: Dataset) -> dict[str, list[str]]:
    """Every row of every table as text, sorted."""
    found = {}
    for name, frame in dataset.tables.items():
        plain = frame.astype(str)
        found[name] = sorted(",".join(map(str, row)) for row in plain[sorted(plain)].to_numpy().tolist())
    return found
