"""Errors that name the thing, the value received and the remedy.

Few classes, each with the HTTP status a server answers with, so that code below the server raises and never builds a response.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from features.common.persons.texts import without_mail


class RipelineError(Exception):
    """Something the user can put right.

    The message is one or two sentences: what is wrong with which value, then what to do about it. E-mail addresses in it are
    masked: it is logged, and shown to others.
    """

    status = 500

    def __init__(self, fact: str, hint: str = "") -> None:
        self.fact = without_mail(fact)
        self.hint = without_mail(hint)
        super().__init__(f"{self.fact}\n  → {self.hint}" if hint else self.fact)


class ConfigError(RipelineError):
    """The configuration, a mapping or a rules file is wrong."""

    status = 400


class DataError(RipelineError):
    """A data file or a dataset is wrong."""

    status = 422


class RowError(DataError):
    """Rows of a column that cannot be read: `sentence` tells of so many `rows` by the first of them.

    A table that is read block by block gives one of each block; together they say what all of it at once would.
    """

    def __init__(self, sentence: Callable[[int], str], hint: str, rows: int) -> None:
        self.sentence = sentence
        self.rows = rows
        super().__init__(sentence(rows), hint)

    def plus(self, later: RowError) -> RowError:
        """The same of the rows of both."""
        return RowError(self.sentence, self.hint, self.rows + later.rows)


class RowErrors:
    """What cannot be read in the blocks of a table: of each column (by its place) what its first bad row says of all."""

    def __init__(self) -> None:
        self._errors: dict[int, RowError] = {}

    def __bool__(self) -> bool:
        return bool(self._errors)

    @contextmanager
    def column(self, number: int) -> Iterator[None]:
        """Goes on after a `RowError` of the column, which is kept."""
        try:
            yield
        except RowError as error:
            earlier = self._errors.get(number)
            self._errors[number] = earlier.plus(error) if earlier else error

    def check(self) -> None:
        """Raise that of the first column that has one."""
        if self._errors:
            raise self._errors[min(self._errors)]


class ModelError(RipelineError):
    """A model folder is missing, damaged or made for other features."""

    status = 503


class RequestError(RipelineError):
    """A request is wrong."""

    status = 422


class CrmError(RipelineError):
    """A CRM cannot be read from or written to."""

    status = 502


def nearest(name: str, known_names: Iterable[object]) -> str:
    """Say which known name is meant: the nearest one, or all of them when none is near.

    >>> nearest("horizon", ["horizons", "stages"])
    "did you mean 'horizons'?"
    >>> nearest("xyz", ["horizons", "stages"])
    "known are: 'horizons', 'stages'"
    """
    names = sorted({str(k) for k in known_names})
    close = difflib.get_close_matches(str(name), names, n=1, cutoff=0.6)
    if close:
        return f"did you mean {close[0]!r}?"
    if not names:
        return "none is known here"
    listed = ", ".join(repr(n) for n in names[:20])
    return f"known are: {listed}" + (f" and {len(names) - 20} more" if len(names) > 20 else "")
