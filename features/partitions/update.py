"""The matrix of a partitioned dataset brought up to date, wherever there are workers for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby, pairwise

from features.partitions.build_matrix import Building, Built, build_buckets
from features.partitions.executor import Engine, Tick, run_all, run_exclusive
from features.partitions.manifest import Bucket, Manifest
from features.partitions.matrix import Store
from features.partitions.spec import Spec
from features.partitions.storage import Storage

MAX_GROUP = 8  # buckets in a task: what was and is of each is held until all are computed
TASKS_PER_WORKER = 2  # tasks at least for each worker


def update(
    data: Storage, manifest: Manifest, store: Store, spec: Spec, engine: Engine, tick: Tick | None = None
) -> tuple[Built, ...]:
    """Build what is missing, and what has changed since it was built → what each bucket gave.

    A bucket that was never built is a task of its own; of others, of which a day changes little, several are one.

    Raises
    ------
    DataError
        if buckets failed, each named; the others are finished.
    """
    task = Building(data, manifest.head, manifest.buckets, store, spec)
    results: dict[int, Built] = {}

    def report_progress(finished: int) -> None:
        if tick:
            tick(finished, len(manifest.buckets))

    groups = list(_groups(manifest.buckets, set(store.storage.names()), TASKS_PER_WORKER * engine.budget.workers))
    groups = groups if len(groups) > 1 else []
    for result in engine.map(build_buckets, [replace(task, buckets=group) for group in groups]):
        if result.value is not None:  # of the others, each bucket is tried by itself
            results |= {b.number: built for b, built in zip(groups[result.index], result.value, strict=True)}
            report_progress(len(results))
    remaining = [b for b in manifest.buckets if b.number not in results]
    single_tasks, finished_count = [replace(task, buckets=(bucket,)) for bucket in remaining], len(results)
    if len(remaining) == 1 and finished_count:  # it may be what killed its worker, and must not kill us
        single_results = [run_exclusive(engine, build_buckets, single_tasks[0], remaining[0].label)]
        report_progress(len(manifest.buckets))
    else:
        single_results = run_all(
            engine,
            build_buckets,
            single_tasks,
            [b.label for b in remaining],
            lambda finished, _: report_progress(finished_count + finished),
        )
    results |= {b.number: built for b, (built,) in zip(remaining, single_results, strict=True)}
    return tuple(results[b.number] for b in manifest.buckets)


def _groups(buckets: Sequence[Bucket], folders: set[str], tasks: int) -> Iterator[tuple[Bucket, ...]]:
    """Runs of buckets that have been built before (they have folders), cut evenly, where all of them make so many tasks."""
    size = min(-(-len(buckets) // tasks), MAX_GROUP)
    has_folder = [f"{bucket.number:05d}" in folders for bucket in buckets]
    begin = 0
    for was_built, run in groupby(has_folder):
        end = begin + len(list(run))
        if was_built and size > 1 and end - begin > 1:
            count = -(-(end - begin) // size)
            ends = [begin + (end - begin) * (i + 1) // count for i in range(count)]
            yield from (tuple(buckets[b:e]) for b, e in pairwise([begin, *ends]))
        begin = end
