"""Several sources of one configuration: two files, a CRM and a file, two CRMs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from connectors.crm import sync
from connectors.marketo import api as marketo_api
from features.common.errors import ConfigError, DataError
from features.dataset.data_report import DataReport
from features.dataset.dataset import Dataset
from tests.connectors.crm.crms import CRMS, SECRETS, Site, site
from tests.connectors.crm.world import world
from training.common.config import Config
from training.data.load import load, read_source
from training.data.sources import source_names
from training.jobs.crm import open_configured, run_import, run_write_back

LEADS = """Id,Mail,created_at,country,stage_at
1,Ada@x.com,2026-01-01,DE,2026-01-14
2,bob@y.com,2026-01-02,FR,
3,cy@z.com,2026-01-03,DE,2026-02-20
4,,2026-01-20,DE,
"""
WEBINARS = """E-Mail,Signed up,Was there
ada@X.com,2026-01-11,2026-01-15
bob@y.com,2026-01-12,
stranger@q.com,2026-01-13,2026-01-15
"""
CRM_FILE = {
    "kind": "files",
    "leads": {"file": "leads.csv", "columns": {"lead_id": "Id"}, "exclude": ["stage_at"]},
    "lead_stages": {
        "file": "leads.csv",
        "columns": {"lead_id": "Id", "at": "stage_at"},
        "constants": {"lead_stage": "customer"},
        "skip": {"stage_at": [""]},
    },
}
WEBINAR_FILE = {
    "kind": "files",
    "leads": {"file": "webinars.csv", "columns": {"lead_id": "E-Mail", "created_at": "Signed up"}, "keep": []},
    "interactions": {
        "file": "webinars.csv",
        "columns": {"lead_id": "E-Mail", "at": "Was there"},
        "constants": {"type": "webinar_attended"},
        "skip": {"Was there": [""]},
    },
}


def _config(folder: Path, *sources: dict[str, Any], **more: Any) -> Config:
    for name, text in (("leads.csv", LEADS), ("webinars.csv", WEBINARS)):
        (folder / name).write_text(text, encoding="utf-8")
    path = folder / "whole.yaml"
    path.write_text(yaml.safe_dump({"name": "whole", "sources": list(sources), **more}), encoding="utf-8")
    return Config.read(path)


def _told(report: DataReport) -> str:
    return "\n".join(report.lines())


def test_webinars_are_acts_of_the_leads_of_another_file(tmp_path: Path) -> None:
    """Joined by addresses however they are written; who is no lead is left out; the whole ends where the first of them does."""
    crm = {"source": CRM_FILE, "join": {"email": "Mail"}, "name": "crm"}
    webinars = {"source": WEBINAR_FILE, "join": {"email": "E-Mail"}, "name": "webinars"}
    dataset, report = load(_config(tmp_path, crm, webinars))
    assert list(zip(dataset.interactions["lead_id"].astype(str), dataset.interactions["type"].astype(str), strict=True)) == [
        ("1", "webinar_attended")
    ]
    assert dataset.extracted_at == pd.Timestamp("2026-01-15", tz="UTC")
    assert sorted(dataset.leads["lead_id"]) == ["1", "2", "3"]  # the fourth came after the webinars end
    assert list(dataset.lead_stages["lead_id"].astype(str)) == ["1"]
    told = _told(report)
    assert "webinars: 1 lead that the first source does not have" in told
    assert "36 days from the end of webinars (2026-01-15 00:00 UTC) to that of crm" in told
    assert "@" not in told
    assert "e-mail addresses; kept" not in told
    assert "Day of extraction: 2026-01-15 00:00 UTC, when webinars ends." in told


def test_a_file_that_is_complete_until_later_says_so(tmp_path: Path) -> None:
    webinars = {"source": {**WEBINAR_FILE, "extracted_at": "2026-02-20"}, "join": {"email": "E-Mail"}}
    dataset, report = load(_config(tmp_path, {"source": CRM_FILE, "join": {"email": "Mail"}}, webinars))
    assert dataset.extracted_at == pd.Timestamp("2026-02-20", tz="UTC")
    assert len(dataset.leads) == 4
    assert sorted(dataset.lead_stages["lead_id"].astype(str)) == ["1", "3"]
    assert "days from the end" not in _told(report)


def test_by_ids_nothing_needs_to_be_said_and_a_dataset_is_a_source(tmp_path: Path) -> None:
    """Such as an export of the lead store, whose ids are the CRM's."""
    alone = _config(tmp_path, {"source": CRM_FILE})
    first, _ = read_source(alone.parts[0])
    acts = pd.DataFrame({"lead_id": ["2", "9"], "type": "pricing_page_view", "at": pd.Timestamp("2026-02-02", tz="UTC")})
    store = Dataset.from_tables(
        {"leads": first.leads.head(3)[["lead_id", "created_at"]], "interactions": acts}, extracted_at=first.extracted_at
    )
    store.write(tmp_path / "export")
    dataset, _ = load(_config(tmp_path, {"source": CRM_FILE}, {"dataset": "export"}))
    assert list(dataset.interactions["lead_id"].astype(str)) == ["2"]
    assert dataset.source == "files + dataset"


