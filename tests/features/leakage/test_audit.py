"""The leakage audit as a whole: leaks of each kind, the known traps of real data, and no false alarm on the simulator."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from connectors.files.load import load_files
from connectors.files.settings import FilesSource
from connectors.simulator.settings import SimulatorSettings
from connectors.simulator.simulate import simulate
from features.dataset.dataset import Dataset
from features.dataset.funnel import Funnel
from features.dataset.validate import validate
from features.leakage import Audit, audit
from tests.features.leakage.world import FUNNEL, N, converted, crm, verdicts

ROOT = Path(__file__).resolve().parents[3]
REAL = ROOT.parent / "shared" / "data"


def test_each_kind_of_leak_is_blocked_and_honest_columns_are_not() -> None:
    y, random = converted(), np.random.default_rng(2)
    noise, given = random.normal(size=N), random.random(N) < 0.5
    columns = {
        "invoice": np.where(y, "yes", "no"),
        "contract": pd.array(np.where(y & (noise > 0), "signed", None), dtype="str"),
        "why_not": pd.array(np.where(~y & (noise > 0), "too dear", None), dtype="str"),
        "last_contact": np.where(y, random.integers(0, 6, N), random.integers(3, 9, N)).astype(float),
        "fit": noise + 0.8 * y,
        "size": np.abs(noise),
        "ticket": 1_000.0 + 3 * np.arange(N),
        **{
            f"acme {kind} score": np.where(given, y * strength + random.normal(size=N), np.nan)
            for kind, strength in (("interest", 1.2), ("profile", 0.1), ("web", 0.0))
        },
    }
    expected = dict.fromkeys(columns, "block") | {"fit": "ok", "size": "ok"}
    assert verdicts(audit(crm(columns), FUNNEL)) == expected


def test_every_verdict_comes_with_figures() -> None:
    found = audit(crm({"invoice": np.where(converted(), "yes", "no"), "size": np.arange(N) % 7}), FUNNEL)
    assert [(v.subject, v.level) for v in found.columns[:2]] == [("lead.invoice", "block"), ("lead.size", "ok")]
    assert "AUC 1.00" in str(found.columns[0])
    assert found.columns[1].evidence[0].startswith("alone about customer: AUC 0.")


def test_excluded_columns_are_not_judged() -> None:
    data = crm({"invoice": np.where(converted(), "yes", "no"), "bill": np.where(converted(), "yes", "no")})
    assert audit(data, FUNNEL, exclude=["invoice", "lead.bill"]).blocked == ()


def test_a_column_known_as_it_is_today_only_is_blocked_however_honest_it_looks() -> None:
    data = replace(crm({"size": np.arange(N) % 7, "site": np.arange(N) % 5}), without_history=("lead.size",))
    judged = audit(data, FUNNEL)
    assert judged.blocked == ("lead.size",)
    assert "the source has no history of it" in str(judged.columns[0])


def test_one_recorded_lead_does_not_clear_a_column() -> None:
    """The history of one lead in six hundred says nothing of the others, whose values are as extracted."""
    y = converted()
    region = np.where(y, "north", np.where(np.arange(N) % 2 == 0, "north", "south"))
    assert _recorded(region, leads=1) == "block"


def test_a_recorded_history_clears_a_name() -> None:
    """Where the changes are recorded the column is cut at each moment: known from the start, "last" is no evidence."""
    region = np.where(converted() & (np.arange(N) % 9 > 0), "north", np.where(np.arange(N) % 2 == 0, "north", "south"))
    assert _recorded(region, leads=N) == "ok"


def _recorded(region: np.ndarray, leads: int) -> str:
    plain = crm({"last_region": region})
    changes = pd.DataFrame(
        {"entity": "lead", "id": plain.leads["lead_id"], "column": "last_region", "value": region,
         "at": plain.leads["created_at"]}
    )  # fmt: skip
    return verdicts(audit(crm({"last_region": region}, attribute_changes=changes[:leads]), FUNNEL))["last_region"]


def test_what_is_filled_in_afterwards_is_no_leak_to_whom_it_is_recorded_but_of_no_use_either() -> None:
    """Every customer got a segment the day after; features never see it, the model would learn that it is empty."""
    y = converted()
    plain = crm({"segment": pd.array(np.where(y, "gold", None), dtype="str")})
    at = plain.leads["created_at"] + pd.Timedelta(days=11)
    every = {"entity": "lead", "id": plain.leads["lead_id"], "column": "segment", "value": "gold", "at": at}
    found = audit(crm({"segment": plain.leads["segment"]}, attribute_changes=pd.DataFrame(every)[y]), FUNNEL)
    (verdict,) = (v for v in found.columns if v.column == "segment")
    assert verdict.level == "block"
    assert f"for {y.sum()} of {y.sum()} leads only once they had become customer" in verdict.evidence[0]


def test_few_leads_block_nothing_by_chance() -> None:
    """Sixty columns of noise over sixty leads: one always looks telling."""
    random = np.random.default_rng(3)
    data = crm({f"c{i}": random.integers(0, 3, N).astype(str) for i in range(60)})
    few = {"leads": data.leads[:60], "lead_stages": data.lead_stages[:60]}
    found = audit(Dataset.from_tables(few, extracted_at=data.extracted_at, source="test"), FUNNEL)
    assert set(verdicts(found).values()) == {"ok"}


def test_without_outcomes_the_audit_says_that_it_cannot_judge() -> None:
    data = crm({"invoice": np.where(converted(), "yes", "no")})
    few = {"leads": data.leads[:30], "lead_stages": data.lead_stages[:30]}
    found = audit(Dataset.from_tables(few, extracted_at=data.extracted_at, source="test"), FUNNEL)
    assert found.blocked == ()
    assert "audit: too few outcomes are known to judge columns by what they say" in found.notes


@pytest.mark.parametrize(
    ("leads", "seed"),
    [
        *((300, 2), (500, 1), (500, 18), (1_500, 2), (1_500, 3)),
        *(pytest.param(leads, seed, marks=pytest.mark.slow) for leads, seed in ((4_000, 4), (20_000, 7))),
    ],
)
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


def real(name: str, **changed: Any) -> Audit:
    """The audit of a real data set by its YAML, with keys of its `source` changed."""
    if not (REAL / name).is_dir():
        pytest.skip(f"needs the data set {name} in ../shared/data")
    whole = yaml.safe_load((ROOT / "benchmarks" / "real" / f"{name}.yaml").read_text(encoding="utf-8"))
    source = whole["source"] | {"folder": str(REAL / name)} | changed
    funnel = Funnel(**{k: tuple(v) if isinstance(v, list) else v for k, v in whole["funnel"].items()})
    dataset, _ = load_files(FilesSource.model_validate(source), funnel, REAL)
    return audit(validate(dataset, funnel)[0], funnel)


@pytest.mark.real
@pytest.mark.parametrize("task", list(TRAPS))
def test_the_traps_of_real_data(task: str) -> None:
    assert {name.partition(".")[2] for name in real(task).blocked} == TRAPS[task]


@pytest.mark.real
def test_columns_of_won_deals_are_found_in_olist() -> None:
    """Closed deals mapped as companies: every column of theirs exists for won leads alone."""
    found = real(
        "olist",
        leads={
            "file": "marketing_qualified_leads.csv",
            "columns": {"lead_id": "mql_id", "company_id": "mql_id", "created_at": "first_contact_date", "source": "origin"},
            "keep": ["landing_page_id"],
        },
        companies={"file": "closed_deals.csv", "columns": {"company_id": "mql_id"}},
    )
    assert set(found.blocked) == {n for n in found.usable if n.startswith("company.")}
    assert {"company.won_date", "company.business_segment", "company.lead_behaviour_profile"} <= set(found.blocked)


def test_judging_some_columns_says_of_them_what_judging_all_does() -> None:
    """Whoever replays rules waits only for the columns that the rules look at."""
    y = converted()
    random = np.random.default_rng(1)
    data = crm({
        "invoice": np.where(y, "yes", "no"),
        "hint": np.where(random.random(N) < 0.75, y, ~y).astype(str),
        "size": np.arange(N) % 7,
    })  # fmt: skip
    whole = {v.subject: v for v in audit(data, FUNNEL).columns}
    for name, verdict in whole.items():
        assert verdict in audit(data, FUNNEL, columns=[name]).columns
    assert audit(data, FUNNEL, columns=["lead.size"]).interactions == ()


def test_who_is_blocked_for_saying_too_much_is_told_once_how_to_stay() -> None:
    """A number that alone tells who converts may have been known in time: the audit cannot know, and asks."""
    y, random = converted(), np.random.default_rng(4)
    data = crm({"balance": random.normal(size=N) + 4 * y, "a": random.random(N), "b": random.random(N), "c": random.random(N)})
    (verdict,) = [v for v in audit(data, FUNNEL).columns if v.subject == "lead.balance"]
    assert verdict.level == "block"
    assert str(verdict).count("audit: {insist: [...]}") == 1
    assert "too good to have been known before?" in str(verdict)
