"""The matrix of a partitioned dataset brought up to date, wherever there are workers for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby, pairwise

from features.partitions.build_matrix import Building, Built, build_buckets
from features.partitions.executor import Engine, Tick, alone, every
from features.partitions.manifest import Bucket, Manifest
from features.partitions.matrix import Store
from features.partitions.spec import Spec
from features.partitions.storage import Place

MOST_TOGETHER = 8  # buckets in a task: what was and is of each is held until all are computed
EACH = 2  # tasks at least for each worker


def update(
    data: Place, manifest: Manifest, store: Store, spec: Spec, engine: Engine, tick: Tick | None = None
) -> tuple[Built, ...]:
    """Build what is missing, and what has changed since it was built → what each bucket gave.

    A bucket that was never built is a task of its own; of others, of which a day changes little, several are one.

    Raises
    ------
    DataError
        if buckets failed, each named; the others are finished.
    """
    task = Building(data, manifest.head, manifest.buckets, store, spec)
    found: dict[int, Built] = {}

    def told(done: int) -> None:
        if tick:
            tick(done, len(manifest.buckets))

    groups = list(_groups(manifest.buckets, set(store.place.names()), EACH * engine.budget.workers))
    groups = groups if len(groups) > 1 else []
    for done in engine.map(build_buckets, [replace(task, buckets=group) for group in groups]):
        if done.value is not None:  # of the others, each bucket is tried by itself
            found |= {b.number: built for b, built in zip(groups[done.index], done.value, strict=True)}
            told(len(found))
    rest = [b for b in manifest.buckets if b.number not in found]
    singly, before = [replace(task, buckets=(bucket,)) for bucket in rest], len(found)
    if len(rest) == 1 and before:  # it may be what killed its worker, and must not kill us
        last = [alone(engine, build_buckets, singly[0], rest[0].label)]
        told(len(manifest.buckets))
    else:
        last = every(engine, build_buckets, singly, [b.label for b in rest], lambda done, _: told(before + done))
    found |= {b.number: built for b, (built,) in zip(rest, last, strict=True)}
    return tuple(found[b.number] for b in manifest.buckets)


def _groups(buckets: Sequence[Bucket], folders: set[str], tasks: int) -> Iterator[tuple[Bucket, ...]]:
    """Runs of buckets that have been built before (they have folders), cut evenly, where all of them make so many tasks."""
    size = min(-(-len(buckets) // tasks), MOST_TOGETHER)
    there = [f"{bucket.number:05d}" in folders for bucket in buckets]
    begin = 0
    for known, run in groupby(there):
        end = begin + len(list(run))
        if known and size > 1 and end - begin > 1:
            count = -(-(end - begin) // size)
            ends = [begin + (end - begin) * (i + 1) // count for i in range(count)]
            yield from (tuple(buckets[b:e]) for b, e in pairwise([begin, *ends]))
        begin = end
