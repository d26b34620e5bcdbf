"""Partition a dataset: cut its tables into buckets of whole accounts, sort them once, and say in a manifest what lies where.

What is added later (`add`) is cut into the same buckets as a further segment each; accounts that moved to another bucket and
buckets with many segments are cut again. Either way the manifest is written last and whole, so an interrupted job leaves what
was there before, and run again it goes on from the parts that are finished.
"""

from __future__ import annotations

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from features.common.clock import moment
from features.common.errors import DataError
from features.dataset.data_report import DataReport
from features.dataset.dataset import Dataset
from features.dataset.funnel import Funnel
from features.dataset.validate import InteractionCounts, note_interactions, validate_lean
from features.partitions.executor import Engine, Tick
from features.partitions.increment import Day
from features.partitions.inputs import Raw
from features.partitions.job import Job
from features.partitions.lead_tables import Accounts, member_mask, store_all, store_buckets
from features.partitions.lock import folder_lock
from features.partitions.manifest import VERSION, Manifest, Segment, is_partitioned
from features.partitions.memory import LEAD
from features.partitions.reading import InteractionSource
from features.partitions.storage import Storage

MOST_SEGMENTS = 12  # of a bucket; then those of days are sorted into one


def partition(storage: Storage, raw: Raw, funnel: Funnel, engine: Engine, tick: Tick | None = None) -> Manifest:
    """Partition `raw` into the folder; a partition of other content there is replaced, one of the same left alone.

    Raises
    ------
    DataError
        for what `features.dataset.validate` refuses, parts that failed (each is named), a full disk, or a folder in use.
    """
    with folder_lock(storage, "partitioning a dataset"):
        budget = engine.budget
        key = _key(raw.digest, asdict(funnel), budget.of_bucket, budget.workers)
        if is_partitioned(storage) and storage.exists(f"work/{key}/finished.json"):
            return Manifest.read(storage)
        job = Job(storage, engine, key, moment(raw.lean.extracted_at), tick)
        clean, report = validate_lean(raw.lean, funnel)
        raw.rows.check()
        accounts = Accounts.from_leads(clean.leads)
        expected = raw.rows.rows + LEAD * len(clean.leads)
        shuffled = job.shuffle(
            raw.rows, accounts.lead_id, accounts.pieces(expected, budget.of_buckets(expected)), accounts.created
        )
        usable = int(shuffled.rows.sum())
        unusable = _unusable(shuffled.unknown, shuffled.late_rows, shuffled.latest) | shuffled.early | shuffled.ancient
        assignment = accounts.cut(shuffled.rows, budget.of_buckets(usable + LEAD * len(clean.leads)))
        with ThreadPoolExecutor(1) as aside:  # tables are written while workers sort
            storing = aside.submit(store_buckets, storage, clean, assignment)
            clean_files, raw_files = (
                aside.submit(store_all, storage, "clean", clean),
                aside.submit(store_all, storage, "raw", raw.lean),
            )
            segments, waiting = job.sorted(shuffled, assignment)
            buckets = [replace(b, segments=segments.get(b.number, ())) for b in storing.result()]
        manifest = Manifest(
            raw.lean.source, raw.lean.time, raw.lean.extracted_at.isoformat(), assignment.borders, tuple(buckets),
            clean_files.result(), raw_files.result(), raw.report.merge(report).to_dict(), waiting, unusable, (),
            (*funnel.stages, *funnel.exits), raw.lean.without_history,
        )  # fmt: skip
        return job.written(_with_interactions(manifest, clean))


