"""Day by day gives what everything at once gives, and touches no more than it must."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from features.common.errors import DataError
from features.dataset.dataset import Dataset
from features.dataset.funnel import Funnel
from features.dataset.tables import empty
from features.partitions.build_matrix import _compute_changes
from features.partitions.executor import Inline
from features.partitions.increment import upsert_tables
from features.partitions.inputs import Raw
from features.partitions.lead_tables import read_bucket
from features.partitions.manifest import Manifest
from features.partitions.matrix import Store
from features.partitions.partition import add, partition
from features.partitions.segments import read_segments
from features.partitions.storage import Storage
from features.partitions.update import update
from tests.features.partitions.worlds import FUNNEL, SMALL, START, built, in_memory, read_matrix, spec_of, until, world
from tests.raw import raw_in_memory


def raw_of(dataset: Dataset, folder: Path) -> Raw:
    return Raw.of_folder(dataset.write(folder))


def together(old: Dataset, new: Dataset) -> Dataset:
    """Both, the way a source would give them if it were read from the beginning."""
    both = upsert_tables(old, new)
    rows = [
        part.interactions.astype(dict.fromkeys(("lead_id", "type", "content", "campaign", "direction"), "str"))
        for part in (old, new)
    ]
    tables = {**both.tables, "interactions": pd.concat(rows, ignore_index=True)}
    return Dataset.from_tables(tables, extracted_at=new.extracted_at, source=old.source)


def told(manifest: Manifest) -> set[tuple[object, ...]]:
    """What the report says, but for examples and their order, odd directions (rows that were cut again have none left), and
    rows from before their lead was created, who may have been created anew."""
    notes = [n for n in manifest.report["notes"] if "direction" not in n["what"] and "before their lead" not in n["what"]]
    return {(n["level"], n["table"], n["what"], n["count"], n["done"]) for n in notes}


def changed(day: Dataset, known: Dataset, random: np.random.Generator) -> Dataset:
    """The day with what else a day brings: a lead whose attributes changed, one that moved to another company, late rows."""
    again = known.leads.sample(2, random_state=int(random.integers(1 << 30)))
    again = again.assign(budget=[55.0, None], company_id=[again["company_id"].iloc[0], f"C{int(random.integers(0, 12)):02d}"])
    leads = pd.concat([again, day.leads], ignore_index=True).drop_duplicates("lead_id", keep="last", ignore_index=True)
    late = day.interactions.astype({"lead_id": "str"})
    if len(late):
        before = pd.Timestamp(START, unit="us", tz="UTC") + pd.to_timedelta(random.integers(1, 50, 3), unit="D")
        late = pd.concat(
            [late, late.iloc[[0, 0, 0]].assign(at=before, lead_id=known.leads["lead_id"].iloc[0])], ignore_index=True
        )
    return Dataset.from_tables({**day.tables, "leads": leads, "interactions": late}, extracted_at=day.extracted_at)


@settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.explicit, Phase.generate])
@given(seed=st.integers(0, 10_000), days=st.lists(st.integers(61, 119), min_size=2, max_size=3, unique=True).map(sorted))
@example(seed=5967, days=[83, 84, 115])  # a day without interactions, while some of nobody wait
def test_day_by_day_equals_from_nothing(tmp_path_factory: pytest.TempPathFactory, seed: int, days: list[int]) -> None:
    home = tmp_path_factory.mktemp("days")
    everything, random = world(seed), np.random.default_rng(seed)
    known = until(everything, days[0])
    place, out, engine = Storage.from_path(home / "data"), Storage.from_path(home / "matrix"), Inline(SMALL)
    manifest = partition(place, raw_of(known, home / "first"), FUNNEL, engine)
    built(place, manifest, out, spec_of(known))
    for since, day in pairwise(days):
        new = changed(until(everything, day, since), known, random)
        known = together(known, new)
        manifest = add(place, raw_of(new, home / f"day{day}"), FUNNEL, engine)
        spec = spec_of(known)
        built(place, manifest, out, spec)
        index, rows = read_matrix(out, manifest, spec)
        wanted_index, wanted = in_memory(known, spec)
        assert index["lead_id"].tolist() == wanted_index["lead_id"].tolist()
        np.testing.assert_array_equal(rows, wanted)
    fresh = Storage.from_path(home / "fresh")
    with raw_in_memory(known) as raw:
        anew = partition(fresh, raw, FUNNEL, engine)
    assert replace(anew.tally, odd={}) == replace(manifest.tally, odd={})
    assert {k: v for k, v in anew.report.items() if k != "notes"} == {k: v for k, v in manifest.report.items() if k != "notes"}
    assert told(anew) == told(manifest)
    again = Storage.from_path(home / "again")
    built(fresh, anew, again, spec)
    labels = [c for c in index if c.startswith(("reached", "matured", "lead_id", "as_of"))]
    pd.testing.assert_frame_equal(read_matrix(again, anew, spec)[0][labels], index[labels])


def test_a_quiet_day_computes_the_landmarks_that_fell_due_and_no_others(tmp_path: Path) -> None:
    everything = world(3)
    place, out, engine = Storage.from_path(tmp_path / "data"), Storage.from_path(tmp_path / "matrix"), Inline(SMALL)
    first = until(everything, 50)
    spec = spec_of(first)
    built(place, partition(place, raw_of(first, tmp_path / "first"), FUNNEL, engine), out, spec)
    before = len(in_memory(first, spec)[0])
    new = until(everything, 51, 50)
    manifest = add(place, raw_of(new, tmp_path / "day"), FUNNEL, engine)
    computed = built(place, manifest, out, spec)
    grown = len(read_matrix(out, manifest, spec)[0]) - before
    assert 0 < grown <= computed < before / 3  # also those of accounts with new people or attributes


@pytest.mark.parametrize(("landmarks", "interactions"), [(20_000, 250_000), (20_000, 400), (60, 250_000), (0, 0)])
def test_buckets_that_a_day_touched_are_the_same_together_and_one_by_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, landmarks: int, interactions: int
) -> None:
    """All of them, as many as memory allows for, or each by itself."""
    monkeypatch.setattr("features.partitions.build_matrix.MAX_LANDMARKS", landmarks)
    monkeypatch.setattr("features.partitions.build_matrix.MAX_INTERACTIONS", interactions)
    together_ = []
    monkeypatch.setattr(
        "features.partitions.build_matrix._compute_changes",
        lambda task, found: together_.append(len(found)) or _compute_changes(task, found),
    )
    everything = world(7)
    place, out, engine = Storage.from_path(tmp_path / "data"), Storage.from_path(tmp_path / "matrix"), Inline(SMALL)
    known = until(everything, 70)
    built(place, partition(place, raw_of(known, tmp_path / "first"), FUNNEL, engine), out, spec_of(known))
    day = changed(until(everything, 75, 70), known, np.random.default_rng(7))
    manifest, spec = add(place, raw_of(day, tmp_path / "day"), FUNNEL, engine), spec_of(together(known, day))
    together_.clear()
    built(place, manifest, out, spec)
    assert sum(together_) == len(manifest.buckets) > 3
    assert (max(together_) > 1) == (landmarks > 0)
    index, rows = read_matrix(out, manifest, spec)
    wanted_index, wanted = in_memory(together(known, day), spec)
    assert index["lead_id"].tolist() == wanted_index["lead_id"].tolist()
    np.testing.assert_array_equal(rows, wanted)


def test_a_day_may_bring_nothing_but_new_leads(tmp_path: Path) -> None:
    everything, engine = world(4), Inline(SMALL)
    known = until(everything, 70)
    place, out = Storage.from_path(tmp_path / "data"), Storage.from_path(tmp_path / "matrix")
    built(place, partition(place, raw_of(known, tmp_path / "first"), FUNNEL, engine), out, spec_of(known))
    leads = known.leads.iloc[:2].assign(lead_id=["N1", "N2"], company_id=None, created_at=known.extracted_at)
    day = Dataset.from_tables({"leads": leads}, extracted_at=known.extracted_at + pd.Timedelta(days=1))
    manifest, now = add(place, raw_of(day, tmp_path / "day"), FUNNEL, engine), together(known, day)
    built(place, manifest, out, spec_of(now))
    np.testing.assert_array_equal(read_matrix(out, manifest, spec_of(now))[1], in_memory(now, spec_of(now))[1])


def test_a_bucket_that_everybody_left_takes_in_others(tmp_path: Path) -> None:
    everything, engine = world(4), Inline(SMALL)
    known = until(everything, 70)
    place, out = Storage.from_path(tmp_path / "data"), Storage.from_path(tmp_path / "matrix")
    manifest = partition(place, raw_of(known, tmp_path / "first"), FUNNEL, engine)
    built(place, manifest, out, spec_of(known))
    here = read_bucket(place, manifest, manifest.buckets[1]).leads
    elsewhere = read_bucket(place, manifest, manifest.buckets[2]).leads["company_id"].dropna().iloc[0]
    moved = known.leads[known.leads["lead_id"].isin(here["lead_id"])].assign(company_id=elsewhere)
    came = moved.iloc[:1].assign(lead_id="N1", company_id=here["company_id"].dropna().iloc[0])
    for number, leads in enumerate((moved, came), start=1):
        at = known.extracted_at + pd.Timedelta(days=1)
        day = Dataset.from_tables({"leads": leads.reset_index(drop=True)}, extracted_at=at)
        manifest, known = add(place, raw_of(day, tmp_path / f"day{number}"), FUNNEL, engine), together(known, day)
        assert manifest.buckets[1].leads == number - 1
        spec = spec_of(known)
        built(place, manifest, out, spec)
        np.testing.assert_array_equal(read_matrix(out, manifest, spec)[1], in_memory(known, spec)[1])


def test_a_bucket_that_is_damaged_after_a_day_is_named_alone_and_the_others_are_finished(tmp_path: Path) -> None:
    everything, ticks = world(3), []
    place, store, engine = Storage.from_path(tmp_path / "data"), Store(Storage.from_path(tmp_path / "matrix")), Inline(SMALL)
    first = until(everything, 50)
    spec = spec_of(first)
    built(place, partition(place, raw_of(first, tmp_path / "first"), FUNNEL, engine), store.storage, spec)
    manifest = add(place, raw_of(until(everything, 60, 50), tmp_path / "day"), FUNNEL, engine)
    bucket = manifest.buckets[1]
    path = tmp_path / "data" / bucket.segments[-1].name
    content = path.read_bytes()
    path.write_bytes(content[:-9])
    with pytest.raises(DataError, match=rf"(?s)1 of 2 parts failed.*- {bucket.label}: .*{path.name} differs from its checksum"):
        update(place, manifest, store, spec, engine)
    records = {b.number: store.record(b.number) for b in manifest.buckets}
    stale = [b.number for b in manifest.buckets if (r := records[b.number]) is None or r.content != b.content]
    assert stale == [bucket.number]
    path.write_bytes(content)
    found = update(place, manifest, store, spec, engine, lambda done, of: ticks.append((done, of)))
    assert [b.number for b, f in zip(manifest.buckets, found, strict=True) if f.computed] == [bucket.number]
    assert ticks[-1] == (len(manifest.buckets), len(manifest.buckets))


@pytest.mark.parametrize("seed", [2, 7])
def test_a_day_dealt_out_in_one_piece_is_the_day_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    everything, random = world(seed), np.random.default_rng(seed)
    known = until(everything, 70)
    day = changed(until(everything, 90, 70), known, random)
    found = []
    for name, most, per_row in (("dealt", 4, 200), ("cut", 0, 200), ("too long", 4, 2**30)):
        monkeypatch.setattr("features.partitions.job.MAX_BUCKETS", most)  # a day of any size is small, none is
        monkeypatch.setattr("features.partitions.sorted_rows.PER_ROW", per_row)
        home = tmp_path / name
        place, engine = Storage.from_path(home / "data"), Inline(SMALL)
        partition(place, raw_of(known, home / "first"), FUNNEL, engine)
        found.append((place, add(place, raw_of(day, home / "day"), FUNNEL, engine)))
    (here, dealt), (there, cut), (_, long) = found
    assert max(len(bucket.segments) for bucket in dealt.buckets) > 1
    assert [[s.tally for s in b.segments] for b in long.buckets] == [[s.tally for s in b.segments] for b in cut.buckets]
    for one, other in zip(dealt.buckets, cut.buckets, strict=True):
        rows = [read_segments(place, bucket.segments) for place, bucket in ((here, one), (there, other))]
        pd.testing.assert_frame_equal(rows[0].astype("str"), rows[1].astype("str"))
        assert [s.tally for s in one.segments] == [s.tally for s in other.segments]
    assert [s.tally for s in dealt.waiting] == [s.tally for s in cut.waiting]
    assert [s.rows for s in dealt.waiting] == [s.rows for s in cut.waiting] != []


def test_a_day_in_which_leads_move_is_the_same_on_an_object_store(tmp_path: Path) -> None:
    """Their buckets are cut again, from segments that have to be fetched."""
    everything = world(2)
    known = until(everything, 70)
    day = changed(until(everything, 90, 70), known, np.random.default_rng(2))
    found = []
    for place in (Storage.from_path(tmp_path / "data"), Storage.from_path("memory://moved")):
        partition(place, raw_of(known, tmp_path / "first"), FUNNEL, Inline(SMALL))
        before = Manifest.read(place)
        found.append(add(place, raw_of(day, tmp_path / "day"), FUNNEL, Inline(SMALL)))
    assert found[0].digest == found[1].digest
    again = [one for one, other in zip(before.buckets, found[1].buckets, strict=True) if one.segments != other.segments[:1]]
    assert again  # somebody has moved


def test_a_day_may_bring_no_interactions(tmp_path: Path) -> None:
    everything = world(8)
    known = until(everything, 70)
    place, engine = Storage.from_path(tmp_path / "data"), Inline(SMALL)
    known = replace(known, interactions=known.interactions[known.interactions["lead_id"].isin(known.leads["lead_id"])])
    before = partition(place, raw_of(known, tmp_path / "first"), FUNNEL, engine)
    day = replace(until(everything, 72, 70), interactions=empty("interactions"))
    after = add(place, raw_of(day, tmp_path / "day"), FUNNEL, engine)
    assert after.extracted_at > before.extracted_at
    assert after.rows == before.rows


@pytest.mark.parametrize("most", [4, 0])
def test_a_day_may_bring_rows_of_nobody_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    monkeypatch.setattr("features.partitions.job.MAX_BUCKETS", most)
    everything = world(8)
    known = until(everything, 70)
    place, engine = Storage.from_path(tmp_path / "data"), Inline(SMALL)
    before = partition(place, raw_of(known, tmp_path / "first"), FUNNEL, engine)
    assert before.waiting  # of nobody as well
    day = until(everything, 72, 70)
    early = day.interactions.astype({"lead_id": "str"}).assign(lead_id="someone new")  # the lead itself comes later
    after = add(place, raw_of(replace(day, interactions=early), tmp_path / "day"), FUNNEL, engine)
    assert after.rows == before.rows
    assert after.unusable["unknown"] == before.unusable["unknown"] + len(early)


@pytest.mark.parametrize("store", [False, True])
def test_rows_wait_for_their_lead(tmp_path: Path, store: bool) -> None:
    everything = world(4)
    first = until(everything, 90)
    late = first.leads["lead_id"].iloc[0]
    without = replace(first, leads=first.leads[first.leads["lead_id"] != late].reset_index(drop=True))
    place, engine = Storage.from_path("memory://waiting" if store else tmp_path / "data"), Inline(SMALL)
    manifest = partition(place, raw_of(without, tmp_path / "first"), FUNNEL, engine)
    of_late = int((first.interactions["lead_id"].astype("str") == late).sum())
    assert of_late
    new = replace(until(everything, 91, 90), leads=first.leads[first.leads["lead_id"] == late].reset_index(drop=True))
    after = add(place, raw_of(new, tmp_path / "day"), FUNNEL, engine)
    known = set(first.leads["lead_id"])
    came = int(new.interactions["lead_id"].astype("str").isin(known).sum())
    assert after.rows == manifest.rows + of_late + came
    again = add(place, Raw.of_folder(tmp_path / "day"), FUNNEL, engine)  # a day is added once
    assert again.digest == after.digest


@pytest.mark.parametrize(("most", "left"), [(2, 2), (3, 3)])  # all together; those of days together
def test_many_days_become_one_segment_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int, left: int) -> None:
    monkeypatch.setattr("features.partitions.partition.MOST_SEGMENTS", most)
    everything = world(5)
    place, out, engine = Storage.from_path(tmp_path / "data"), Storage.from_path(tmp_path / "matrix"), Inline(SMALL)
    known = until(everything, 80)
    manifest = partition(place, raw_of(known, tmp_path / "first"), FUNNEL, engine)
    spec = spec_of(known)
    built(place, manifest, out, spec)
    for day in (85, 87, 89, 91):
        new = until(everything, day, 80 if day == 85 else day - 2)
        known = together(known, new)
        manifest = add(place, raw_of(new, tmp_path / f"d{day}"), FUNNEL, engine)
        computed = built(place, manifest, out, spec)
        assert computed < len(in_memory(known, spec)[0]) / 2  # what was known of segments is known of the one
    assert max(len(b.segments) for b in manifest.buckets) == left
    assert any(s.of for b in manifest.buckets for s in b.segments)
    np.testing.assert_array_equal(read_matrix(out, manifest, spec)[1], in_memory(known, spec)[1])
    assert manifest.files <= {str(p.relative_to(tmp_path / "data")) for p in (tmp_path / "data").rglob("*.*")}


def test_a_day_from_before_is_refused(tmp_path: Path) -> None:
    everything = world(6)
    place, engine = Storage.from_path(tmp_path / "data"), Inline(SMALL)
    manifest = partition(place, raw_of(until(everything, 90), tmp_path / "first"), FUNNEL, engine)
    with pytest.raises(DataError, match=r"before .*Add days in their order|Add days in their order"):
        add(place, raw_of(until(everything, 80, 79), tmp_path / "day"), FUNNEL, engine)
    assert Manifest.read(place).digest == manifest.digest


def test_a_day_for_another_funnel_is_refused(tmp_path: Path) -> None:
    everything = world(7)
    place, engine = Storage.from_path(tmp_path / "data"), Inline(SMALL)
    partition(place, raw_of(until(everything, 90), tmp_path / "first"), FUNNEL, engine)
    other = Funnel(("lead", "mql", "sql", "customer"), ("lost",))
    with pytest.raises(DataError, match=r"exits lead, mql, customer, lost; `funnel:` has others now"):
        add(place, raw_of(until(everything, 91, 90), tmp_path / "day"), other, engine)
