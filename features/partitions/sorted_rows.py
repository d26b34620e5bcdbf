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

from features.common.clock import DAY
from features.common.codes import count_codes, gather
from features.dataset.tables import INTERACTIONS
from features.dataset.tally import Tally
from features.engine.index import DIRECTIONS, sort_order
from features.partitions.segments import GROUP

TEXT_COLUMNS = ("type", "direction", "content", "campaign")  # the order of what a lead did at the same moment, then by value
PER_ROW = 200  # bytes of a row while it is sorted (seen: 182 to 198)
PER_TEXT = 5  # bytes for each of a long text that no other row has (seen: 3.3 to 4.3)
SMALL_DICTIONARY = 256  # entries of a dictionary that is worth while though few rows have any of them

Ints = npt.NDArray[np.integer]


@dataclass(frozen=True)
class Texts:
    """A column of text (rows,): `code` into `names`, -1 where it is empty, of the `smallest` type: less to be moved about."""

    code: Ints
    names: pa.Array

    @classmethod
    def from_column(cls, column: pa.ChunkedArray) -> Texts:
        """A column of Arrow, as text or as dictionaries."""
        if not pa.types.is_dictionary(column.type):
            column = column.dictionary_encode()
        encoded = column.unify_dictionaries().combine_chunks()
        if isinstance(encoded, pa.ChunkedArray):  # of no rows
            encoded = pa.DictionaryArray.from_arrays(pa.array([], pa.int32()), pa.array([], pa.string()))
        small = smallest(len(encoded.dictionary))
        code = encoded.indices.cast(pa.int64()) if pa.types.is_unsigned_integer(encoded.indices.type) else encoded.indices
        code = code.fill_null(-1) if code.null_count else code
        return cls(code.to_numpy().astype(small, copy=False), encoded.dictionary.cast(pa.string()))

    def take(self, order: Ints) -> Texts:
        return Texts(gather(self.code, order), self.names)

    def ends(self, rows: slice) -> tuple[str, ...]:
        """The first and the last of the names that are there, by their bytes; one where they are the same."""
        used = np.flatnonzero(count_codes(self.code[rows], len(self.names)))
        if not len(used):
            return ()
        extremes = pc.min_max(self.names.take(pa.array(used)).cast(pa.binary())).as_py()
        return tuple(dict.fromkeys((extremes["min"].decode(), extremes["max"].decode())))

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
        encoded = pa.DictionaryArray.from_arrays(pa.array(code, mask=code < 0), self.names)
        return encoded if len(self.names) <= max(SMALL_DICTIONARY, len(code) // 4) else encoded.dictionary_decode()

    def counts(self, rows: slice, mask: npt.NDArray[np.bool_] | None = None) -> dict[str, int]:
        """How often each name is there, or only in `mask` of the rows."""
        code = self.code[rows] if mask is None else self.code[rows][mask]
        tallies = count_codes(code, len(self.names))
        return {self.names[int(i)].as_py(): int(tallies[i]) for i in np.flatnonzero(tallies)}


@dataclass(frozen=True)
class SortedRows:
    """Rows in their order: of each its `lead` (a code into `leads`, which rises), `moments` (µs), what it says (a direction
    other than in and out is none), the `way` it came with, and its value.

    Rows that repeat another one are left out: `repeated` has the number of them behind each row that is there; `same_day` tells
    which repeat one and stay (`features.dataset.repeats`)."""

    lead: npt.NDArray[np.int32]
    leads: pa.Array
    moments: npt.NDArray[np.int64]
    texts: dict[str, Texts]
    way: Texts
    value: pa.Array
    repeated: npt.NDArray[np.int64]
    same_day: npt.NDArray[np.bool_]

    @classmethod
    def from_table(cls, rows: pa.Table, leads: pa.Array, first_position: int = 0) -> SortedRows:
        """Order rows of position, at, type, direction, content, campaign, value; the lead at position `first_position` is
        `leads[0]`."""
        lead = (rows["position"].to_numpy() - first_position).astype(np.int32)
        present = np.flatnonzero(np.bincount(lead, minlength=len(leads)))
        rank = np.empty(len(leads), np.int32)
        rank[present] = np.arange(len(present), dtype=np.int32)
        lead, leads = rank[lead], leads.take(pa.array(present))
        moments = rows["at"].cast(pa.timestamp("us", "UTC")).cast(pa.int64()).to_numpy()
        texts = {name: Texts.from_column(rows[name]) for name in TEXT_COLUMNS}
        value = rows["value"].combine_chunks()
        value = value if isinstance(value, pa.Array) else pa.array([], pa.float64())
        way = texts.pop("direction")
        texts["direction"] = _valid_directions(way)
        order = sort_order(lead, moments, len(leads))
        repeats = _by_content(order, lead, moments, texts, value)
        is_day = gather(moments, order) % DAY == 0
        kept_rows = ~repeats | is_day
        repeated = np.diff(np.append(np.flatnonzero(kept_rows), len(order))) - 1
        order = order if kept_rows.all() else order[kept_rows]
        same_day = (repeats & is_day)[kept_rows]
        texts = {name: column.take(order) for name, column in texts.items()}
        return cls(
            gather(lead, order),
            leads,
            gather(moments, order),
            texts,
            way.take(order),
            value.take(pa.array(order)),
            repeated,
            same_day,
        )

    def tally(self, rows: slice) -> Tally:
        """What these rows hold."""
        moments, kind, ways = self.moments[rows], self.texts["type"], self.way.counts(rows)
        if not len(moments):
            return Tally()
        valued = self.value.slice(rows.start, len(moments)).is_valid().to_numpy(zero_copy_only=False)
        return Tally(
            dict(sorted(kind.counts(rows).items())),
            dict(sorted(kind.counts(rows, valued).items())),
            tuple(sorted(way for way in ways if way in DIRECTIONS)),
            self.texts["content"].ends(rows),
            dict(sorted((way, count) for way, count in ways.items() if way not in DIRECTIONS)),
            int(moments.min()),
            int(moments.max()),
            int(self.repeated[rows].sum()),
            int(self.same_day[rows].sum()),
        )

    def batches(self, rows: slice) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
        """These rows as interactions, in record batches of `GROUP`, and their schema."""
        columns: dict[str, Any] = {name: column.arrow(rows) for name, column in self.texts.items()}
        columns |= {"lead_id": self._lead_ids(rows), "value": self.value.slice(rows.start, rows.stop - rows.start)}
        columns["at"] = pa.array(self.moments[rows]).view(pa.timestamp("us", "UTC"))
        table = pa.table({name: columns[name] for name in INTERACTIONS.names})
        return table.schema, iter(table.to_batches(max_chunksize=GROUP))

    def _lead_ids(self, rows: slice) -> pa.Array:
        """The leads of these rows, with a dictionary of them only."""
        lead = self.lead[rows]
        start, end = (lead[0], lead[-1] + 1) if len(lead) else (0, 0)
        return pa.DictionaryArray.from_arrays(pa.array(lead - np.int32(start)), self.leads[int(start) : int(end)])


def smallest(names: int) -> type[np.signedinteger[Any]]:
    """The type of codes for so many names."""
    return np.int8 if names <= 2**7 else np.int16 if names <= 2**15 else np.int32


def sort_bytes(rows: int, text: int) -> int:
    """Bytes that sorting so many rows takes at most, with so many bytes of content and campaign in their files."""
    return PER_ROW * rows + PER_TEXT * text


def _by_content(
    order: npt.NDArray[np.int64],
    lead: npt.NDArray[np.int32],
    moments: npt.NDArray[np.int64],
    texts: dict[str, Texts],
    value: pa.Array,
) -> npt.NDArray[np.bool_]:
    """Put what a lead did at the same moment in an order of its own; only rows that are equal stay as they came. Which rows, in
    that order, are equal to the one before them."""
    repeats = np.zeros(len(order), bool)
    moment, ordered_lead = gather(moments, order), gather(lead, order)
    ties = (moment[1:] == moment[:-1]) & (ordered_lead[1:] == ordered_lead[:-1])
    if not ties.any():
        return repeats
    tied_rows = np.flatnonzero(np.append(ties, False) | np.append(False, ties))
    run = np.cumsum(~np.append(False, ties))[tied_rows]
    rows = order[tied_rows]
    keys = [texts[name].rank[texts[name].code[rows]] for name in TEXT_COLUMNS]
    tied_values = value.take(pa.array(rows))
    missing = pc.is_null(tied_values).to_numpy(zero_copy_only=False)
    number = tied_values.fill_null(0.0).to_numpy(zero_copy_only=False)
    columns = (number + 0.0, missing, *reversed(keys), run)
    tie_order = np.lexsort(columns)
    order[tied_rows] = rows[tie_order]
    same = [column[tie_order][1:] == column[tie_order][:-1] for column in columns[1:]]
    repeats[tied_rows[1:]] = np.logical_and.reduce([_same_numbers((number + 0.0)[tie_order]), *same])
    return repeats


def _same_numbers(number: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """Which numbers are those before them, one that is none being like another."""
    same: npt.NDArray[np.bool_] = (number[1:] == number[:-1]) | (np.isnan(number[1:]) & np.isnan(number[:-1]))
    return same


def _valid_directions(direction: Texts) -> Texts:
    """Directions other than in and out are none."""
    valid = np.array([name in DIRECTIONS for name in direction.names.to_pylist()] + [False])
    code = direction.code
    return Texts(np.where(valid[code], code, code.dtype.type(-1)), direction.names)
