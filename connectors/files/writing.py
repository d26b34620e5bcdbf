"""How a column is written, judged by all its values and, where they are silent, by the other columns of its file.

Rows come block by block; a block of plain ISO 8601 or plain numbers needs no judgement, so a column is looked at as a whole
only once a block holds anything else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import reduce
from typing import Any, TypeAlias

import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from connectors.files.date_orders import DateJudgement, Evidence, Remark, date_evidence, judge_dates, merged
from connectors.files.numbers import NumberEvidence, NumberJudgement, judge_numbers, number_evidence
from connectors.files.row_lines import ROW
from connectors.files.settings import FileOptions
from connectors.files.shapes import by_shape, text_array
from features.attributes.date_text import date_form, shape_of
from features.attributes.number_text import number_form

Blocks: TypeAlias = "Callable[[], Iterable[pd.Series[Any]]]"  # the values of a column, each block with its rows as index
PROBE = 1_000  # values looked at first: most columns are no dates and no numbers, which these show


class OtherColumns:
    """The columns of a file as they stand in it: each one's evidence, where it holds nothing but dates or numbers."""

    def __init__(self, blocks: Callable[[], Iterable[pa.Table]]) -> None:
        self._blocks = blocks
        self._evidence: tuple[dict[str, Evidence], dict[str, NumberEvidence]] | None = None

    def dates(self, column: str) -> dict[str, Evidence]:
        """Of all columns but this one."""
        return {name: evidence for name, evidence in self._all()[0].items() if name != column}

    def numbers(self, column: str) -> dict[str, NumberEvidence]:
        """Of all columns but this one."""
        return {name: evidence for name, evidence in self._all()[1].items() if name != column}

    def _all(self) -> tuple[dict[str, Evidence], dict[str, NumberEvidence]]:
        if self._evidence is None:
            dates: _Evidences = _Evidences(lambda t: date_form(t) is not None, date_evidence, merged)
            numbers: _Evidences = _Evidences(lambda t: number_form(t) is not None, number_evidence, NumberEvidence.plus)
            for block in self._blocks():
                rows = block.column(ROW).to_numpy()
                for name in block.column_names:
                    if pa.types.is_string(block.schema.field(name).type):
                        texts = text_array(pd.Series(block.column(name).to_pandas(), dtype="str"))
                        dates.update(name, texts, rows)
                        numbers.update(name, texts, rows)
            self._evidence = dates.of_columns, numbers.of_columns
        return self._evidence


class _Evidences:
    """What columns say that hold nothing but texts whose shape `fits`."""

    def __init__(self, fits: Callable[[str], bool], evidence: Callable[..., Any], plus: Callable[[Any, Any], Any]) -> None:
        self.of_columns: dict[str, Any] = {}
        self._fits, self._evidence, self._plus = fits, evidence, plus
        self._ruled_out: set[str] = set()

    def update(self, name: str, texts: pa.Array, rows: npt.NDArray[Any]) -> None:
        if name in self._ruled_out:
            return
        sample = (shape_of(text) for text in texts.slice(0, PROBE).to_pylist() if text is not None)
        if not all(map(self._fits, sample)) or not all(self._fits(group.shape) for group in by_shape(texts)):
            self._ruled_out.add(name)
            self.of_columns.pop(name, None)
            return
        later = self._evidence(texts, rows)
        self.of_columns[name] = self._plus(self.of_columns[name], later) if name in self.of_columns else later


class ColumnWriting:
    """How one column is written: judged once, by the `blocks` of all its values (those handed in where there are none)."""

    def __init__(
        self,
        options: FileOptions,
        blocks: Blocks | None = None,
        other_columns: OtherColumns | None = None,
        column: str = "",
        *,
        counts: bool = False,
        strict: bool = True,
    ) -> None:
        self.options = options
        self.formats = options.date_format or []
        self._blocks = blocks
        self._other_columns = other_columns
        self._column = column
        self._counts = counts
        self._strict = strict
        self._dates: DateJudgement | None = None
        self._numbers: NumberJudgement | None = None
        self.number_evidence = NumberEvidence()

    def dates(self, values: pd.Series[Any]) -> DateJudgement:
        if self._dates is None:
            parts = (date_evidence(text_array(block), block.index.to_numpy()) for block in self._all(values))
            evidence: Evidence = reduce(merged, parts, {})
            self._dates = judge_dates(evidence, self.formats, self._other_dates, strict=self._strict)
        return self._dates

    def numbers(self, values: pd.Series[Any]) -> NumberJudgement:
        if self._numbers is None:
            parts = (number_evidence(text_array(block), block.index.to_numpy()) for block in self._all(values))
            self.number_evidence = reduce(NumberEvidence.plus, parts, NumberEvidence())
            decimal, separator = self.options.decimal, self.options.separator
            self._numbers = judge_numbers(self.number_evidence, decimal, separator, self._other_numbers, counts=self._counts)
        return self._numbers

    def _other_dates(self) -> Mapping[str, Evidence]:
        return self._other_columns.dates(self._column) if self._other_columns else {}

    def _other_numbers(self) -> Mapping[str, NumberEvidence]:
        return self._other_columns.numbers(self._column) if self._other_columns else {}

    def _all(self, values: pd.Series[Any]) -> Iterable[pd.Series[Any]]:
        return self._blocks() if self._blocks else [values]

    @property
    def remarks(self) -> list[Remark]:
        """What there is to say of the column as it was judged."""
        return [*(self._dates.remarks if self._dates else ()), *(self._numbers.remarks if self._numbers else ())]
