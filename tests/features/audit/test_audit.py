"""The leakage audit: each signal on literal data, the known traps of real data, and no false alarm on the simulator."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from features.audit.signals import alone, filled, numbers_time, words

from features.audit import audit
from features.audit.audit import Audit
from features.dataset import Dataset
from features.funnel import Funnel
from features.sources.simulator import SimulatorSettings, simulate
from training.config import Config
from training.data import load

ROOT = Path(__file__).resolve().parents[2]
REAL = ROOT.parent / "shared" / "data"
FUNNEL = Funnel(("lead", "customer"), ("lost",), {"customer": 30.0})
N = 600


def converted(n: int = N) -> np.ndarray:
    return np.random.default_rng(0).random(n) < 0.3


def crm(**columns: object) -> Dataset:
    """Leads a day apart; those converted became customers ten days later, the others were lost."""
    y = converted()
    ids = [f"L{i}" for i in np.random.default_rng(1).permutation(N)]
    created = pd.Timestamp("2024-01-01", tz="UTC") + pd.to_timedelta(np.arange(N), unit="D")
    stages = pd.DataFrame(
        {"lead_id": ids, "lead_stage": np.where(y, "customer", "lost"), "at": created + pd.Timedelta(days=10)}
    )
    leads = pd.DataFrame({"lead_id": ids, "created_at": created, **columns})
    return Dataset.from_tables(
        {"leads": leads, "lead_stages": stages}, extracted_at=pd.Timestamp("2026-01-01", tz="UTC"), source="test"
    )


def verdicts(found: Audit) -> dict[str, str]:
    return {v.column: v.level for v in found.columns}


def test_each_kind_of_leak_is_blocked_and_honest_columns_are_not() -> None:
    y = converted()
    random = np.random.default_rng(2)
    noise = random.normal(size=N)
    given = random.random(N) < 0.5
    found = verdicts(
        audit(
            crm(
                invoice=np.where(y, "yes", "no"),
                contract=pd.array(np.where(y & (noise > 0), "signed", None), dtype="str"),
                last_contact=np.where(y, random.integers(0, 6, N), random.integers(3, 9, N)).astype(float),
                fit=noise + 0.8 * y,
                size=np.abs(noise),
                ticket=1_000.0 + 3 * np.arange(N),
                **{
                    f"acme {kind} score": np.where(given, y * strength + random.normal(size=N), np.nan)
                    for kind, strength in (("interest", 1.2), ("profile", 0.1), ("web", 0.0))
                },
            ),
            FUNNEL,
        )
    )
    expected = {
        "invoice": "block", "contract": "block", "last_contact": "block", "fit": "ok", "size": "ok", "ticket": "block",
        "acme interest score": "block", "acme profile score": "block", "acme web score": "block",
    }  # fmt: skip
    assert {name: found[name] for name in expected} == expected


def test_a_recorded_history_clears_a_name() -> None:
    """A column whose changes are recorded is cut at each moment; "last" in its name is then no evidence."""
    y = converted()
    data = crm(last_region=np.where(y, "north", np.where(np.arange(N) % 2 == 0, "north", "south")))
    assert verdicts(audit(data, FUNNEL))["last_region"] == "block"
    changes = pd.DataFrame(
        {"entity": ["lead"], "id": [data.leads["lead_id"][0]], "column": ["last_region"], "value": ["south"],
         "at": [pd.Timestamp("2024-01-05", tz="UTC")]}
    )  # fmt: skip
    tables = {"leads": data.leads, "lead_stages": data.lead_stages, "attribute_changes": changes}
    recorded = Dataset.from_tables(tables, extracted_at=data.extracted_at, source="test")
    assert verdicts(audit(recorded, FUNNEL))["last_region"] == "ok"


def test_few_leads_block_nothing_by_chance() -> None:
    """A hundred columns of noise over fifty leads: one always looks telling."""
    random = np.random.default_rng(3)
    data = crm(**{f"c{i}": random.integers(0, 3, N).astype(str) for i in range(60)})
    few = Dataset.from_tables(
        {"leads": data.leads[:60], "lead_stages": data.lead_stages[:60]}, extracted_at=data.extracted_at, source="test"
    )
    assert set(verdicts(audit(few, FUNNEL)).values()) <= {"ok"}


def test_interactions_that_only_follow_are_named() -> None:
    data = crm()
    buyers = data.lead_stages[data.lead_stages["lead_stage"] == "customer"]
    rows = [(buyers["lead_id"].iloc[i], "invoice_sent", buyers["at"].iloc[i] + pd.Timedelta(days=1)) for i in range(30)]
    rows += [
        (lead, "page_view", at) for lead, at in zip(data.leads["lead_id"][:40], data.leads["created_at"][:40], strict=True)
    ]
    interactions = pd.DataFrame(rows, columns=["lead_id", "type", "at"])
    tables = {"leads": data.leads, "lead_stages": data.lead_stages, "interactions": interactions}
    found = audit(Dataset.from_tables(tables, extracted_at=data.extracted_at, source="test"), FUNNEL)
    assert [(v.subject, v.level) for v in found.interactions] == [("invoice_sent", "warn")]
    assert "30 of 30 come after" in found.interactions[0].evidence[0]


@pytest.mark.parametrize(("leads", "seed"), [(500, 1), (1_500, 2), (1_500, 3), (4_000, 4)])
def test_no_false_block_on_the_simulator(leads: int, seed: int) -> None:
    simulation = simulate(SimulatorSettings(leads=leads, seed=seed))
    assert audit(simulation.dataset, simulation.funnel).blocked == ()


TRAPS = {
    "x-education": {
        "Tags", "Lead Quality", "Lead Profile", "Last Notable Activity", "Last Activity", "Lead Number",
        *(f"Asymmetrique {a} {b}" for a in ("Activity", "Profile") for b in ("Index", "Score")),
    },
    "bank": {"duration"},
    "bpic2012": set(),
    "olist": set(),
}  # fmt: skip


@pytest.mark.parametrize("task", list(TRAPS))
def test_the_traps_of_real_data(task: str) -> None:
    if not (REAL / task).is_dir():
        pytest.skip(f"needs the data set {task} in {REAL}")
    config = Config.read(ROOT / "benchmarks" / "real" / f"{task}.yaml")
    found = audit(load(config, folder=REAL / task)[0], config.funnel.build())
    assert {name.partition(".")[2] for name in found.blocked} == TRAPS[task]


def test_columns_of_won_deals_are_found_in_olist(tmp_path: Path) -> None:
    """Every column of the closed deals but the date exists for won leads alone."""
    if not (REAL / "olist").is_dir():
        pytest.skip(f"needs the data set olist in {REAL}")
    leads, deals = (pd.read_csv(REAL / "olist" / f"{name}.csv") for name in ("marketing_qualified_leads", "closed_deals"))
    leads.merge(deals, on="mql_id", how="left").to_csv(tmp_path / "marketing_qualified_leads.csv", index=False)
    deals.to_csv(tmp_path / "closed_deals.csv", index=False)
    wanted = yaml.safe_load((ROOT / "benchmarks" / "real" / "olist.yaml").read_text(encoding="utf-8"))
    known_later = [c for c in deals.columns if c not in ("mql_id", "won_date") and deals[c].notna().any()]
    wanted["source"]["leads"]["keep"] += known_later
    del wanted["rules"]
    (tmp_path / "olist.yaml").write_text(yaml.safe_dump(wanted), encoding="utf-8")
    config = Config.read(tmp_path / "olist.yaml")
    found = audit(load(config, folder=tmp_path)[0], config.funnel.build())
    assert {name.partition(".")[2] for name in found.blocked} == set(known_later)


def test_what_a_column_says_alone_is_judged_on_other_accounts() -> None:
    """An identifier of the account knows the outcome of its colleagues in training, and nothing on other accounts."""
    account = np.repeat(np.arange(100), 6)
    y = np.repeat(np.random.default_rng(0).random(100) < 0.3, 6)
    assert alone(pd.Series(account.astype(str)), y, account).gain <= 0.01
    assert alone(pd.Series(np.where(y, "a", "b")), y, account).gain > 0.9


def test_filledness() -> None:
    found = filled(pd.Series([1.0, None, 2.0, None]), np.array([True, False, True, True]))
    assert found is not None
    assert (found.rows, found.with_value, found.without) == (2, 1.0, 0.5)
    assert filled(pd.Series([1.0, 2.0]), np.array([True, False])) is None


def test_numbers_that_are_a_time_in_disguise() -> None:
    created = np.arange(100) * 10
    assert numbers_time(pd.Series([f"INV-{n:05d}" for n in range(100)]), created)
    assert numbers_time(pd.Series(np.arange(100.0)[::-1]), created)
    assert not numbers_time(pd.Series(np.random.default_rng(0).permutation(100).astype(float)), created)
    assert not numbers_time(pd.Series(np.arange(100.0) // 10), created), "a week is no number of a lead"


def test_words_of_a_name() -> None:
    assert words("lastContactDate") == {"last", "contact", "date"}