@pytest.mark.parametrize(
    ("sources", "message"),
    [
        ([{"source": CRM_FILE}, {"source": WEBINAR_FILE, "join": {"email": True}}], "names the column"),
        ([{"source": CRM_FILE}, {"dataset": "x", "join": {"email": "Mail"}}], "join it by `id:`"),
        ([{"source": CRM_FILE, "join": {"id": "Id"}}, {"dataset": "x"}], "the first one"),
        ([{"source": CRM_FILE}, {"dataset": "x", "join": {}}], "say by what"),
        ([{"source": CRM_FILE}, {}], "exactly one of them"),
        ([{"source": {"kind": "hubspot"}}, {"source": {"kind": "hubspot"}}], "hubspot stands there twice"),
        (
            [
                {"source": {"kind": "hubspot"}},
                {"source": {"kind": "marketo", "base_url": "https://a.b"}, "join": {"email": "x"}},
            ],
            "`true`",
        ),
    ],
)
def test_a_join_that_cannot_be_is_told_where_it_stands(tmp_path: Path, sources: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        _config(tmp_path, *sources)


def test_what_is_missing_to_join_is_named(tmp_path: Path) -> None:
    webinars = {"source": WEBINAR_FILE, "join": {"email": "E-Mail"}}
    with pytest.raises(ConfigError, match=r"of the first one .files. none are known"):
        load(_config(tmp_path, {"source": CRM_FILE}, webinars))
    with pytest.raises(DataError, match=r"(?s)by its ids not one of the 3 leads of files2"):
        load(_config(tmp_path, {"source": CRM_FILE}, {"source": WEBINAR_FILE}))
    with pytest.raises(ConfigError, match="several"):
        load(_config(tmp_path, {"source": CRM_FILE}, webinars), folder=tmp_path)


def test_sources_alike_are_numbered(tmp_path: Path) -> None:
    config = _config(
        tmp_path, {"source": CRM_FILE}, {"source": WEBINAR_FILE}, {"dataset": "x", "name": "store"}, {"dataset": "y"}
    )
    assert source_names(config) == ["files", "files2", "store", "dataset"]
    assert [part.source is None for part in config.parts] == [False, False, True, True]


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """As commands read them; exports of the stand-in are there at once."""
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(marketo_api, "POLL", 0.001)


@contextmanager
def _served(kind: str, folder: Path) -> Iterator[Site]:
    home = folder / f"home of {kind}"
    home.mkdir()
    with site(CRMS[kind], world(60), home) as here:
        yield here


def _source(here: Site, folder: str) -> dict[str, Any]:
    """What the stand-in's own configuration says, landed in a folder beside its home."""
    plain = yaml.safe_load((here.home / f"{here.crm.kind}.yaml").read_text(encoding="utf-8"))["source"]
    return {**plain, "folder": str(here.home.parent / folder)}


def test_webinars_of_a_file_are_acts_of_the_contacts_of_a_crm(tmp_path: Path) -> None:
    """A further address of a contact counts, and its former one."""
    with _served("hubspot", tmp_path) as here:
        rows = [
            (here.fake.ids[row["lead_id"]], here.world.mail(row["lead_id"], row["email_domain"]))
            for row in here.world.leads[:3]
        ]
        here.fake.touch("contacts", rows[2][0], {"email": "new@name.com"})
        lines = [f"{address.upper()},2026-01-02,2026-01-0{n + 3}" for n, (_, address) in enumerate(rows)]
        more = {"name": "whole", "funnel": {"horizons": {"mql": 30, "sql": 45, "customer": 90}}}
        webinars = {**WEBINAR_FILE, "extracted_at": here.clock.isoformat()}
        config = _config(tmp_path, {"source": _source(here, "one")}, {"source": webinars, "join": {"email": "E-Mail"}}, **more)
        (tmp_path / "webinars.csv").write_text("\n".join(["E-Mail,Signed up,Was there", *lines]) + "\n", encoding="utf-8")
        with pytest.raises(DataError, match="make import CRM=hubspot"):
            load(config)
        run_import("hubspot", tmp_path / "whole.yaml")
        dataset, _ = load(config)
        webinar_rows = dataset.interactions[dataset.interactions["type"].astype(str) == "webinar_attended"]
        assert set(webinar_rows["lead_id"].astype(str)) >= {name for name, _ in rows}
        assert len(dataset.leads) == len(here.world.leads)
        kept = b"".join(path.read_bytes() for path in (tmp_path / "one").rglob("*") if path.is_file())
        assert rows[0][1].encode() not in kept.lower()


def test_behaviour_of_one_crm_and_outcomes_of_another(tmp_path: Path) -> None:
    """Salesforce says who is a lead and what came of it, Marketo what they did; both hash addresses with the same salt."""
    with _served("salesforce", tmp_path) as sales, _served("marketo", tmp_path) as marketing:
        first, second = _source(sales, "sales"), _source(marketing, "marketing")
        second["interactions"] = {"Meeting Held": None}
        sources = ({"source": first}, {"source": second, "join": {"email": True}})
        config = _config(tmp_path, *sources)
        for kind in ("marketo", "salesforce"):
            run_import(kind, tmp_path / "whole.yaml")
        assert (tmp_path / "sales" / "salt").read_bytes() == (tmp_path / "marketing" / "salt").read_bytes()
        dataset, report = load(config)
        alone = Dataset.read(tmp_path / "sales" / sync.DATASET)
        assert set(dataset.leads["lead_id"]) == set(alone.leads["lead_id"])
        types = dataset.interactions["type"].astype(str).value_counts()
        assert types["pricing_page_view"] > 20
        assert types["call_made"] > 0
        assert "types that several sources tell of" in _told(report)
        with pytest.raises(ConfigError, match="not those of Marketo"):
            run_write_back("marketo", tmp_path / "whole.yaml")
        with pytest.raises(ConfigError, match=r"no `source: .kind: hubspot"):
            open_configured("hubspot", tmp_path / "whole.yaml")


def test_a_landing_with_a_salt_of_its_own_is_not_joined_by_addresses(tmp_path: Path) -> None:
    with _served("salesforce", tmp_path) as sales, _served("marketo", tmp_path) as marketing:
        first, second = _source(sales, "sales"), _source(marketing, "marketing")
        (tmp_path / "marketing").mkdir()
        (tmp_path / "marketing" / "salt").write_bytes(b"x" * 32)
        _config(tmp_path, {"source": first}, {"source": second, "join": {"email": True}})
        with pytest.raises(ConfigError, match=r"(?s)marketing was imported by itself.*import it anew"):
            open_configured("marketo", tmp_path / "whole.yaml")
