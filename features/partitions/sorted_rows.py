"""Interactions of a bucket in their order, in memory: by lead in the order of accounts, then by moment, then by what they say.

Only numbers are sorted. Text lies in dictionaries, and is looked at where a lead did two things at the same moment.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from features.common.codes import gathered, tallied
from features.dataset.tables import INTERACTIONS
from features.engine.index import DIRECTIONS, in_order
from features.partitions.counts import Tally
from features.partitions.segments import GROUP

SAYS = ("type", "direction", "content", "campaign")  # the order of what a lead did at the same moment, then by value
PER_ROW = 200  # bytes of a row while it is sorted (seen: 182 to 198)
PER_TEXT = 5  # bytes for each of a long text that no other row has (seen: 3.3 to 4.3)
MANY = 256  # entries of a dictionary that is worth while though few rows have any of them

Ints = npt.NDArray[np.integer]


@dataclass(frozen=True)
class Texts:
    """A column of text (rows,): `code` into `names`, -1 where it is empty, of the `smallest` type: less to be moved about."""

    code: Ints
    names: pa.Array

    @classmethod
    def of(cls, column: pa.ChunkedArray) -> Texts:
        """A column of Arrow, as text or as dictionaries."""
        if not pa.types.is_dictionary(column.type):
            column = column.dictionary_encode()
        one = column.unify_dictionaries().combine_chunks()
        if isinstance(one, pa.ChunkedArray):  # of no rows
            one = pa.DictionaryArray.from_arrays(pa.array([], pa.int32()), pa.array([], pa.string()))
        small = smallest(len(one.dictionary))
        code = one.indices.cast(pa.int64()) if pa.types.is_unsigned_integer(one.indices.type) else one.indices
        code = code.fill_null(-1) if code.null_count else code
        return cls(code.to_numpy().astype(small, copy=False), one.dictionary.cast(pa.string()))

    def take(self, order: Ints) -> Texts:
        return Texts(gathered(self.code, order), self.names)

    def ends(self, rows: slice) -> tuple[str, ...]:
        """The first and the last of the names that are there, by their bytes; one where they are the same."""
        used = np.flatnonzero(tallied(self.code[rows], len(self.names)))
        if not len(used):
            return ()
        found = pc.min_max(self.names.take(pa.array(used)).cast(pa.binary())).as_py()
        return tuple(dict.fromkeys((found["min"].decode(), found["max"].decode())))

    @cached_property
    def rank(self) -> npt.NDArray[np.int64]:
        """(names + 1,) the place of each name in the order of their bytes; empty ones come last."""
        order = np.append(pc.array_sort_indices(self.names.cast(pa.binary())).to_numpy().astype(np.int64), len(self.names))
        rank = np.empty(len(order), np.int64)
        rank[order] = np.arange(len(order))
        return rank

    def arrow(self, rows: slice) -> pa.Array:
        """As a dictionary with the smallest codes, or as text where few rows say many things."""
        code = self.code[rows]
        found = pa.DictionaryArray.from_arrays(pa.array(code, mask=code < 0), self.names)
        return found if len(self.names) <= max(MANY, len(code) // 4) else found.dictionary_decode()

    def counts(self, rows: slice, which: npt.NDArray[np.bool_] | None = None) -> dict[str, int]:
        """How often each name is there, or only in `which` of the rows."""
        code = self.code[rows] if which is None else self.code[rows][which]
        found = tallied(code, len(self.names))
        return {self.names[int(i)].as_py(): int(found[i]) for i in np.flatnonzero(found)}


@dataclass(frozen=True)
class Ordered:
    """Rows in their order: of each its `lead` (a code into `leads`, which rises), `at` (µs), what it says (a direction other
    than in and out is none), the `way` it came with, and its value."""

    lead: npt.NDArray[np.int32]
    leads: pa.Array
    at: npt.NDArray[np.int64]
    says: dict[str, Texts]
    way: Texts
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
        way = says.pop("direction")
        says["direction"] = _known(way)
        order = in_order(lead, at, len(leads))
        _by_content(order, lead, at, says, value)
        says = {name: column.take(order) for name, column in says.items()}
        return cls(gathered(lead, order), leads, gathered(at, order), says, way.take(order), value.take(pa.array(order)))

    def tally(self, rows: slice) -> Tally:
        """What these rows hold."""
        at, kind, ways = self.at[rows], self.says["type"], self.way.counts(rows)
        if not len(at):
            return Tally()
        valued = self.value.slice(rows.start, len(at)).is_valid().to_numpy(zero_copy_only=False)
        return Tally(
            dict(sorted(kind.counts(rows).items())),
            dict(sorted(kind.counts(rows, valued).items())),
            tuple(sorted(way for way in ways if way in DIRECTIONS)),
            self.says["content"].ends(rows),
            dict(sorted((way, count) for way, count in ways.items() if way not in DIRECTIONS)),
            int(at.min()),
            int(at.max()),
        )

    def batches(self, rows: slice) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
        """These rows as interactions, in record batches of `GROUP`, and their schema."""
        columns: dict[str, Any] = {name: column.arrow(rows) for name, column in self.says.items()}
        columns |= {"lead_id": self._who(rows), "value": self.value.slice(rows.start, rows.stop - rows.start)}
        columns["at"] = pa.array(self.at[rows]).view(pa.timestamp("us", "UTC"))
        table = pa.table({name: columns[name] for name in INTERACTIONS.names})
        return table.schema, iter(table.to_batches(max_chunksize=GROUP))

    def _who(self, rows: slice) -> pa.Array:
        """The leads of these rows, with a dictionary of them only."""
        lead = self.lead[rows]
        first, last = (lead[0], lead[-1] + 1) if len(lead) else (0, 0)
        return pa.DictionaryArray.from_arrays(pa.array(lead - np.int32(first)), self.leads[int(first) : int(last)])


def smallest(names: int) -> type[np.signedinteger[Any]]:
    """The type of codes for so many names."""
    return np.int8 if names <= 2**7 else np.int16 if names <= 2**15 else np.int32


def taken(rows: int, text: int) -> int:
    """Bytes that sorting so many rows takes at most, with so many bytes of content and campaign in their files."""
    return PER_ROW * rows + PER_TEXT * text


def _by_content(
    order: npt.NDArray[np.int64],
    lead: npt.NDArray[np.int32],
    at: npt.NDArray[np.int64],
    says: dict[str, Texts],
    value: pa.Array,
) -> None:
    """Put what a lead did at the same moment in an order of its own; only rows that are equal stay as they came."""
    moment, who = gathered(at, order), gathered(lead, order)
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
    order[among] = rows[np.lexsort((number + 0.0, missing, *reversed(keys), run))]


def _known(direction: Texts) -> Texts:
    """Directions other than in and out are none."""
    known = np.array([name in DIRECTIONS for name in direction.names.to_pylist()] + [False])
    code = direction.code
    return Texts(np.where(known[code], code, code.dtype.type(-1)), direction.names)
