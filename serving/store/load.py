"""A dataset into the store, in bulk: what is there already stays, what is new is added, so that loading is idempotent.

Interactions of a dataset have no ids of their own: one is made from what they are, and from how often the very same was there
before. So the same rows have the same ids whenever they are loaded.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import Connection, Table, literal_column, text

from features.common.clock import NO_MOMENT, microseconds, moment
from features.dataset.data_report import DataReport
from features.dataset.dataset import Dataset
from features.dataset.moments import hint, outside, written
from serving.store.connect import insert
from serving.store.json_values import drop_missing, packed
from serving.store.pseudonyms import Ids
from serving.store.rescore_queue import enqueue_scored
from serving.store.store import EXTRACTED, Store, fact, keep_fact
from serving.store.tables import attribute_changes, companies, deals, interactions, lead_stages, leads

Progress = Callable[[str, int, int], None]
BATCH_ROWS = 10_000  # rows written in one transaction: who writes meanwhile waits for it
MOMENTS = {"leads": "created_at", "lead_stages": "at", "attribute_changes": "at", "deals": "created_at", "interactions": "at"}
KEYS = ("lead_id", "created_at", "company_id", "opted_out")


def plausible(dataset: Dataset, now: int) -> tuple[Dataset, DataReport]:
    """The dataset without rows whose moment cannot be meant by the clock `now` (µs), and what is to be said of them."""
    report, tables = DataReport(), dataset.tables
    plausible_tables: dict[str, Any] = {}
    for name, column in MOMENTS.items():
        moments = microseconds(tables[name][column])
        early, late = outside(moments, now)
        for mask, words in ((early, "before 1990"), (late, f"after the clock ({written(now)} UTC)")):
            first = int(moments[mask][0]) if mask.any() else now
            example = f"{written(first)}{hint(first, now)}"
            report.warn(name, f"rows whose {column} lies {words}", int(mask.sum()), example, "not loaded")
        plausible_tables[name] = tables[name][~(early | late)].reset_index(drop=True)
    return replace(dataset, **plausible_tables), report


def load(store: Store, dataset: Dataset, progress: Progress | None = None) -> dict[str, int]:
    """Write what the store does not know → new rows by table. Who was erased is left out.

    A lead that is known keeps what was told of it since; lead stages, changes and interactions are added.

    Raises
    ------
    StoreError
        where the database cannot be written; parts that were written stay, and loading again goes on.
    """
    report = progress or (lambda _name, _completed, _total: None)
    erased_ids = _erased(store, dataset)
    now = moment(dataset.extracted_at)
    new_rows = {}
    for table, count, rows in _tables(dataset, store.ids, erased_ids, now):
        new_rows[table.name] = _write(store, table, count, rows, report)
    store.write(lambda connection: _finish(connection, now, any(new_rows.values())))
    store.wake.set()
    return new_rows


def _finish(connection: Connection, now: int, has_news: bool) -> None:
    """The store knows what happened until `now`; whoever was scored before is scored again where there is news."""
    keep_fact(connection, EXTRACTED, max(now, fact(connection, EXTRACTED) or now))
    if has_news:
        enqueue_scored(connection, now)


def _erased(store: Store, dataset: Dataset) -> set[str]:
    """The leads of the dataset, as it calls them, that were erased."""
    names = dataset.leads["lead_id"].astype(str).tolist()
    with store.read() as connection:
        erased_ids = store.erased.find_erased(connection, {store.ids(name) for name in names})
    return {name for name in names if store.ids(name) in erased_ids} if erased_ids else set()


def _tables(
    dataset: Dataset, ids: Ids, erased_ids: set[str], now: int
) -> Iterator[tuple[Table, int, Iterable[dict[str, Any]]]]:
    """Table, number of rows at the most, rows; in the order in which they may point to each other."""
    yield companies, len(dataset.companies), _companies(dataset, ids, now)
    yield leads, len(dataset.leads), _leads(dataset, ids, erased_ids, now)
    known_leads = set(dataset.leads["lead_id"].astype(str)) - erased_ids
    yield lead_stages, len(dataset.lead_stages), _stages(dataset, ids, known_leads)
    yield attribute_changes, len(dataset.attribute_changes), _changes(dataset, ids, erased_ids)
    yield deals, len(dataset.deals), _deals(dataset, ids, erased_ids)
    yield interactions, len(dataset.interactions), _interactions(dataset, ids, erased_ids)


def _companies(dataset: Dataset, ids: Ids, now: int) -> Iterator[dict[str, Any]]:
    for row in _records(dataset.companies):
        name = ids(str(row.pop("company_id")))
        yield {"company_id": name, "attributes": packed(drop_missing(row)), "received_at": now}


def _leads(dataset: Dataset, ids: Ids, erased_ids: set[str], now: int) -> Iterator[dict[str, Any]]:
    created = microseconds(dataset.leads["created_at"]).tolist()
    for created_at, row in zip(created, _records(dataset.leads), strict=True):
        if row["lead_id"] in erased_ids:
            continue
        company = row.get("company_id")
        yield {
            "lead_id": ids(row["lead_id"]),
            "company_id": None if company is None else ids(str(company)),
            "created_at": created_at,
            "opted_out": bool(row.get("opted_out")),
            "review_asked": False,
            "attributes": packed(drop_missing({k: v for k, v in row.items() if k not in KEYS})),
            "version": 1,
            "received_at": min(created_at, now),
        }


def _stages(dataset: Dataset, ids: Ids, known_leads: set[str]) -> Iterator[dict[str, Any]]:
    table = dataset.lead_stages
    columns = (table["lead_id"].astype(str), table["lead_stage"].astype(str), microseconds(table["at"]).tolist())
    for name, stage, entered_at in zip(*columns, strict=True):
        if name in known_leads:
            yield {"lead_id": ids(name), "lead_stage": stage, "at": entered_at, "received_at": entered_at}


def _changes(dataset: Dataset, ids: Ids, erased_ids: set[str]) -> Iterator[dict[str, Any]]:
    table = dataset.attribute_changes
    moments = microseconds(table["at"]).tolist()
    for moment_, row in zip(moments, _records(table), strict=True):
        if row["entity"] == "lead" and row["id"] in erased_ids:
            continue
        yield {
            "entity": row["entity"], "entity_id": ids(row["id"]), "name": row["column"], "at": moment_,
            "value": packed(row.get("value")), "received_at": moment_,
        }  # fmt: skip


def _deals(dataset: Dataset, ids: Ids, erased_ids: set[str]) -> Iterator[dict[str, Any]]:
    table = dataset.deals
    created, closed = (microseconds(table[name]).tolist() for name in ("created_at", "closed_at"))
    for begin, end, row in zip(created, closed, _records(table), strict=True):
        name, company = row.get("lead_id"), row.get("company_id")
        if name in erased_ids:
            if company is None:
                continue
            name = None
        yield {
            "deal_id": str(row["deal_id"]), "lead_id": None if name is None else ids(name),
            "company_id": None if company is None else ids(company), "created_at": begin,
            "closed_at": None if end == NO_MOMENT else end, "amount": row.get("amount"),
            "currency": row.get("currency"), "status": row["status"],
        }  # fmt: skip


def _interactions(dataset: Dataset, ids: Ids, erased_ids: set[str]) -> Iterator[dict[str, Any]]:
    """Each with an id made of its lead, its content and of how many equal ones there were; lead after lead, so that the
    database writes its indexes from one end to the other."""
    table = dataset.interactions
    category = table["lead_id"].astype("category").cat
    stored_ids = np.array(["" if str(name) in erased_ids else ids(str(name)) for name in category.categories], object)
    lead, times = category.codes.to_numpy(), microseconds(table["at"])
    rank = np.argsort(np.argsort(stored_ids.astype(str), kind="stable"), kind="stable")
    columns = [table[name].astype("object").to_numpy(object) for name in ("type", "value", "content", "campaign", "direction")]
    counts: dict[str, int] = {}
    previous_lead = -1
    for i in np.lexsort((times, rank[lead])).tolist():
        name = stored_ids[lead[i]]
        if not name:
            continue
        if lead[i] != previous_lead:
            counts, previous_lead = {}, lead[i]
        kind, value, content, campaign, direction = (_plain(column[i]) for column in columns)
        record = repr((kind, int(times[i]), value, content, campaign, direction)).encode("utf-8", "surrogatepass")
        mark = hashlib.blake2b(record, digest_size=10).hexdigest()
        number = counts[mark] = counts.get(mark, -1) + 1
        yield {
            "event_id": f"d:{name}:{mark}" + (f":{number}" if number else ""), "lead_id": name, "type": str(kind),
            "at": int(times[i]), "value": None if value is None else float(value), "content": content, "campaign": campaign,
            "direction": direction, "received_at": int(times[i]),
        }  # fmt: skip


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows with plain values, None where missing."""
    rows = frame.astype("object").where(frame.notna(), None).to_dict("records")
    return [{str(key): _plain(value) for key, value in row.items()} for row in rows]


