"""The matrix of a partitioned dataset brought up to date, wherever there are workers for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from features.buckets.manifest import Bucket, Manifest
from features.buckets.matrix import Store
from features.buckets.place import Place
from features.buckets.rows import Building, Built, build_buckets
from features.buckets.spec import Spec
from features.buckets.work import Engine, Tick, every

MOST_TOGETHER = 16  # buckets in a task
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
    for done in engine.map(build_buckets, [replace(task, buckets=group) for group in groups]):
        if done.value is not None:  # of the others, each bucket is tried by itself
            found |= {b.number: built for b, built in zip(groups[done.index], done.value, strict=True)}
            told(len(found))
    rest = [b for b in manifest.buckets if b.number not in found]
    singly = [replace(task, buckets=(bucket,)) for bucket in rest]
    before = len(found)
    last = every(engine, build_buckets, singly, [b.label for b in rest], lambda done, _: told(before + done))
    found |= {b.number: built for b, (built,) in zip(rest, last, strict=True)}
    return tuple(found[b.number] for b in manifest.buckets)


def _groups(buckets: Sequence[Bucket], folders: set[str], tasks: int) -> Iterator[tuple[Bucket, ...]]:
    """Buckets that follow each other and have been built before (they have folders), in so many tasks or more."""
    size = min(-(-len(buckets) // tasks), MOST_TOGETHER)
    group: list[Bucket] = []
    for bucket in buckets:
        there = f"{bucket.number:05d}" in folders
        if group and (not there or len(group) == size):
            yield tuple(group)
            group = []
        if there:
            group.append(bucket)
    if group:
        yield tuple(group)
