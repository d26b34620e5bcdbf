"""The simulated CRM: its tables are those of a dataset, and what it tells is told in order."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from connectors.simulator.settings import SimulatorSettings
from connectors.simulator.simulate import simulate
from connectors.simulator.simulation import Simulation
from features.dataset.dataset import Dataset
from features.dataset.tables import TABLES

SETTINGS = SimulatorSettings(leads=2_500, days=400, seed=3)
FEW = SimulatorSettings(leads=400, days=200, seed=3)


DAY = pd.Timedelta(days=1)


@pytest.fixture(scope="module")
def simulation() -> Simulation:
    return simulate(SETTINGS)


@pytest.fixture(scope="module")
def few() -> Simulation:
    """For what holds of any number of leads and is simulated twice."""
    return simulate(FEW)


def of_type(simulation: Simulation, *types: str, humans: bool = True) -> pd.DataFrame:
    interactions = simulation.dataset.interactions
    rows = interactions["type"].isin(types) & (~simulation.bots if humans else True)
    return interactions[rows]


def test_the_same_settings_give_the_same_rows(few: Simulation) -> None:
    again = simulate(FEW)
    for name, frame in few.dataset.tables.items():
        pd.testing.assert_frame_equal(frame, again.dataset.tables[name])
    assert (few.bots == again.bots).all()


def test_another_seed_gives_other_rows(few: Simulation) -> None:
    other = simulate(replace(FEW, seed=4))
    assert len(other.dataset.interactions) != len(few.dataset.interactions)


@pytest.mark.parametrize(("leads", "days"), [(1, 2), (3, 5), (40, 30)])
def test_tiny_businesses_can_be_simulated(leads: int, days: int) -> None:
    tiny = simulate(SimulatorSettings(leads=leads, days=days))
    assert len(tiny.dataset.leads) == leads
    assert len(tiny.bots) == len(tiny.dataset.interactions) >= leads


@pytest.mark.filterwarnings("ignore:Series.values returning:DeprecationWarning")  # pyarrow's own use of pandas
def test_the_tables_survive_writing_and_reading(few: Simulation, tmp_path: Path) -> None:
    read = Dataset.read(few.dataset.write(tmp_path / "crm"))
    for name, frame in few.dataset.tables.items():
        pd.testing.assert_frame_equal(frame, read.tables[name], check_categorical=False, check_dtype=False)


def test_keys_are_unique_and_references_known(simulation: Simulation) -> None:
    tables = simulation.dataset.tables
    for name in ("leads", "companies", "deals"):
        assert tables[name][TABLES[name].key].is_unique
    assert set(tables["leads"]["company_id"].dropna()) <= set(tables["companies"]["company_id"])
    for name in ("interactions", "lead_stages", "deals"):
        assert set(tables[name]["lead_id"].astype(str)) <= set(tables["leads"]["lead_id"])


def test_nothing_happens_before_creation_or_after_extraction(simulation: Simulation) -> None:
    data = simulation.dataset
    created = data.leads.set_index("lead_id")["created_at"]
    for name, column in (("interactions", "at"), ("lead_stages", "at"), ("deals", "created_at")):
        frame = data.tables[name]
        assert (frame[column].to_numpy() >= created.loc[frame["lead_id"].astype(str)].to_numpy()).all()
        assert (frame[column] < data.extracted_at).all()
    assert (data.deals["closed_at"].dropna() < data.extracted_at).all()
    assert created.min() >= data.extracted_at - SETTINGS.days * DAY


def test_lead_stages_start_at_creation_and_go_one_step_a_day_at_most(simulation: Simulation) -> None:
    data = simulation.dataset
    order = {name: i for i, name in enumerate([*simulation.funnel.stages])}
    created = data.leads.set_index("lead_id")["created_at"]
    for lead_id, rows in data.lead_stages.groupby("lead_id", observed=True):
        names = rows["lead_stage"].astype(str).tolist()
        assert names[0] == "lead"
        assert rows["at"].iloc[0] == created[lead_id]
        steps = rows["at"].diff().dropna()
        assert (steps >= DAY).all()
        assert (steps % DAY == pd.Timedelta(0)).all()
        kept = [n for n in names if n in order]
        assert [order[n] for n in kept] == list(range(len(kept)))
        assert names[: len(kept)] == kept
        assert names[len(kept) :] in ([], ["lost"] if "sql" in kept else ["disqualified"])


def test_every_lead_that_became_sql_has_one_deal_that_tells_how_it_went(simulation: Simulation) -> None:
    data = simulation.dataset
    reached = data.lead_stages.pivot(index="lead_id", columns="lead_stage", values="at")
    deals = data.deals.set_index("lead_id")
    assert set(deals.index) == set(reached.index[reached["sql"].notna()].astype(str))
    outcome = reached.loc[deals.index]
    assert (deals["created_at"].to_numpy() == outcome["sql"].to_numpy()).all()
    expected = np.where(outcome["customer"].notna(), "won", np.where(outcome["lost"].notna(), "lost", "open"))
    assert deals["status"].tolist() == expected.tolist()
    assert deals["closed_at"].isna().tolist() == (expected == "open").tolist()
    assert deals["amount"].min() > 0


def test_there_are_open_leads_groups_and_unknown_values(simulation: Simulation) -> None:
    data = simulation.dataset
    group = data.leads["company_id"].value_counts()
    assert group.max() <= 6
    assert (group > 1).mean() > 0.3
    assert 0.02 < data.leads["company_id"].isna().mean() < 0.2
    closed = data.lead_stages["lead_stage"].isin(["customer", "disqualified", "lost"]).sum()
    assert 0.1 < 1 - closed / len(data.leads) < 0.7
    for column in ("budget_score", "existing_tool", "region", "notes", "tool_bought_on", "job_title"):
        assert 0 < data.leads[column].isna().mean() < 0.9
    titles = set(data.leads["job_title"].dropna())
    assert {"Geschäftsführer", "Leiter Vertrieb", "Head of Marketing", "Werkstudent Marketing"} <= titles


def test_a_scanner_adds_rows_and_changes_no_other(few: Simulation) -> None:
    without = simulate(replace(FEW, scanner_share=0.0))
    assert few.bots.any()
    assert not without.bots.any()
    humans = few.dataset.interactions[~few.bots].reset_index(drop=True)
    pd.testing.assert_frame_equal(humans, without.dataset.interactions)
    pd.testing.assert_frame_equal(few.dataset.lead_stages, without.dataset.lead_stages)


def test_scanners_open_and_click_every_mail_of_their_domains_within_seconds(simulation: Simulation) -> None:
    data = simulation.dataset
    bots = data.interactions[simulation.bots]
    assert set(bots["type"].astype(str)) == {"email_opened", "email_clicked"}
    domain = data.leads.set_index("lead_id")["email_domain"]
    scanned = set(domain.loc[bots["lead_id"].astype(str)])
    sent = of_type(simulation, "email_sent")
    sent = sent[domain.loc[sent["lead_id"].astype(str)].isin(scanned).to_numpy()]
    keys = ["lead_id", "content", "campaign"]
    left, right = (frame.astype(dict.fromkeys(keys, str)).sort_values("at") for frame in (sent, bots))
    right = right.assign(found=right["at"])
    follows = pd.merge_asof(
        left, right[[*keys, "at", "found"]], on="at", by=keys, direction="forward", tolerance=pd.Timedelta("20s")
    )
    late = follows["at"] > data.extracted_at - pd.Timedelta("30s")
    assert follows.loc[~late, "found"].notna().all()


def test_follow_ups_come_after_what_they_follow(simulation: Simulation) -> None:
    def first(kind: str) -> pd.Series:
        return of_type(simulation, kind).groupby("lead_id", observed=True)["at"].min()

    for later, earlier in (
        ("email_opened", "email_sent"),
        ("email_clicked", "email_opened"),
        ("webinar_attended", "webinar_registered"),
        ("call_answered", "call_made"),
    ):
        times = first(later)
        assert len(times) > 50
        assert (times > first(earlier).reindex(times.index)).all()
    counts = (
        of_type(simulation, "email_sent", "email_opened", "email_clicked").groupby(["lead_id", "type"], observed=True).size()
    )
    counts = counts.unstack(fill_value=0)
    assert (counts["email_clicked"] <= counts["email_opened"]).all()
    assert (counts["email_opened"] <= counts["email_sent"]).all()


def test_no_mail_is_sent_after_unsubscribing_and_opted_out_says_when(simulation: Simulation) -> None:
    data = simulation.dataset
    gone = of_type(simulation, "unsubscribed").set_index("lead_id")["at"]
    assert gone.index.is_unique
    sent = of_type(simulation, "email_sent")
    after = sent["at"].to_numpy() > gone.reindex(sent["lead_id"]).to_numpy()
    assert not after.any()
    assert set(data.leads.loc[data.leads["opted_out"], "lead_id"]) == set(gone.index.astype(str))
    changed = data.attribute_changes.query("value == 'true'").set_index("id")["at"]
    assert (changed.sort_index().to_numpy() == gone.sort_index().to_numpy()).all()


def test_little_is_seen_of_leads_that_left(simulation: Simulation) -> None:
    data = simulation.dataset
    left = data.lead_stages[data.lead_stages["lead_stage"].isin(["disqualified", "lost"])].set_index("lead_id")["at"]
    rows = data.interactions[~simulation.bots]
    at = rows["lead_id"].astype(str).map(left.rename(index=str))
    after = (rows["at"] > at + 2 * DAY).sum()
    days_after = (data.extracted_at - left).dt.days.sum()
    assert after / days_after < 0.03


def test_people_act_in_waking_hours_and_mostly_on_working_days(simulation: Simulation) -> None:
    at = of_type(simulation, "page_view", "blog_view", "email_opened", "call_made")["at"]
    assert at.dt.hour.between(5, 22).mean() > 0.995
    assert (at.dt.day_of_week >= 5).mean() < 0.2


def test_directions_values_and_contents_belong_to_their_types(simulation: Simulation) -> None:
    rows = simulation.dataset.interactions
    out = rows["type"].isin(["email_sent", "call_made"])
    assert (rows["direction"] == np.where(out, "out", "in")).all()
    assert (rows.loc[rows["type"] == "pricing_page_view", "content"] == "pricing").all()
    assert (rows.loc[rows["type"].isin(["product_video", "call_answered", "meeting"]), "value"] > 0).all()
    assert rows.loc[rows["type"].isin(["email_sent", "email_clicked"]), "campaign"].notna().all()


def test_all_types_occur_in_a_business_of_a_year(simulation: Simulation) -> None:
    counts = simulation.dataset.interactions["type"].value_counts()
    assert len(counts) == 22
    assert (counts > 0).all()


def test_progress_is_told_to_its_end() -> None:
    told: list[tuple[str, int, int]] = []
    simulate(SimulatorSettings(leads=20, days=70), progress=lambda what, done, total: told.append((what, done, total)))
    assert [t for t in told if t[1] == t[2]] == [("simulate days", 70, 70), ("simulate interactions", 4, 4)]
