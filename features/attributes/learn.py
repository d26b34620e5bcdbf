"""Learning the encoders: what kind each column of the training rows is, its levels, and what is left out with the reason."""

from __future__ import annotations

import math
import re
import reprlib
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt

from features.attributes.bands import have_an_order, is_range, read_band
from features.attributes.dates import DateColumn, judge_dates
from features.attributes.encoders import KEY_READERS, AttributeEncoder, AttributeKind, Entity
from features.attributes.values import (
    distinct,
    is_missing,
    read_flag,
    read_key,
    read_moment,
    read_number,
)
from features.common.clock import Moments, microseconds

if TYPE_CHECKING:
    import pandas as pd

_TABLE: dict[Entity, str] = {"lead": "leads", "company": "companies"}
SKIPPED = {"lead": {"lead_id", "company_id", "created_at", "opted_out"}, "company": {"company_id"}}
_KNOWN_CATEGORIES = {"industry", "country", "source"}
_ALWAYS_LOG = {"employees", "annual_revenue"}
_FEWEST_BANDS = 3  # of two levels the order says nothing that they do not say themselves
_SHARED, _MANY = 0.05, 10  # of the rows of a category, of so many values, share one indicator: its levels are told apart
_LEAST_LEVEL = 5  # rows of a level that is told apart from others without an indicator: fewer say nothing, and might be a name
_REPEATED = 0.25  # of the rows have values of so many rows: values that repeat are levels, however many there are
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
    return not padded and not math.isnan(read_number(value))


def _is_moment(value: object) -> bool:
    return read_moment(value) is not None


def _is_id(profile: _ColumnProfile) -> bool:
    unique = len(profile.plain) == profile.rows
    if all(isinstance(value, str) for value in profile.plain):
        if profile.spread > 0.5 and profile.passes(lambda value: _ID_TEXT.fullmatch(str(value).strip()) is not None):
            return True
        if not profile.passes(_is_number):
            return unique and _is_code(profile)
    if not unique or len(profile.plain) < 50:
        return False
    numbers = np.array([read_number(value) for value in profile.plain])
    if not np.array_equal(numbers, np.floor(numbers)):  # NaN is unequal too
        return False
    return _ID_NAME.search(profile.column) is not None or np.ptp(numbers) < 1.5 * len(numbers)


def _is_code(profile: _ColumnProfile) -> bool:
    """Texts of one word each, twenty of them at least, that are no moments."""
    one_word = not any(" " in str(value).strip() for value in profile.plain)
    return len(profile.plain) >= 20 and one_word and not profile.passes(_is_moment)


def _is_free_text(profile: _ColumnProfile) -> bool:
    if profile.counts[profile.counts >= _LEAST_LEVEL].sum() >= _REPEATED * profile.rows:
        return False
    if len(profile.plain) > 50 and profile.spread > 0.5:
        return True
    texts = [str(value) for value in profile.plain]
    length = np.average([len(text) for text in texts], weights=profile.counts)
    words = np.average([len(text.split()) for text in texts], weights=profile.counts)
    return len(texts) > 20 and length > 40 and words > 3  # twenty long answers or fewer are a questionnaire's


def _kind(profile: _ColumnProfile) -> tuple[AttributeKind | None, str]:
    """The kind of a custom column, or None and why it is of no use; a kind may come with a remark."""
    few_values = len(profile.plain) <= 50  # spellings of one value or of yes and no are never more
    if few_values and {read_flag(value) for value in profile.plain} == {0.0, 1.0}:
        return "flag", ""
    if few_values and len({read_key(value) for value in profile.plain}) == 1:
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


def _kinds(profile: _ColumnProfile) -> tuple[tuple[AttributeKind, ...], str]:
    """The kinds of a column, those of a standard one being known, and a remark; none where it is of no use."""
    if profile.column in _KNOWN_CATEGORIES:
        return ("category",), ""
    if profile.column == "job_title":
        return ("seniority", "function"), ""
    if profile.column == "email_domain":
        return ("free_mail",), ""
    kind, remark = _kind(profile)
    if kind == "category" and _is_band(profile):
        return ("category", "band"), remark
    return (kind,) if kind else (), remark


def _is_band(profile: _ColumnProfile) -> bool:
    """Ranges of numbers of one thing, with a plain number or two among them: levels in an order."""
    ranges = sum(map(is_range, profile.plain))
    many = ranges >= _FEWEST_BANDS and 2 * ranges >= len(profile.plain) and profile.passes(_is_read_as_band)
    return many and have_an_order(filter(_is_read_as_band, profile.plain))


def _is_read_as_band(value: object) -> bool:
    return not math.isnan(read_band(value))


def _is_wide(profile: _ColumnProfile) -> bool:
    """Never negative, and the largest over fifty times the median of the rows above zero."""
    numbers = np.repeat([read_number(value) for value in profile.plain], profile.counts)
    numbers = numbers[~np.isnan(numbers)]
    positive = numbers[numbers > 0]
    return len(positive) > 0 and len(numbers[numbers < 0]) == 0 and bool(positive.max() > 50 * np.median(positive))


