"""Interactions of a bucket in their order, in memory: by lead in the order of accounts, then by moment, then by what they say.

Only numbers are sorted. Text lies in dictionaries, and is looked at where a lead did two things at the same moment.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from features.buckets.groups import GROUP
from features.buckets.tally import Tally
from features.compiled import exact
from features.index import sort_few

SAYS = ("type", "direction", "content", "campaign")  # the order of what a lead did at the same moment, then by value
WRITTEN = ("lead_id", "type", "at", "value", "content", "campaign", "direction")
WAYS = ("in", "out")
MANY = 256  # entries of a dictionary that is not written again with each row group

Ints = npt.NDArray[np.integer]


@dataclass(frozen=True)
class Texts:
    """A column of text (rows,): `code` into `names`, -1 where it is empty."""

    code: npt.NDArray[np.int32]
    names: pa.Array

    @classmethod
    def of(cls, column: pa.ChunkedArray) -> Texts:
        """A column of Arrow, as text or as dictionaries."""
        if not pa.types.is_dictionary(column.type):
            column = column.dictionary_encode()
        one = column.unify_dictionaries().combine_chunks()
        if isinstance(one, pa.ChunkedArray):  # of no rows
            one = pa.DictionaryArray.from_arrays(pa.array([], pa.int32()), pa.array([], pa.string()))
        code = one.indices.cast(pa.int32()).fill_null(-1).to_numpy(zero_copy_only=False)
        return cls(code, one.dictionary.cast(pa.string()))

    def take(self, order: Ints) -> Texts:
        return Texts(self.code[order], self.names)

    @cached_property
    def rank(self) -> npt.NDArray[np.int64]:
        """(names + 1,) the place of each name in the order of their bytes; empty ones come last."""
        rank = np.empty(len(self.names) + 1, np.int64)
        rank[np.argsort(np.array([name.encode() for name in self.names.to_pylist()], object), kind="stable")] = np.arange(
            len(self.names)
        )
        rank[-1] = len(self.names)
        return rank

    def arrow(self, rows: slice) -> pa.Array:
        """As a dictionary where that is short: all of it is written with each row group."""
        code = self.code[rows]
        found = pa.DictionaryArray.from_arrays(pa.array(code, mask=code < 0), self.names)
        return found if len(self.names) <= MANY else found.dictionary_decode()

    def counts(self, rows: slice, which: npt.NDArray[np.bool_] | None = None) -> dict[str, int]:
        """How often each name is there, or only in `which` of the rows."""
        code = self.code[rows] if which is None else self.code[rows][which]
        found = np.bincount(code + 1, minlength=len(self.names) + 1)[1:]
        return {self.names[int(i)].as_py(): int(found[i]) for i in np.flatnonzero(found)}


@dataclass(frozen=True)
class Ordered:
    """Rows in their order: of each its `lead` (a code into `leads`, which rises), `at` (µs), what it says and its value."""

    lead: npt.NDArray[np.int32]
    leads: pa.Array
    at: npt.NDArray[np.int64]
    says: dict[str, Texts]
    value: pa.Array

    @classmethod
    def of(cls, rows: pa.Table, leads: pa.Array, first: int = 0) -> Ordered:
        """Order rows of position, at, type, direction, content, campaign, value; the lead at position `first` is `leads[0]`."""
        lead = (rows["position"].to_numpy() - first).astype(np.int32)
        there = np.flatnonzero(np.bincount(lead, minlength=len(leads)))
        rank = np.empty(len(leads), np.int32)
        rank[there] = np.arange(len(there), dtype=np.int32)
        lead, leads = rank[lead], leads.take(pa.array(there))
        at = rows["at"].cast(pa.timestamp("us", "UTC")).cast(pa.int64()).to_numpy()
        says = {name: Texts.of(rows[name]) for name in SAYS}
        value = rows["value"].combine_chunks()
        value = value if isinstance(value, pa.Array) else pa.array([], pa.float64())
        order = _order(lead, at, len(leads))
        said = {**says, "direction": _ways(says["direction"])}
        _by_content(order, lead, at, said, value)
        taken = {name: column.take(order) for name, column in says.items()}
        return cls(lead[order], leads, at[order], taken, value.take(pa.array(order)))

    def tally(self, rows: slice) -> Tally:
        """What these rows hold."""
        at, kind, way, content = self.at[rows], self.says["type"], self.says["direction"], self.says["content"]
        if not len(at):
            return Tally()
        ways = way.counts(rows)
        known = sorted(content.counts(rows), key=str.encode)
        valued = self.value.slice(rows.start, len(at)).is_valid().to_numpy(zero_copy_only=False)
        return Tally(
            dict(sorted(kind.counts(rows).items())),
            dict(sorted(kind.counts(rows, valued).items())),
            tuple(sorted(w for w in ways if w in WAYS)),
            tuple(dict.fromkeys((known[0], known[-1]))) if known else (),
            dict(sorted(Counter({w: n for w, n in ways.items() if w not in WAYS}).items())),
            int(at.min()),
            int(at.max()),
        )

    def parquet(self, rows: slice) -> bytes:
        """A Parquet file of these rows, in row groups of `GROUP`."""
        says = self.says | {"direction": _ways(self.says["direction"])}
        columns: dict[str, Any] = {name: column.arrow(rows) for name, column in says.items()}
        columns["at"] = pa.array(self.at[rows]).cast(pa.timestamp("us", "UTC"))
        columns["value"] = self.value.slice(rows.start, rows.stop - rows.start)
        rest = pa.table({name: columns[name] for name in WRITTEN[1:]})
        sink = pa.BufferOutputStream()
        schema = pa.schema([pa.field("lead_id", self._who(slice(0, 0)).type), *rest.schema])
        with pq.ParquetWriter(
            sink, schema, compression="snappy", store_schema=False, write_statistics=False, use_dictionary=["lead_id", *SAYS]
        ) as writer:
            for begin in range(rows.start, max(rows.stop, rows.start + 1), GROUP):
                end = min(begin + GROUP, rows.stop)
                group = rest.slice(begin - rows.start, end - begin)
                writer.write_table(group.add_column(0, schema.field(0), self._who(slice(begin, end))))
        return bytes(sink.getvalue())

    def _who(self, rows: slice) -> pa.Array:
        """The leads of a row group, with a dictionary of these only."""
        lead = self.lead[rows]
        first, last = (lead[0], lead[-1] + 1) if len(lead) else (0, 0)
        return pa.DictionaryArray.from_arrays(pa.array(lead - np.int32(first)), self.leads[int(first) : int(last)])


def read_rows(paths: Sequence[Path]) -> pa.Table:
    """The rows of Parquet files as `Ordered.of` wants them, text as dictionaries."""
    files = [pq.ParquetFile(path, read_dictionary=list(SAYS)) for path in paths]
    wanted = ["position", "at", "value", *SAYS]
    return pa.concat_tables([file.read(wanted, use_threads=False) for file in files], promote_options="permissive")


def _order(lead: npt.NDArray[np.int32], at: npt.NDArray[np.int64], leads: int) -> npt.NDArray[np.int64]:
    """The rows by lead and moment."""
    start = np.zeros(leads + 1, np.int64)
    np.cumsum(np.bincount(lead, minlength=leads), out=start[1:])
    order = np.empty(len(lead), np.int64)
    _sort(lead, at, start, order)
    return order


@exact
def _sort(lead: Any, at: Any, start: Any, order: Any) -> None:
    """Rows are dealt out to their leads, then each lead's few are put in order."""
    end, at_ = start[:-1].copy(), np.empty_like(at)
    for k in range(len(lead)):
        place = end[lead[k]]
        order[place], at_[place] = k, at[k]
        end[lead[k]] = place + 1
    for i in range(len(start) - 1):
        rows = slice(start[i], start[i + 1])
        mine = np.arange(start[i + 1] - start[i])
        sort_few(at_[rows], mine)
        order[rows] = order[rows][mine]


def _by_content(
    order: npt.NDArray[np.int64],
    lead: npt.NDArray[np.int32],
    at: npt.NDArray[np.int64],
    says: dict[str, Texts],
    value: pa.Array,
) -> None:
    """Put what a lead did at the same moment in an order that does not ask how it came."""
    moment, who = at[order], lead[order]
    same = (moment[1:] == moment[:-1]) & (who[1:] == who[:-1])
    if not same.any():
        return
    among = np.flatnonzero(np.append(same, False) | np.append(False, same))
    run = np.cumsum(~np.append(False, same))[among]
    rows = order[among]
    keys = [says[name].rank[says[name].code[rows]] for name in SAYS]
    valued = value.take(pa.array(rows))
    missing = pc.is_null(valued).to_numpy(zero_copy_only=False)
    number = valued.fill_null(0.0).to_numpy(zero_copy_only=False)
    order[among] = rows[np.lexsort((number, missing, *reversed(keys), run))]


def _ways(direction: Texts) -> Texts:
    """Directions other than in and out are none."""
    known = np.array([name in WAYS for name in direction.names.to_pylist()] + [False])
    return Texts(np.where(known[direction.code], direction.code, np.int32(-1)).astype(np.int32), direction.names)
