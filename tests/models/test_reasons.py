"""Reasons are worded in one place: one by one, line by line of a batch, and from contributions alone they say the same."""

from __future__ import annotations

import pytest

from features.common.words import Language
from models.reasons import ReasonWords, effect_words, seen_value, subject_words
from models.score import numbers
from tests.models.looks import seen
from tests.tiny import tiny_model

LANGUAGES: tuple[Language, ...] = ("en", "de")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_line_of_a_batch_is_the_reasons_of_each_lead(language: Language) -> None:
    model = tiny_model()
    found, words = numbers(model, seen(model, 40), 5), ReasonWords(model, language)
    lines = words.lines(found, 3)
    for i, line in enumerate(lines):
        reasons = words.reasons(found.x[i], found.speaker[i].tolist(), found.effect[i].tolist())
        assert line == "; ".join(reason.words(language) for reason in reasons[:3])
        assert [abs(r.effect) for r in reasons] == sorted((abs(r.effect) for r in reasons), reverse=True)
        assert words.strongest(found.x[i], found.contributions[i], 5) == reasons
        assert all(reason.label for reason in reasons)


@pytest.mark.parametrize(
    ("value", "english", "german"),
    [
        (8.125169754, "x = 8.1252", "x = 8,1252"),
        (0.0, "x = 0", "x = 0"),
        (-0.00001, "x = 0", "x = 0"),
        (999_999.7, "x = 1000000", "x = 1000000"),
        (12_500_000.0, "x = 12500000", "x = 12500000"),
        (1234.56789, "x = 1234.57", "x = 1234,57"),
        (float("nan"), "x", "x"),
    ],
)
def test_a_value_is_written_in_one_way(value: float, english: str, german: str) -> None:
    assert (subject_words("x", seen_value(value), "en"), subject_words("x", seen_value(value), "de")) == (english, german)


def test_an_effect_keeps_its_sign() -> None:
    assert effect_words([0.125, -0.001, 0.0], "en") == ["+0.12", "-0.00", "+0.00"]
    assert effect_words([], "de") == []
