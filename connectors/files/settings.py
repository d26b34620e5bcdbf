"""The mapping from files to the tables of a dataset, as it stands in the YAML under `source:`."""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, Literal, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BeforeValidator, Field, field_validator, model_validator

from connectors.common.source import SourceSettings
from features.common.errors import nearest
from features.common.settings import Settings
from features.dataset.tables import TABLES

Scalar = bool | int | float | str  # YAML reads an unquoted 1 as a number and yes as true
NULL = (
    *("", "NULL", "null", "(null)", "<null>", "NaN", "nan", "<NA>", "N/A", "n/a", "#N/A", "#NV"),
    *(
        "\\N",
        "#REF!",
        "#VALUE!",
        "#WERT!",
        "#DIV/0!",
        "#NAME?",
        "#NULL!",
        "#NUM!",
        "#ZAHL!",
        "#BEZUG!",
    ),  # dumps, failed formulas
)
ValueMap = dict[Scalar, Scalar | None]  # their value → ours
T = TypeVar("T")


def _as_list(value: Any) -> Any:
    return value if value is None or isinstance(value, list | tuple) else [value]


ValueOrList = Annotated[list[T], BeforeValidator(_as_list)]  # one may be written without the dash


class FileOptions(Settings):
    """How a file is written. Given under `source` for all files, and again at a file that differs."""

    separator: Annotated[str, Field(min_length=1, max_length=1)] | None = None  # found out when not given
    escape: Annotated[str, Field(min_length=1, max_length=1)] | None = None  # before a quotation mark in a value
    header: Annotated[int, Field(ge=1)] | None = None  # the line that names the columns, found out when not given
    encoding: str | None = None  # utf-8
    decimal: Literal[".", ","] | None = None  # found out when not given
    timezone: str | None = None  # of times that carry none; UTC
    date_format: ValueOrList[str] | None = None  # tried before ISO 8601
    null: ValueOrList[Scalar] | None = None
    footer: bool | None = None  # rows with a single field are left out wherever they stand, not only below the table

    @model_validator(mode="before")
    @classmethod
    def _yaml_null(cls, raw_options: Any) -> Any:
        """YAML reads the bare key null as None."""
        return (
            {("null" if k is None else k): v for k, v in raw_options.items()}
            if isinstance(raw_options, Mapping)
            else raw_options
        )

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, name: str | None) -> str | None:
        try:
            return name and codecs.lookup(name).name
        except LookupError as error:
            encodings = ["utf-8", "utf-16", "latin-1", "cp1252", "cp1250", "mac-roman", "iso-8859-15"]
            raise ValueError(f"there is no such encoding; {nearest(str(name), encodings)}") from error

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, name: str | None) -> str | None:
        try:
            return name and ZoneInfo(name).key
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError("there is no such time zone; write it like Europe/Berlin, America/New_York or UTC") from error


