"""Records that are listed no longer were deleted, whatever the vendor's list of deletions says or has forgotten by now."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from connectors.crm.landing import Landing
from connectors.crm.landing_tables import Row
from connectors.crm.moments import iso, moment
from connectors.crm.stream import Page
from features.common.errors import CrmError

Listed: TypeAlias = Mapping[str, Sequence[Row]]
PART = 10_000
ALLOWED_MISSING = 20  # so many may vanish whatever share they are


def sweep(
    landing: Landing,
    lists: Mapping[str, Callable[[], Iterable[str] | None]],
    words: Mapping[str, str],
    now: Callable[[], datetime],
    max_share: float,
    read_returned: Callable[[str, Sequence[str]], Listed] | None,
    _cursor: Any,
) -> Iterator[Page]:
    """Compare tables with the ids that the vendor lists: the missing are gone, the returned are read. A table's name may have a
    beginning of ids behind it ("engagements/00v"): only those are compared. A list is None where it cannot be whole. `words`:
    what the vendor calls the records of each.

    Raises
    ------
    CrmError
        if more than the share `max_share` of a table is missing: rather our user sees less than before.
    """
    started_at = now()
    for name, listed in lists.items():
        table, _, beginning = name.partition("/")
        names = listed() if table in landing.tables() else None
        if names is None:
            continue
        lost, returned, living = compare_ids(landing, table, names, beginning)
        if len(lost) > max(ALLOWED_MISSING, max_share * living):
            raise CrmError(
                f"{len(lost):,} of {living:,} {words[name]} are listed no longer: deleted, or does our user see less than "
                "before?",
                "Give the user its access back; if they were really deleted, set `sweep_most: 1` under `source:` for a run.",
            )
        for part in _parts(lost):
            yield Page({table: departed_rows(landing, table, part, started_at)}, None)
        if read_returned is not None and returned:
            yield Page(read_returned(table, returned), None)
    yield Page({}, {"at": iso(started_at)})


def departed_rows(landing: Landing, table: str, ids: Sequence[str], deleted_at: datetime | None) -> list[Row]:
    """Records that are not there any more. Of a person its key stays, by which acts are found that only name an address, until
    it is erased."""
    keys = landing.values(table, "_email_key", ids)
    return [{"_id": name, "_gone_at": deleted_at, **({"_email_key": keys[name]} if name in keys else {})} for name in ids]


def due(now: Callable[[], datetime], hours: float, cursor: Any) -> bool:
    """Whether so many hours have gone since the last time."""
    previous_sweep = moment((cursor or {}).get("at"))
    return previous_sweep is None or now() - previous_sweep >= timedelta(hours=hours)


def compare_ids(landing: Landing, table: str, listed: Iterable[str], beginning: str = "") -> tuple[list[str], list[str], int]:
    """The living that are not listed, the gone that are, and how many live. Ids are kept as Arrow has them, some twenty bytes
    each."""
    parts = [pa.array(part, pa.string()) for part in _parts(listed)]
    listed_ids = pa.chunked_array(parts, pa.string()).combine_chunks()
    lost: list[str] = []
    returned: list[str] = []
    living = 0
    for batch in landing.alive_records(table, beginning):
        names, alive = batch.column(0), batch.column(1)
        listed_mask = pc.is_in(names, value_set=listed_ids)
        lost += names.filter(pc.and_(alive, pc.invert(listed_mask))).to_pylist()
        returned += names.filter(pc.and_(pc.invert(alive), listed_mask)).to_pylist()
        living += pc.sum(pc.cast(alive, pa.int64())).as_py() or 0
    return lost, returned, living


def _parts(names: Iterable[str]) -> Iterator[list[str]]:
    iterator = iter(names)
    while part := list(islice(iterator, PART)):
        yield part
