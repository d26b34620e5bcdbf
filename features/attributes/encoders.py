"""Attributes of leads and companies as numbers: an encoder per column, learned from training rows and kept as JSON.

A batch and a single value take the same way: `_number`, `_flag`, `_moment`, `_key` … read one plain value; a batch reads each
distinct value once and spreads the answers. What is already numeric or a time stamp takes a quicker way to the same number.
"""

from __future__ import annotations

import math
import re
import reprlib
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast, get_args

import numpy as np
import numpy.typing as npt

from features.attributes.titles import FUNCTION_LABELS, parse_title
from features.common.errors import ModelError, nearest
from features.common.words import Language

if TYPE_CHECKING:
    import pandas as pd

Entity = Literal["lead", "company"]
AttributeKind = Literal["number", "flag", "category", "date", "seniority", "function", "free_mail"]
Floats = npt.NDArray[np.float64]
Column: TypeAlias = "Sequence[object] | npt.NDArray[Any] | pd.Series[Any]"

RARE, MISSING = "(rare or new)", "(missing)"
DAY_US = 86_400_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)

YES_WORDS = frozenset({"yes", "y", "ja", "j", "true", "t", "wahr", "on", "1", "1.0"})
NO_WORDS = frozenset({"no", "n", "nein", "false", "f", "falsch", "off", "0", "0.0"})
_FLAG_WORDS = dict.fromkeys(YES_WORDS, 1.0) | dict.fromkeys(NO_WORDS, 0.0)

FREE_MAIL = frozenset({
    "gmail.com", "googlemail.com", "gmx.de", "gmx.net", "gmx.at", "gmx.ch", "gmx.com", "web.de", "outlook.com",
    "outlook.de", "hotmail.com", "hotmail.de", "hotmail.co.uk", "live.com", "live.de", "msn.com", "yahoo.com",
    "yahoo.de", "yahoo.co.uk", "yahoo.fr", "ymail.com", "t-online.de", "freenet.de", "arcor.de", "aol.com", "aol.de",
    "icloud.com", "me.com", "mac.com", "mail.com", "mail.de", "email.de", "posteo.de", "mailbox.org", "proton.me",
    "protonmail.com", "pm.me", "tutanota.com", "bluewin.ch", "chello.at", "orange.fr", "free.fr", "laposte.net",
    "wanadoo.fr", "libero.it", "virgilio.it", "mail.ru", "yandex.ru", "yandex.com", "qq.com", "163.com", "126.com",
    "rediffmail.com", "zoho.com", "fastmail.com", "hey.com", "uol.com.br", "bol.com.br", "wp.pl", "o2.pl", "seznam.cz",
    "btinternet.com", "comcast.net", "verizon.net", "att.net", "vodafone.de", "1und1.de",
})  # fmt: skip

_WORDS: dict[str, tuple[str, str]] = {
    "industry": ("industry", "Branche"),
    "employees": ("employees", "Mitarbeitende"),
    "annual_revenue": ("annual revenue", "Jahresumsatz"),
    "country": ("country", "Land"),
    "company.country": ("country of the company", "Land des Unternehmens"),
    "source": ("source", "Quelle"),
    "seniority": ("seniority", "Hierarchieebene"),
    "function": ("function", "Funktionsbereich"),
    "free_mail": ("free mail address", "Freemail-Adresse"),
    RARE: ("rare or new value", "seltener oder neuer Wert"),
    MISSING: ("missing", "keine Angabe"),
    "log": ("order of magnitude", "Größenordnung"),
    "days_before": ("days ago", "Tage her"),
}


_PANDAS_MISSING = frozenset({"NAType", "NaTType"})


def is_missing(value: object) -> bool:
    """None, NaN, NaT, pd.NA and blank text are missing; nothing else is.

    >>> import pandas as pd
    >>> [is_missing(v) for v in (None, float("nan"), pd.NA, pd.NaT, "  ", 0, False, "none")]
    [True, True, True, True, True, False, False, False]
    """
    if value is None:
        return True
    if isinstance(value, str):
        return not value or value.isspace()
    if type(value).__name__ in _PANDAS_MISSING:  # by name: a request never needs pandas
        return True
    if isinstance(value, float | np.floating | Decimal | np.datetime64):
        return bool(value != value)  # noqa: PLR0124  only NaN and NaT differ from themselves
    return False