def _levels(profile: _ColumnProfile, kind: AttributeKind, min_level_rows: int, max_levels: int) -> tuple[str, ...]:
    rows: Counter[str] = Counter()
    spellings: dict[str, Counter[str]] = {}
    for value, count in zip(profile.plain, profile.counts.tolist(), strict=True):
        key = KEY_READERS[kind](value)
        if key is not None:
            rows[key] += count
            spelling = value.strip() if kind == "category" and isinstance(value, str) else key
            spellings.setdefault(key, Counter())[spelling] += count
    frequent = sorted((key for key in rows if rows[key] >= min_level_rows), key=lambda key: (-rows[key], key))
    return tuple(
        min(spellings[key], key=lambda spelling: (-spellings[key][spelling], spelling)) for key in frequent[:max_levels]
    )


def _learn_column(
    profile: _ColumnProfile, min_level_rows: int, max_levels: int, targets: tuple[str, ...], dates: Callable[[], DateColumn]
) -> Iterable[AttributeEncoder | str]:
    """Encoders and notes of one column; `dates` judges it where it holds dates."""
    if not profile.plain:
        from features.dataset.tables import TABLES

        if (
            profile.column not in TABLES[_TABLE[profile.entity]].names
        ):  # a standard column that a source just does not have is no news
            yield f"{profile.name}: empty, not used"
        return
    kinds, remark = _kinds(profile)
    if remark:
        yield f"{profile.name}: {remark}{'' if kinds else ', not used'}"
    for kind in kinds:
        levels = _levels(profile, kind, min_level_rows, max_levels) if kind in KEY_READERS else ()
        if kind in KEY_READERS and not levels:
            noun = "function" if kind == "function" else "value"
            yield f"{profile.name}: no {noun} is found in {min_level_rows} rows, not used"
        else:
            log = kind == "number" and (profile.column in _ALWAYS_LOG or _is_wide(profile))
            judged = dates() if kind == "date" else DateColumn(False, ())
            yield from judged.notes
            yield AttributeEncoder(profile.entity, profile.column, kind, levels, log, judged.century)
            if kind == "category":
                yield from _level(profile, levels, targets)


def _level(profile: _ColumnProfile, levels: tuple[str, ...], targets: tuple[str, ...]) -> Iterable[AttributeEncoder | str]:
    """An encoder that tells levels apart where a good part of the rows share the indicator of rare values, and a sentence."""
    own = {read_key(level) for level in levels}
    keys = [read_key(value) for value in profile.plain]
    rare_rows = int(profile.counts[[key not in own for key in keys]].sum())
    if rare_rows >= _SHARED * profile.rows and len(set(keys) - own) >= _MANY:
        every = _levels(profile, "category", _LEAST_LEVEL, len(keys))
        yield (
            f"{profile.name}: {len(levels)} of {len(set(keys)):,} values have a column of their own, the others share one: "
            f"{rare_rows:,} of {profile.rows:,} rows"
            + (f"; of {len(every):,} values it is learned how earlier leads with them did" if targets else "")
        )
        if targets:
            yield AttributeEncoder(profile.entity, profile.column, "level", every, targets=targets)


def _first_created(entity: Entity, frames: Mapping[Entity, pd.DataFrame]) -> Moments | None:
    """When the lead of each row was created, or the first one of a company (rows,); `NO_MOMENT` where there is none, None where
    nobody knows. A column of companies that is called created_at is one of theirs."""
    leads = frames.get("lead")
    if leads is None or "created_at" not in leads:
        return None
    if entity == "lead":
        return microseconds(leads["created_at"])
    if "company_id" not in leads:
        return None
    first_created = leads.groupby("company_id", observed=True)["created_at"].min()
    return microseconds(first_created.reindex(frames[entity]["company_id"]).reset_index(drop=True))


def learn_encoders(
    frames: Mapping[Entity, pd.DataFrame],
    *,
    min_level_rows: int = 20,
    max_levels: int = 40,
    targets: tuple[str, ...] = (),
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
    targets
        lead stages to be reached: where many rows have values without an indicator, a column for each of them says which value
        it is (kind "level").
    """
    encoders: list[AttributeEncoder] = []
    notes = []
    used_names: set[str] = set()
    for entity, frame in frames.items():
        created = _first_created(entity, frames)
        for column in map(str, frame.columns):
            if column in SKIPPED[entity] or column in exclude or f"{entity}.{column}" in exclude:
                continue
            profile = _ColumnProfile.from_values(entity, column, frame[column])
            dates = partial(judge_dates, profile.name, frame[column], created)
            for result in _learn_column(profile, min_level_rows, max_levels, targets, dates):
                if isinstance(result, str):
                    notes.append(result)
                elif used_names.isdisjoint(result.names):
                    used_names.update(result.names)
                    encoders.append(result)
                else:
                    notes.append(f"{entity}.{column}: its feature {result.names[0]} is already another column's, not used")
    return encoders, notes