def add(storage: Storage, raw: Raw, funnel: Funnel, engine: Engine, tick: Tick | None = None) -> Manifest:
    """Add what came since: new interactions, and new or changed rows of the other tables. Rows with a known key replace the
    old ones. The result is that of partitioning everything anew, but that accounts may lie in other buckets.

    Raises
    ------
    DataError
        as for `partition`; or if there is no partition yet, or it was extracted later or validated for another funnel.
    """
    with folder_lock(storage, "adding to a partitioned dataset"):
        old_manifest = Manifest.read(storage)
        _check_fits(storage, old_manifest, raw, funnel)
        if raw.digest in old_manifest.added:  # it was interrupted between the manifest and the end
            return old_manifest
        key = _key(raw.digest, asdict(funnel), engine.budget.workers, old_manifest.digest)
        job = Job(storage, engine, key, moment(raw.lean.extracted_at), tick)
        day = Day.apply(storage, old_manifest, raw.lean, funnel)
        raw.rows.check()
        fresh = replace(raw.rows, segments=tuple(s.name for s in old_manifest.waiting))
        counts = job.counted(fresh)
        moved_buckets = day.moved
        assignment = day.locate(counts.rows["lead_id"].combine_chunks(), moved_buckets)
        known_mask = member_mask(counts.rows["lead_id"], assignment.lead_id)
        unusable = _unusable(counts.rows.filter(pc.invert(known_mask)), counts.late_rows, counts.latest)
        unusable |= {"ancient": counts.ancient_rows, "oldest": counts.oldest}
        recut = [s for b in old_manifest.buckets if b.number in moved_buckets for s in b.segments]
        rows = int(pc.sum(counts.rows["rows"]).as_py() or 0) + counts.late_rows + counts.ancient_rows
        rows += sum(s.rows for s in recut)
        all_rows = replace(fresh, segments=(*fresh.segments, *(s.name for s in recut)))
        segments, waiting = job.cut_small(all_rows, assignment, rows)
        kept_segments = {b.number: () if b.number in moved_buckets else b.segments for b in old_manifest.buckets}
        kept_segments |= _compact(
            replace(job, key=f"{key}-together"), day, {n: s for n, s in kept_segments.items() if len(s) >= MOST_SEGMENTS}
        )
        buckets = [replace(b, segments=(*kept_segments[b.number], *segments.get(b.number, ()))) for b in day.buckets()]
        manifest = replace(
            old_manifest, extracted_at=raw.lean.extracted_at.isoformat(), buckets=tuple(buckets), whole=day.clean_files,
            raw=day.raw, report=day.report.to_dict(), waiting=waiting, unusable=unusable,
            added=(*old_manifest.added, raw.digest), without_history=raw.lean.without_history,
        )  # fmt: skip
        return job.written(_with_interactions(manifest, day.new_data))


def _compact(job: Job, day: Day, full: dict[int, tuple[Segment, ...]]) -> dict[int, tuple[Segment, ...]]:
    """Compaction: the segments of these buckets with those of days as one; all where the first is no larger than the others."""
    tails = {}
    for number, segments in full.items():
        small = len(segments) > 2 and segments[0].rows > sum(s.rows for s in segments[1:])
        tails[number] = segments[1:] if small else segments
    recut = InteractionSource(segments=tuple(s.name for tail in tails.values() for s in tail))
    if not recut:
        return {}
    assignment = day.locate(pa.array([], pa.string()), set(full))
    compacted, _ = job.cut(recut, assignment)
    return {
        n: (*full[n][: len(full[n]) - len(tail)], *(replace(s, of=tuple(t.name for t in tail)) for s in compacted[n]))
        for n, tail in tails.items()
    }


def _key(*parts: object) -> str:
    """A name for a job: another one for parts that another version of Ripeline would read in another way."""
    return hashlib.sha256(json.dumps([VERSION, *parts]).encode()).hexdigest()[:16]


def _check_fits(storage: Storage, manifest: Manifest, raw: Raw, funnel: Funnel) -> None:
    if raw.lean.extracted_at < pd.Timestamp(manifest.extracted_at):
        raise DataError(
            f"What is to be added was extracted at {raw.lean.extracted_at}, before {storage} ({manifest.extracted_at}).",
            "Add days in their order, or partition everything anew.",
        )
    if manifest.stages != (*funnel.stages, *funnel.exits):
        raise DataError(
            f"{storage} was partitioned for the lead stages and exits {', '.join(manifest.stages)}; `funnel:` has others now.",
            "Partition everything anew.",
        )


def _unusable(unknown: pa.Table, late_rows: int, latest: int | None) -> dict[str, Any]:
    """What cannot be used: rows of `unknown` leads (lead_id, rows), and those later than the extraction."""
    rows = int(pc.sum(unknown["rows"]).as_py() or 0)
    example = pc.min(unknown["lead_id"]).as_py() or ""
    return {
        "late": late_rows,
        "latest": latest,
        "unknown": rows,
        "unknown_leads": len(unknown),
        "unknown_example": example,
    }


def _with_interactions(manifest: Manifest, lean: Dataset) -> Manifest:
    """With a report that says of the interactions what validating says of those of a dataset in memory; only how many came
    before their lead was created is not known after a day was added.

    Raises
    ------
    DataError
        if all are of unknown leads; a day may bring none of known ones.
    """
    counts = InteractionCounts(manifest.tally, **manifest.unusable)
    return replace(manifest, report=note_interactions(DataReport.from_dict(manifest.report), counts, lean).to_dict())