def _number(value: object) -> float:
    """A plain number or its text as Python's `float` reads it; everything else, and infinity, is NaN."""
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return math.nan
    return number if math.isfinite(number) else math.nan


def _signed_log(number: float) -> float:
    return math.log1p(number) if number >= 0 else -math.log1p(-number)  # NaN takes the second way and stays NaN


def _flag(value: object) -> float:
    if isinstance(value, str):
        return _FLAG_WORDS.get(value.strip().casefold(), math.nan)
    if isinstance(value, bool | np.bool_ | int | float | np.number):
        return 1.0 if value == 1 else 0.0 if value == 0 else math.nan
    return math.nan


def _moment(value: object) -> int | None:
    """UTC microseconds of a date, a datetime (without a zone: UTC) or ISO text of either; None for all else."""
    try:
        if isinstance(value, str):
            value = datetime.fromisoformat(value.strip())
        elif isinstance(value, np.datetime64):
            value = value.astype("datetime64[us]").item()  # None for NaT
        if value is None or type(value).__name__ in _PANDAS_MISSING:
            return None
        if type(value).__name__ == "Timestamp":
            value = cast("pd.Timestamp", value).to_pydatetime(warn=False)
        if isinstance(value, datetime):
            return ((value if value.tzinfo else value.replace(tzinfo=UTC)) - EPOCH) // MICROSECOND
        if isinstance(value, date):
            return (datetime(value.year, value.month, value.day, tzinfo=UTC) - EPOCH) // MICROSECOND
    except (ValueError, OverflowError):
        return None
    return None


def _key(value: object) -> str | None:
    """What a category is matched by: text without case and outer blanks, 3.0 like 3; None when missing."""
    if isinstance(value, str):
        return value.strip().casefold() or None
    if is_missing(value):
        return None
    if isinstance(value, float | np.floating):
        number = float(value)
        return str(int(number)) if number.is_integer() else repr(number)
    return str(value).strip().casefold()


def _function(value: object) -> str | None:
    return parse_title(value).function if isinstance(value, str) else None


def _seniority(value: object) -> float:
    level = parse_title(value).seniority if isinstance(value, str) else None
    return math.nan if level is None else float(level)


def _free_mail(value: object) -> float:
    if not isinstance(value, str) or is_missing(value):
        return math.nan
    return float(value.strip().casefold().rpartition("@")[2] in FREE_MAIL)


_FLOATS: dict[str, Callable[[object], float]] = {
    "number": _number,
    "flag": _flag,
    "seniority": _seniority,
    "free_mail": _free_mail,
}
_KEYS: dict[str, Callable[[object], str | None]] = {"category": _key, "function": _function}

_PROBLEMS = {
    "number": "is not a number",
    "flag": "is neither yes nor no",
    "date": "is not a date such as 2026-03-31",
    "seniority": "is not text",
    "free_mail": "is not text",
}


def distinct(values: Column) -> tuple[npt.NDArray[np.intp], list[object]]:
    """Values (n,) → codes (n,) and the distinct plain values they stand for; the last, None, stands for missing ones.

    True, 1, 1.0 and "1" stay apart; values that cannot be hashed (lists, dicts) each stand alone.
    """
    import pandas as pd

    series = values if isinstance(values, pd.Series) else pd.Series(values, dtype=getattr(values, "dtype", object))  # type: ignore[arg-type]
    if series.dtype != object or pd.api.types.infer_dtype(series, skipna=True) == "string":
        codes, plain_values = pd.factorize(series)
        return np.where(codes < 0, len(plain_values), codes), [*plain_values.tolist(), None]
    code_of: dict[object, int] = {}
    plain: list[object] = []
    slow = np.empty(len(series), dtype=np.intp)
    for row, value in enumerate(series.tolist()):
        key: object = (type(value), value)
        try:
            code = code_of.setdefault(key, len(plain))
        except TypeError:
            code = len(plain)
        if code == len(plain):
            plain.append(value)
        slow[row] = code
    return slow, [*plain, None]


