"""How one value of an attribute is read: a number, a flag, a moment, a category's key."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import numpy as np
import numpy.typing as npt

from features.attributes.date_text import read_date_text
from features.attributes.number_text import read_number_text
from features.attributes.titles import parse_title
from features.dataset.moments import EARLIEST_OF_ATTRIBUTES

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]
Column: TypeAlias = "Sequence[object] | npt.NDArray[Any] | pd.Series[Any]"

DAY_US = 86_400_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
EARLIEST_US = EARLIEST_OF_ATTRIBUTES  # older ones are how software writes "none"
CENTURY_US = 36_525 * DAY_US

# one vocabulary for flags, outcomes and opt-outs, in the languages of CRMs; without case
YES_WORDS = frozenset({
    "yes", "y", "ja", "j", "oui", "si", "sí", "sì", "sim", "tak", "true", "t", "wahr", "vrai", "verdadero", "vero", "prawda",
    "on", "1", "1.0", "1,0", "x", "✓", "✔", "won", "closed won", "closed-won", "closedwon", "closed_won", "closed - won",
    "gewonnen", "gagné", "gagne", "gagnée", "ganado", "ganada", "vinto", "vinta", "ganho", "ganha", "wygrana", "wygrane",
    "converted", "konvertiert",
})  # fmt: skip
NO_WORDS = frozenset({
    "no", "n", "nein", "non", "nee", "não", "nao", "nie", "false", "f", "falsch", "faux", "falso", "fałsz", "off", "0", "0.0",
    "0,0", "lost", "closed lost", "closed-lost", "closedlost", "closed_lost", "closed - lost", "verloren", "perdu", "perdue",
    "perdido", "perdida", "perso", "persa", "przegrana", "przegrane", "not converted", "nicht konvertiert",
})  # fmt: skip
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


def read_number(value: object) -> float:
    """A plain number or its text as Python's `float` reads it; everything else, and infinity, is NaN."""
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return math.nan
    return number if math.isfinite(number) else math.nan


def read_number_as_written(value: object) -> float:
    """As `read_number`, and text that can be read in one way only ("1.234,50 €", "12 %").

    >>> read_number_as_written("1.234,50 €"), read_number_as_written("1.234"), read_number_as_written("1,234")
    (1234.5, 1.234, nan)
    """
    number = read_number(value)
    return read_number_text(value) if isinstance(value, str) and math.isnan(number) else number


def signed_log(number: float) -> float:
    """Sign × log(1 + |x|)."""
    return math.log1p(number) if number >= 0 else -math.log1p(-number)  # NaN takes the second way and stays NaN


def read_flag(value: object) -> float:
    """1 for a yes, 0 for a no in any spelling; NaN where it is missing or neither."""
    if isinstance(value, str):
        return _FLAG_WORDS.get(value.strip().casefold(), math.nan)
    if isinstance(value, bool | np.bool_ | int | float | np.number):
        return 1.0 if value == 1 else 0.0 if value == 0 else math.nan
    return math.nan


def has_opted_out(mark: object) -> bool:
    """Is this a yes, or something that is neither yes nor no? What cannot be read counts as opted out, what is missing not.

    >>> [has_opted_out(mark) for mark in ("ja", "unsubscribed", True, 7, "no", 0, None, " ")]
    [True, True, True, True, False, False, False, False]
    """
    return not is_missing(mark) and read_flag(mark) != 0


def read_moment(value: object) -> int | None:
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


def read_moment_as_written(value: object) -> int | None:
    """As `read_moment`, and text that can be read in one way only ("31.03.2026", "Mar 31, 2026"; not 03/04/2026)."""
    moment = read_moment(value)
    return read_moment(read_date_text(value)) if isinstance(value, str) and moment is None else moment


def read_key(value: object) -> str | None:
    """What a category is matched by: text without case and outer blanks, 3.0 like 3; None when missing."""
    if isinstance(value, str):
        return value.strip().casefold() or None
    if is_missing(value):
        return None
    if isinstance(value, float | np.floating):
        number = float(value)
        return str(int(number)) if number.is_integer() else repr(number)
    return str(value).strip().casefold()


def read_function(value: object) -> str | None:
    """The function that a job title names; None where it is missing."""
    return parse_title(value).function if isinstance(value, str) else None


def read_seniority(value: object) -> float:
    """0 to 6 by job title; NaN where it is missing or no text."""
    level = parse_title(value).seniority if isinstance(value, str) else None
    return math.nan if level is None else float(level)


def read_free_mail(value: object) -> float:
    """1 for a domain of free mail addresses, 0 for others; NaN where it is missing or no text."""
    if not isinstance(value, str) or is_missing(value):
        return math.nan
    return float(value.strip().casefold().rpartition("@")[2] in FREE_MAIL)


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
