"""Words of counts and spans: what is longer is never told as what is shorter."""

from __future__ import annotations

import numpy as np
import pytest

from features.common.words import LANGUAGES, Language, ago, lasting

SIZES = {"day": 1, "week": 7, "month": 30.4375, "year": 365.25, "tag": 1, "woche": 7, "monat": 30.4375, "jahr": 365.25}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_longer_span_is_never_told_as_a_shorter_one(language: Language) -> None:
    """Eight weeks are not followed by a month, nor 23 months by a year."""
    spans = []
    for days in np.arange(2, 3_000, 0.25):
        number, unit = lasting(float(days), language).split()
        size = next(size for word, size in SIZES.items() if unit.casefold().startswith(word))
        assert int(number) >= 2
        assert int(number) * size <= days < (int(number) + 1) * size
        spans.append(int(number) * size)
    assert spans == sorted(spans)


def test_one_day_is_told_by_the_clock() -> None:
    """Whether something nine hours ago was today or yesterday depends on where one is."""
    assert [ago(days, "de") for days in (0.9, 1.0, 2.0)] == ["vor weniger als einem Tag", "vor einem Tag", "vor 2 Tagen"]
    assert [lasting(days, "en") for days in (0.9, 1.0, 2.0)] == ["less than a day", "a day", "2 days"]