@dataclass(frozen=True)
class AttributeEncoder:
    """One column of leads or companies as numeric columns `names`.

    - number: itself, with `log` also sign × log(1 + |x|); flag, free_mail: 1 or 0; seniority: 0–6; date: days from it to as_of,
      missing when not before as_of. NaN when missing or not of the kind.
    - category, function: one-hot, an indicator per entry of `levels`, one for all rare and unseen values, one for missing.

    Raises
    ------
    ModelError
        for an unknown kind or entity.
    """

    entity: Entity
    column: str
    kind: AttributeKind
    levels: tuple[str, ...] = ()
    log: bool = False

    def __post_init__(self) -> None:
        for name, value, known_values in (
            ("kind", self.kind, get_args(AttributeKind)),
            ("entity", self.entity, get_args(Entity)),
        ):
            if value not in known_values:
                raise ModelError(f"The encoder of {self.column!r} has the {name} {value!r}: {nearest(value, known_values)}")

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The column names of the matrix, computed from the definition."""
        base = f"{self.entity}.{self.column}"
        if self.kind in _KEYS:
            base = f"{base}.function" if self.kind == "function" else base
            level_names = (repr(level) if level in (RARE, MISSING) else level for level in self.levels)
            return tuple(f"{base}={level}" for level in (*level_names, RARE, MISSING))
        if self.kind == "number":
            return (base, f"{base}.log") if self.log else (base,)
        return (f"{base}.days_before" if self.kind == "date" else base if self.kind == "flag" else f"{base}.{self.kind}",)

    @property
    def unit(self) -> str:
        """The unit in English; `unit_in` knows the other languages."""
        return self.unit_in("en")

    def unit_in(self, language: Language) -> str:
        return {"en": "days", "de": "Tage"}[language] if self.kind == "date" else ""

    def labels(self, language: Language = "en") -> tuple[str, ...]:
        """What each of `names` means, in words."""
        german = language == "de"
        word_key = next((k for k in (self.kind, f"{self.entity}.{self.column}", self.column) if k in _WORDS), None)
        word = _WORDS[word_key][german] if word_key else self.column.replace("_", " ").strip()
        word = word[:1].upper() + word[1:]
        if self.kind in _KEYS:
            level_labels = [
                FUNCTION_LABELS[v][language] if self.kind == "function" and v in FUNCTION_LABELS else v for v in self.levels
            ]
            return tuple(f"{word}: {value}" for value in (*level_labels, _WORDS[RARE][german], _WORDS[MISSING][german]))
        if self.kind == "date":
            return (f"{word}: {_WORDS['days_before'][german]}",)
        return (word, f"{word} ({_WORDS['log'][german]})") if self.log else (word,)

    @cached_property
    def _codes(self) -> dict[str | None, int]:
        """Where a key's indicator stands; whatever is not here stands at `len(levels)`."""
        codes: dict[str | None, int] = {_key(level): code for code, level in enumerate(self.levels)}
        return {**codes, None: len(self.levels) + 1}

    def encode(self, values: Column, as_of_us: npt.NDArray[np.int64] | int, out: Floats | None = None) -> Floats:
        """Values (n,), as_of (n,) in UTC microseconds → float64 (n, len(names)), NaN where missing.

        `out`, if given, is filled and returned. Odd values never raise (see `problem`).
        """
        out = np.empty((len(values), len(self.names))) if out is None else out
        if self.kind in _KEYS:
            codes, plain = distinct(values)
            read = _KEYS[self.kind]
            hot = np.array([self._codes.get(read(value), len(self.levels)) for value in plain], dtype=np.intp)
            out[:] = 0.0
            out[np.arange(len(out)), hot[codes]] = 1.0
        elif self.kind == "date":
            out[:, 0] = _days_before(values, np.asarray(as_of_us, dtype=np.int64))
        else:
            out[:, 0] = self._floats(values)
            if self.log:
                # math.log1p as for a single value; nothing promises that np.log1p rounds the same
                out[:, 1] = np.fromiter(map(_signed_log, out[:, 0].tolist()), np.float64, len(out))
        return out

    def _floats(self, values: Column) -> Floats:
        import pandas as pd

        dtype = getattr(values, "dtype", None)
        if self.kind == "number" and dtype is not None and pd.api.types.is_any_real_numeric_dtype(dtype):
            floats = pd.Series(values).to_numpy(dtype=np.float64, na_value=np.nan)
            return np.where(np.isfinite(floats), floats, np.nan)
        codes, plain = distinct(values)
        return np.array([_FLOATS[self.kind](value) for value in plain], dtype=np.float64)[codes]

    def encode_one(self, value: object, as_of_us: int, out: Floats, offset: int) -> None:
        """One plain value → `out[offset : offset + len(names)]`, the very numbers `encode` gives for the same row."""
        if self.kind in _KEYS:
            width = len(self.levels)
            out[offset : offset + width + 2] = 0.0
            out[offset + self._codes.get(_KEYS[self.kind](value), width)] = 1.0
        elif self.kind == "date":
            moment = _moment(value)
            out[offset] = math.nan if moment is None or moment >= as_of_us else float(as_of_us - moment) / DAY_US
        else:
            out[offset] = number = _FLOATS[self.kind](value)
            if self.log:
                out[offset + 1] = _signed_log(number)

    def problem(self, value: object) -> str | None:
        """A sentence of warning when `value` is there but not of this kind; None when it is fine or simply missing.

        >>> AttributeEncoder("company", "employees", "number").problem("many")
        "employees: 'many' is not a number; treated as missing"
        """
        if is_missing(value) or self.kind == "function":
            return None
        if self.kind == "category":
            if isinstance(value, str | bool | int | float | np.generic | Decimal):
                return None
            return f"{self.column}: {reprlib.repr(value)} is not a single value; treated as rare or new"
        if self.kind in ("seniority", "free_mail"):
            fine = isinstance(value, str)
        else:
            fine = _moment(value) is not None if self.kind == "date" else not math.isnan(_FLOATS[self.kind](value))
        return None if fine else f"{self.column}: {reprlib.repr(value)} {_PROBLEMS[self.kind]}; treated as missing"

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; `from_dict` is the way back."""
        base: dict[str, Any] = {"entity": self.entity, "column": self.column, "kind": self.kind}
        return base | ({"levels": list(self.levels)} if self.kind in _KEYS else {}) | ({"log": True} if self.log else {})

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> AttributeEncoder:
        """The way back from `to_dict`.

        Raises
        ------
        ModelError
            for a missing or unknown key or an unknown kind.
        """
        try:
            return cls(**{**saved, "levels": tuple(saved.get("levels", ()))})
        except TypeError as error:
            raise ModelError(
                f"An attribute encoder cannot be read from {dict(saved)!r}: {error}.", "Train the model anew."
            ) from error


def _days_before(values: Column, as_of_us: npt.NDArray[np.int64]) -> Floats:
    import pandas as pd

    dtype = getattr(values, "dtype", None)
    if isinstance(dtype, pd.DatetimeTZDtype) or (isinstance(dtype, np.dtype) and dtype.kind == "M"):
        series: pd.Series[Any] = pd.Series(values)
        series = series.dt.tz_convert("UTC").dt.tz_localize(None) if isinstance(dtype, pd.DatetimeTZDtype) else series
        is_filled = series.notna().to_numpy()
        stamps = series.to_numpy()
        unit = np.datetime_data(stamps.dtype)[0]
        ticks = stamps.view(np.int64)
        moments = ticks // 1000 if unit == "ns" else ticks * {"us": 1, "ms": 1_000, "s": 1_000_000}[unit]
    else:
        codes, plain = distinct(values)
        read = [_moment(value) for value in plain]
        is_filled = np.array([moment is not None for moment in read])[codes]
        moments = np.array([moment or 0 for moment in read], dtype=np.int64)[codes]
    moments = np.where(is_filled, moments, 0)
    return np.where(is_filled & (moments < as_of_us), (as_of_us - moments) / DAY_US, np.nan)


# --- learning ---------------------------------------------------------------------------------------------------------------

_TABLE: dict[Entity, str] = {"lead": "leads", "company": "companies"}
SKIPPED = {"lead": {"lead_id", "company_id", "created_at", "opted_out"}, "company": {"company_id"}}
_KNOWN_CATEGORIES = {"industry", "country", "source"}
_ALWAYS_LOG = {"employees", "annual_revenue"}
_TYPED_SHARE = 0.95  # of the filled rows must read as a number or a date for the column to be one
_ID_TEXT = re.compile(r"[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}|[0-9a-f]{16,}", re.IGNORECASE)
_ID_NAME = re.compile(r"(^|[_\s])(id|nr|no|number|nummer|key|guid|uuid)$", re.IGNORECASE)


@dataclass(frozen=True)
class _ColumnProfile:
    """The filled distinct values of a training column, how many rows have each, and how many rows have none."""

    entity: Entity
    column: str
    plain: list[object]
    counts: npt.NDArray[np.int64]
    missing: int

    @classmethod
    def from_values(cls, entity: Entity, column: str, values: pd.Series[Any]) -> _ColumnProfile:
        codes, plain = distinct(values)
        counts = np.bincount(codes, minlength=len(plain))
        filled = [i for i, value in enumerate(plain) if counts[i] and not is_missing(value)]
        return cls(entity, column, [plain[i] for i in filled], counts[filled], len(values) - int(counts[filled].sum()))

    @property
    def name(self) -> str:
        return f"{self.entity}.{self.column}"

    @property
    def rows(self) -> int:
        return int(self.counts.sum())

    @property
    def spread(self) -> float:
        return len(self.plain) / self.rows

    def failing(self, test: Callable[[object], bool]) -> int:
        """Filled rows whose value fails the test."""
        return int(self.counts[[not test(value) for value in self.plain]].sum())

    def passes(self, test: Callable[[object], bool]) -> bool:
        return self.failing(test) <= (1 - _TYPED_SHARE) * self.rows


def _is_number(value: object) -> bool:
    padded = isinstance(value, str) and re.match(r"\s*0\d", value) is not None  # 01067 is a postcode
    return not padded and not math.isnan(_number(value))


def _is_moment(value: object) -> bool:
    return _moment(value) is not None


def _is_id(profile: _ColumnProfile) -> bool:
    unique = len(profile.plain) == profile.rows
    if all(isinstance(value, str) for value in profile.plain):
        texts = [cast("str", value).strip() for value in profile.plain]
        if profile.spread > 0.5 and profile.passes(lambda value: _ID_TEXT.fullmatch(str(value).strip()) is not None):
            return True
        if not profile.passes(_is_number):
            return unique and len(texts) >= 20 and not any(" " in text for text in texts) and not profile.passes(_is_moment)
    if not unique or len(profile.plain) < 50:
        return False
    numbers = np.array([_number(value) for value in profile.plain])
    if not np.array_equal(numbers, np.floor(numbers)):  # NaN is unequal too
        return False
    return _ID_NAME.search(profile.column) is not None or np.ptp(numbers) < 1.5 * len(numbers)


def _is_free_text(profile: _ColumnProfile) -> bool:
    if len(profile.plain) > 50 and profile.spread > 0.5:
        return True
    texts = [str(value) for value in profile.plain]
    length = np.average([len(text) for text in texts], weights=profile.counts)
    words = np.average([len(text.split()) for text in texts], weights=profile.counts)
    return len(texts) > 20 and length > 40 and words > 3  # twenty long answers or fewer are a questionnaire's


def _kind(profile: _ColumnProfile) -> tuple[AttributeKind | None, str]:
    """The kind of a custom column, or None and why it is of no use; a kind may come with a remark."""
    few_values = len(profile.plain) <= 50  # spellings of one value or of yes and no are never more
    if few_values and {_flag(value) for value in profile.plain} == {0.0, 1.0}:
        return "flag", ""
    if few_values and len({_key(value) for value in profile.plain}) == 1:
        told_by_absence = profile.missing and isinstance(profile.plain[0], str | bool)
        return (
            ("category", "") if told_by_absence else (None, f"the same value in every row ({reprlib.repr(profile.plain[0])})")
        )
    if _is_id(profile):
        return None, "an identifier, every row has its own"
    for kind, test, words in (("number", _is_number, "numbers"), ("date", _is_moment, "dates")):
        if profile.passes(test):
            odd = profile.failing(test)
            return cast(
                "AttributeKind", kind
            ), f"{odd} of {profile.rows} values are no {words} and count as missing" if odd else ""
    if _is_free_text(profile):
        return None, f"free text ({len(profile.plain)} different values in {profile.rows} rows)"
    return "category", ""


def _is_wide(profile: _ColumnProfile) -> bool:
    """Never negative, and the largest over fifty times the median of the rows above zero."""
    numbers = np.repeat([_number(value) for value in profile.plain], profile.counts)
    numbers = numbers[~np.isnan(numbers)]
    positive = numbers[numbers > 0]
    return len(positive) > 0 and len(numbers[numbers < 0]) == 0 and bool(positive.max() > 50 * np.median(positive))


def _levels(profile: _ColumnProfile, kind: AttributeKind, min_level_rows: int, max_levels: int) -> tuple[str, ...]:
    rows: Counter[str] = Counter()
    spellings: dict[str, Counter[str]] = {}
    for value, count in zip(profile.plain, profile.counts.tolist(), strict=True):
        key = _KEYS[kind](value)
        if key is not None:
            rows[key] += count
            spelling = value.strip() if kind == "category" and isinstance(value, str) else key
            spellings.setdefault(key, Counter())[spelling] += count
    frequent = sorted((key for key in rows if rows[key] >= min_level_rows), key=lambda key: (-rows[key], key))
    return tuple(
        min(spellings[key], key=lambda spelling: (-spellings[key][spelling], spelling)) for key in frequent[:max_levels]
    )


def _learn_column(profile: _ColumnProfile, min_level_rows: int, max_levels: int) -> Iterable[AttributeEncoder | str]:
    """Encoders and notes of one column."""
    if not profile.plain:
        from features.dataset.tables import TABLES

        if (
            profile.column not in TABLES[_TABLE[profile.entity]].names
        ):  # a standard column that a source just does not have is no news
            yield f"{profile.name}: empty, not used"
        return
    kinds: list[AttributeKind]
    if profile.column in _KNOWN_CATEGORIES:
        kinds = ["category"]
    elif profile.column == "job_title":
        kinds = ["seniority", "function"]
    elif profile.column == "email_domain":
        kinds = ["free_mail"]
    else:
        kind, remark = _kind(profile)
        kinds = [kind] if kind else []
        if remark:
            yield f"{profile.name}: {remark}{'' if kind else ', not used'}"
    for kind in kinds:
        levels = _levels(profile, kind, min_level_rows, max_levels) if kind in _KEYS else ()
        if kind in _KEYS and not levels:
            noun = "function" if kind == "function" else "value"
            yield f"{profile.name}: no {noun} is found in {min_level_rows} rows, not used"
        else:
            log = kind == "number" and (profile.column in _ALWAYS_LOG or _is_wide(profile))
            yield AttributeEncoder(profile.entity, profile.column, kind, levels, log)


def learn_encoders(
    frames: Mapping[Entity, pd.DataFrame],
    *,
    min_level_rows: int = 20,
    max_levels: int = 40,
    exclude: Collection[str] = (),
) -> tuple[list[AttributeEncoder], list[str]]:
    """Training rows of leads and companies → an encoder for each useful column, and notes on the others.

    Keys, `created_at` and `opted_out` are passed over, and what `exclude` names ("budget" or "lead.budget"). The order of the
    rows makes no difference.

    Parameters
    ----------
    min_level_rows
        rows a value of a category needs for an indicator of its own; all rarer ones share one.
    max_levels
        how many values at most get one, the most frequent first.
    """
    encoders: list[AttributeEncoder] = []
    notes = []
    used_names: set[str] = set()
    for entity, frame in frames.items():
        for column in map(str, frame.columns):
            if column in SKIPPED[entity] or column in exclude or f"{entity}.{column}" in exclude:
                continue
            for result in _learn_column(_ColumnProfile.from_values(entity, column, frame[column]), min_level_rows, max_levels):
                if isinstance(result, str):
                    notes.append(result)
                elif used_names.isdisjoint(result.names):
                    used_names.update(result.names)
                    encoders.append(result)
                else:
                    notes.append(f"{entity}.{column}: its feature {result.names[0]} is already another column's, not used")
    return encoders, notes