class TableFile(FileOptions):
    """A file and how its columns become those of a table.

    `columns`: column of the table ← column of the file; one that has the same name in both need not be written. `constants`:
    the same value in every row. `values`: per column of the table, their value → ours; `"*"` stands for all others and
    null drops the value (and, in a column every row must have, the row). `only`, `skip`: rows by the values of a file's column.
    """

    file: str
    columns: dict[str, str] = Field(default_factory=dict)
    constants: dict[str, Scalar] = Field(default_factory=dict)
    values: dict[str, ValueMap] = Field(default_factory=dict)
    null_in: dict[str, ValueOrList[Scalar]] = Field(default_factory=dict)
    only: dict[str, ValueOrList[Scalar]] = Field(default_factory=dict)
    skip: dict[str, ValueOrList[Scalar]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _no_duplicates(self) -> TableFile:
        duplicates = sorted(set(self.columns) & set(self.constants))
        if duplicates:
            raise ValueError(f"{duplicates[0]!r} has both a column and a constant; keep one of them")
        return self


class FixedFile(TableFile):
    """A file of a table that takes no custom columns."""

    table: ClassVar[str]

    @model_validator(mode="after")
    def _targets(self) -> FixedFile:
        known_columns = TABLES[self.table].names
        for name in sorted({*self.columns, *self.constants, *self.values}):
            if name not in known_columns:
                raise ValueError(f"{self.table!r} has no column {name!r}: {nearest(name, known_columns)}")
        return self


class InteractionsFile(FixedFile):
    """A file of interactions: one row each."""

    table: ClassVar[str] = "interactions"


class LeadStagesFile(FixedFile):
    """A file of lead stages: one row each time one is reached, or (`dates`) one row a lead and a date column a lead stage."""

    table: ClassVar[str] = "lead_stages"
    dates: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_shape(self) -> LeadStagesFile:
        conflicts = {"lead_stage", "at"} & {*self.columns, *self.constants}
        if self.dates and conflicts:
            raise ValueError(f"either 'dates' (a date column a lead stage) or {sorted(conflicts)[0]!r}, not both")
        return self


class DealsFile(FixedFile):
    """A file of deals. Without a `status` it follows the lead: won when it became a customer, lost when it left, else open."""

    table: ClassVar[str] = "deals"


class Outcome(Settings):
    """The yes/no column of a flat file.

    `yes`, `no`: its values (without `no`, every other one that is not blank is a no); blank means still open. `lead_stage`
    is what a yes reached (the last one of the funnel), `exit` how a no left (the first exit); `at` the column of the day.
    """

    column: str
    yes: ValueOrList[Scalar]
    no: ValueOrList[Scalar] | None = None
    lead_stage: str | None = None
    exit: str | None = None
    at: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _yaml_yes(cls, raw_outcome: Any) -> Any:
        """YAML reads the bare keys yes and no as true and false."""
        words = {True: "yes", False: "no"}
        if not isinstance(raw_outcome, Mapping):
            return raw_outcome
        return {(words[key] if isinstance(key, bool) else key): value for key, value in raw_outcome.items()}


class JoinedFile(FileOptions):
    """A file whose columns are added to those of another, row by row by a key.

    `on`: the column of both files that holds it, or `{column of the first file: column of this one}`; a column of the table
    that the first file feeds may stand for its column. `keep`, `exclude`: which columns are added; `only`, `skip`: which rows
    are looked at; `values`: per column of this file, their value → ours. `repeated`: which row counts when a key has several
    (`error`: none); of each column its first or last filled value.
    """

    file: str
    on: str | Annotated[dict[str, str], Field(min_length=1, max_length=1)]
    keep: Literal["all"] | list[str] = "all"
    exclude: ValueOrList[str] = Field(default_factory=list)
    values: dict[str, ValueMap] = Field(default_factory=dict)
    null_in: dict[str, ValueOrList[Scalar]] = Field(default_factory=dict)
    only: dict[str, ValueOrList[Scalar]] = Field(default_factory=dict)
    skip: dict[str, ValueOrList[Scalar]] = Field(default_factory=dict)
    repeated: Literal["error", "first", "last"] = "error"

    @model_validator(mode="before")
    @classmethod
    def _yaml_on(cls, raw_join: Any) -> Any:
        """YAML reads the bare key on as true."""
        if not isinstance(raw_join, Mapping):
            return raw_join
        if "join" in raw_join:
            raise ValueError("a joined file joins no other; list both under the `join:` of the first file")
        return {("on" if k is True else k): v for k, v in raw_join.items()}

    @property
    def keys(self) -> tuple[str, str]:
        """The column of the first file that holds the key, and that of this one."""
        return (self.on, self.on) if isinstance(self.on, str) else next(iter(self.on.items()))


class AttributesFile(TableFile):
    """A file of leads or companies, whose further columns are custom attributes under their own name.

    `keep`: "all" (but personal ones) or a list of them; `exclude`: never taken. `repeated`: which row counts when an id
    has several (`error`: none, it is a mistake); of each column its first or last filled value, a blank takes nothing away.
    `join`: files whose columns count as columns of this one; a list under `keep` leaves theirs out but for those that it, or
    their own `keep`, names.
    """

    join: ValueOrList[JoinedFile] = Field(default_factory=list)

    keep: Literal["all"] | list[str] = "all"
    exclude: ValueOrList[str] = Field(default_factory=list)
    repeated: Literal["error", "first", "last"] = "error"


class LeadsFile(AttributesFile):
    """The file of leads. `outcome` makes it a flat file; `order: rows` says the rows are in the order of
    time, `newest_first` in the opposite one."""

    order: Literal["rows", "newest_first"] | None = None
    outcome: Outcome | None = None

    @model_validator(mode="after")
    def _one_time(self) -> LeadsFile:
        if self.order and self.outcome and self.outcome.at:
            raise ValueError(
                f"either the order of rows is the time ('order: {self.order}') or there are dates ('outcome: at:')"
            )
        return self


class FilesSource(FileOptions, SourceSettings):
    """Files of any names and columns → a dataset. `folder` is where they lie; paths may also be whole."""

    kind: Literal["files"] = "files"
    folder: str = "."
    extracted_at: datetime | None = None
    leads: LeadsFile
    companies: AttributesFile | None = None
    interactions: ValueOrList[InteractionsFile] = Field(default_factory=list)
    lead_stages: ValueOrList[LeadStagesFile] = Field(default_factory=list)
    deals: ValueOrList[DealsFile] = Field(default_factory=list)

    @field_validator("extracted_at")
    @classmethod
    def _in_utc(cls, moment: datetime | None) -> datetime | None:
        return moment and (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)

    def options(self, file: FileOptions) -> FileOptions:
        """The options of a file, completed by those given for all, then by the defaults."""
        names = FileOptions.model_fields
        defaults = FileOptions(encoding="utf-8", timezone="UTC", date_format=[], null=list(NULL))
        layers = (file, self, defaults)
        return FileOptions(**{n: next((v for m in layers if (v := getattr(m, n)) is not None), None) for n in names})


def words(value: Scalar) -> tuple[str, ...]:
    """How a value written in YAML may stand in a file.

    >>> words(999), words("Select")
    (('999',), ('Select',))
    >>> "yes" in words(True) and "no" in words(False)
    True
    """
    if isinstance(value, bool):
        return tuple(c for w in (("yes", "true", "on") if value else ("no", "false", "off")) for c in (w, w.title(), w.upper()))
    return (repr(value) if isinstance(value, float) else str(value),)
