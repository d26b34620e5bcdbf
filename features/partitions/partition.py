"""Partition a dataset: cut its tables into buckets of whole accounts, sort them once, and say in a manifest what lies where.

What is added later (`add`) is cut into the same buckets as a further segment each; accounts that moved to another bucket and
buckets with many segments are cut again. Either way the manifest is written last and whole, so an interrupted job leaves what
was there before, and run again it goes on from the parts that are finished.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from features.common.clock import moment, timestamps
from features.common.errors import DataError
from features.dataset.data_report import DataReport
from features.dataset.funnel import Funnel
from features.dataset.validate import UNKNOWN, of_nobody, validate
from features.engine.histories import MIN_TYPE_ROWS
from features.partitions.executor import Engine, Tick
from features.partitions.increment import Day
from features.partitions.inputs import Raw
from features.partitions.job import Job
from features.partitions.lead_tables import Accounts, among, store_all, store_buckets
from features.partitions.lock import locked
from features.partitions.manifest import VERSION, Manifest, Segment, is_partitioned
from features.partitions.memory import LEAD
from features.partitions.reading import Rows
from features.partitions.storage import Place

MOST_SEGMENTS = 12  # of a bucket; then those of days are sorted into one


def partition(place: Place, raw: Raw, funnel: Funnel, engine: Engine, tick: Tick | None = None) -> Manifest:
    """Partition `raw` into the folder; a partition of other content there is replaced, one of the same left alone.

    Raises
    ------
    DataError
        for what `features.dataset.validate` refuses, parts that failed (each is named), a full disk, or a folder in use.
    """
    with locked(place, "partitioning a dataset"):
        budget = engine.budget
        key = _key(raw.digest, asdict(funnel), budget.of_bucket, budget.workers)
        if is_partitioned(place) and place.exists(f"work/{key}/finished.json"):
            return Manifest.read(place)
        job = Job(place, engine, key, moment(raw.lean.extracted_at), tick)
        clean, report = validate(raw.lean, funnel)
        accounts = Accounts.of(clean.leads)
        expected = raw.rows.count(place, budget) + LEAD * len(clean.leads)
        dealt = job.dealt_out(raw.rows, accounts.lead_id, accounts.pieces(expected, budget.of_buckets(expected)))
        usable = int(dealt.rows.sum())
        unusable = _unusable(dealt.unknown, dealt.late, usable, accounts.lead_id)
        where = accounts.cut(dealt.rows, budget.of_buckets(usable + LEAD * len(clean.leads)))
        with ThreadPoolExecutor(1) as aside:  # tables are written while workers sort
            storing = aside.submit(store_buckets, place, clean, where)
            whole, came = aside.submit(store_all, place, "clean", clean), aside.submit(store_all, place, "raw", raw.lean)
            segments, waiting = job.sorted(dealt, where)
            buckets = [replace(b, segments=segments.get(b.number, ())) for b in storing.result()]
        manifest = Manifest(
            raw.lean.source, raw.lean.time, raw.lean.extracted_at.isoformat(), where.borders, tuple(buckets), whole.result(),
            came.result(), raw.report.merge(report).to_dict(), waiting, unusable, (), (*funnel.stages, *funnel.exits),
        )  # fmt: skip
        return job.written(_reported(manifest))


def add(place: Place, raw: Raw, funnel: Funnel, engine: Engine, tick: Tick | None = None) -> Manifest:
    """Add what came since: new interactions, and new or changed rows of the other tables. Rows with a known key replace the
    old ones. The result is that of partitioning everything anew, but that accounts may lie in other buckets.

    Raises
    ------
    DataError
        as for `partition`; or if there is no partition yet, or it was extracted later or validated for another funnel.
    """
    with locked(place, "adding to a partitioned dataset"):
        old = Manifest.read(place)
        _check_fits(place, old, raw, funnel)
        if raw.digest in old.added:  # it was interrupted between the manifest and the end
            return old
        key = _key(raw.digest, asdict(funnel), engine.budget.workers, old.digest)
        job = Job(place, engine, key, moment(raw.lean.extracted_at), tick)
        day = Day.of(place, old, raw.lean, funnel)
        fresh = replace(raw.rows, segments=tuple(s.name for s in old.waiting))
        counts = job.counted(fresh)
        again = day.moved
        where = day.where(counts.rows["lead_id"].combine_chunks(), again)
        known = among(counts.rows["lead_id"], where.lead_id)
        before, usable = sum(b.rows for b in old.buckets), int(pc.sum(counts.rows["rows"].filter(known)).as_py() or 0)
        unusable = _unusable(counts.rows.filter(pc.invert(known)), counts.late, before + usable, where.lead_id)
        recut = [s for b in old.buckets if b.number in again for s in b.segments]
        rows = int(pc.sum(counts.rows["rows"]).as_py() or 0) + counts.late + sum(s.rows for s in recut)
        everything = replace(fresh, segments=(*fresh.segments, *(s.name for s in recut)))
        segments, waiting = job.dealt(everything, where, rows)
        kept = {b.number: () if b.number in again else b.segments for b in old.buckets}
        kept |= _together(replace(job, key=f"{key}-together"), day, {n: s for n, s in kept.items() if len(s) >= MOST_SEGMENTS})
        buckets = [replace(b, segments=(*kept[b.number], *segments.get(b.number, ()))) for b in day.buckets()]
        manifest = replace(
            old, extracted_at=raw.lean.extracted_at.isoformat(), buckets=tuple(buckets), whole=day.whole, raw=day.raw,
            report=day.report.to_dict(), waiting=waiting, unusable=unusable, added=(*old.added, raw.digest),
        )  # fmt: skip
        return job.written(_reported(manifest))


def _together(job: Job, day: Day, full: dict[int, tuple[Segment, ...]]) -> dict[int, tuple[Segment, ...]]:
    """Compaction: the segments of these buckets with those of days as one; all where the first is no larger than the others."""
    tails = {}
    for number, segments in full.items():
        small = len(segments) > 2 and segments[0].rows > sum(s.rows for s in segments[1:])
        tails[number] = segments[1:] if small else segments
    recut = Rows(segments=tuple(s.name for tail in tails.values() for s in tail))
    if not recut:
        return {}
    where = day.where(pa.array([], pa.string()), set(full))
    found, _ = job.cut(recut, where)
    return {
        n: (*full[n][: len(full[n]) - len(tail)], *(replace(s, of=tuple(t.name for t in tail)) for s in found[n]))
        for n, tail in tails.items()
    }


def _key(*said: object) -> str:
    """A name for a job: another one for parts that another version of Ripeline would read in another way."""
    return hashlib.sha256(json.dumps([VERSION, *said]).encode()).hexdigest()[:16]


def _check_fits(place: Place, old: Manifest, raw: Raw, funnel: Funnel) -> None:
    if raw.lean.extracted_at < pd.Timestamp(old.extracted_at):
        raise DataError(
            f"What is to be added was extracted at {raw.lean.extracted_at}, before {place} ({old.extracted_at}).",
            "Add days in their order, or partition everything anew.",
        )
    if old.stages != (*funnel.stages, *funnel.exits):
        raise DataError(
            f"{place} was partitioned for the lead stages and exits {', '.join(old.stages)}; `funnel:` has others now.",
            "Partition everything anew.",
        )


def _unusable(unknown: pa.Table, late: int, usable: int, known: pa.Array) -> dict[str, Any]:
    """What cannot be used: rows of `unknown` leads (lead_id, rows) and of later than the extraction, beside `usable` ones of
    `known` leads, days before included: a quiet day may bring none, while rows of others wait.

    Raises
    ------
    DataError
        if no row of all is of a known lead.
    """
    rows = int(pc.sum(unknown["rows"]).as_py() or 0)
    unknown = unknown.sort_by("lead_id")  # so that the example is always the same
    example = str(unknown["lead_id"][0]) if rows else ""
    if rows and not usable:
        raise of_nobody("interactions", rows, example, str(known[0]) if len(known) else "none of them")
    return {"unknown": rows, "leads": len(unknown), "example": example, "late": late}


def _reported(manifest: Manifest) -> Manifest:
    """With a report that says of the interactions what validating says of other tables."""
    report, unusable, tally = DataReport.from_dict(manifest.report), manifest.unusable, manifest.tally
    at = pd.Timestamp(manifest.extracted_at)
    report.warn("interactions", f"rows whose at lies after the extraction at {at}", unusable["late"], done="dropped")
    report.warn("interactions", f"rows of {unusable['leads']:,} {UNKNOWN}", unusable["unknown"], unusable["example"], "dropped")
    rare = [name for name, rows in sorted(tally.types.items(), key=lambda t: (-t[1], t[0])) if rows < MIN_TYPE_ROWS]
    report.note("interactions", f"types with fewer than {MIN_TYPE_ROWS} rows", len(rare), ", ".join(rare[:5]), "kept")
    odd = sum(Counter(tally.odd).values())
    if odd:
        report.warn(
            "interactions", "rows whose direction is neither in nor out", odd, repr(min(tally.odd)), "direction emptied"
        )
    period = report.period
    if tally.first is not None and tally.last is not None and period:
        first, last = timestamps(np.array([tally.first, tally.last]))
        period = (min(pd.Timestamp(period[0]), first).isoformat(), max(pd.Timestamp(period[1]), last).isoformat())
    rows = report.rows | {"interactions": manifest.rows}
    return replace(manifest, report=replace(report, rows=rows, period=period).to_dict())