def _plain(value: Any) -> Any:
    if value is None or value is pd.NA or value is pd.NaT:
        return None
    if isinstance(value, float) and np.isnan(value):
        return None
    if isinstance(value, pd.Timestamp):
        return value.isoformat()
    return value.item() if isinstance(value, np.generic) else value


def _write(store: Store, table: Table, count: int, rows: Iterable[dict[str, Any]], progress: Progress) -> int:
    """Rows into a table, a batch in a transaction → how many were new."""
    new_rows = written = 0
    for batch in _batches(rows):
        new_rows += store.write(lambda connection, batch=batch: _add(connection, table, batch))  # type: ignore[misc]
        written += len(batch)
        progress(table.name, min(written, count), count)
    progress(table.name, count, count)
    return new_rows


def _batches(rows: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    batch: list[dict[str, Any]] = []
    for row in rows:
        batch.append(row)
        if len(batch) == BATCH_ROWS:
            yield batch
            batch = []
    if batch:
        yield batch


def _add(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> int:
    if connection.dialect.name == "postgresql":
        return _copy(connection, table, rows)
    # the driver's own executemany: SQLAlchemy's way of reading each row's answer costs several times as much
    statement = insert(connection, table).on_conflict_do_nothing()
    names = list(rows[0])
    compiled = str(statement.values({name: literal_column("?") for name in names}).compile(dialect=connection.dialect))
    earlier_changes = _changes_so_far(connection)
    raw = connection.connection.driver_connection
    assert raw is not None  # noqa: S101
    raw.executemany(compiled, [tuple(row[name] for name in names) for row in rows])
    return _changes_so_far(connection) - earlier_changes


def _changes_so_far(connection: Connection) -> int:
    return int(connection.execute(text("SELECT total_changes()")).scalar_one())


def _copy(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> int:
    """COPY into a table of this transaction, then what is new into the real one."""
    names = list(rows[0])
    listed = ", ".join(f'"{name}"' for name in names)
    with _scratch(connection, table) as scratch:
        raw: Any = connection.connection.driver_connection
        with raw.cursor().copy(f'COPY "{scratch}" ({listed}) FROM STDIN') as copy:
            for row in rows:
                copy.write_row([row[name] for name in names])
        written = f'INSERT INTO "{table.name}" ({listed}) SELECT {listed} FROM "{scratch}" ON CONFLICT DO NOTHING'  # noqa: S608  our names
        return connection.exec_driver_sql(written).rowcount


@contextmanager
def _scratch(connection: Connection, table: Table) -> Iterator[str]:
    name = f"loading_{table.name}"
    connection.execute(text(f'CREATE TEMPORARY TABLE "{name}" (LIKE "{table.name}" INCLUDING DEFAULTS) ON COMMIT DROP'))
    yield name
