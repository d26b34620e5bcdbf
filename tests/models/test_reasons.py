"""Reasons are worded in one place: one by one, line by line of a batch, and from contributions alone they say the same."""

from __future__ import annotations

import numpy as np
import pytest

from features.common.words import Language
from models.reasons import ReasonWords, chance_words, seen_value
from models.score import numbers
from tests.models.looks import seen
from tests.tiny import tiny_model

LANGUAGES: tuple[Language, ...] = ("en", "de")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_line_of_a_batch_is_the_reasons_of_each_lead(language: Language) -> None:
    model = tiny_model()
    scored, words = numbers(model, seen(model, 40), 5), ReasonWords(model, language)
    lines = words.lines(scored, 3)
    for i, line in enumerate(lines):
        moved = scored.speaker[i].tolist(), scored.effect[i].tolist(), scored.chance_effect[i].tolist()
        reasons = words.reasons(scored.x[i], *moved, 5)
        assert line == "; ".join(reason.words(language) for reason in reasons[:3])
        assert [abs(r.effect) for r in reasons] == sorted((abs(r.effect) for r in reasons), reverse=True)
        assert len(reasons) == 5
        by_contributions = words.strongest(scored.x[i], scored.contributions[i], 5)
        assert [r[:5] for r in by_contributions] == [r[:5] for r in reasons]
        assert all(reason.text and "issing" not in reason.text for reason in reasons)


def test_what_a_reason_does_to_the_chance_is_exact() -> None:
    """The chance of the next lead stage without what it adds to the log-odds, through the same calibrator."""
    model = tiny_model()
    leads = seen(model, 30)
    scored = numbers(model, leads, 4)
    for i, stage in enumerate(leads.stage.tolist()):
        transition = model.transitions[stage]
        total = scored.row[i, model.packed.places["total"]]
        with_it, *without = transition.calibrator.probability(np.array([total, *(total - scored.effect[i])]))
        assert scored.chance_effect[i] == pytest.approx([with_it - chance for chance in without], abs=1e-12)


def test_more_reasons_than_there_are_groups() -> None:
    model = tiny_model()
    scored, words = numbers(model, seen(model, 3), 50), ReasonWords(model, "en")
    moved = scored.speaker[0].tolist(), scored.effect[0].tolist(), scored.chance_effect[0].tolist()
    assert len(words.reasons(scored.x[0], *moved, 50)) <= model.packed.count


@pytest.mark.parametrize(("value", "seen_as"), [(8.125169754, 8.1252), (-0.00001, 0.0), (float("nan"), None)])
def test_a_value_is_told_to_four_digits(value: float, seen_as: float | None) -> None:
    assert seen_value(value) == seen_as


def test_an_effect_keeps_its_sign_and_what_it_tells() -> None:
    assert chance_words([0.125, -0.001, 0.00002, 0.0], "en") == ["+12.5", "-0.1", "+0.002", "+0.000"]
    assert chance_words([-0.2], "de") == ["-20,0"]
    assert chance_words([], "de") == []
