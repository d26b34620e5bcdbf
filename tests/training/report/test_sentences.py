"""The text of the report: what cannot be said is said."""

from __future__ import annotations

import pytest

from training.evaluation.gate import Difference
from training.report import page
from training.report.facts import ReportFacts
from training.report.page import render
from training.report.words import Speaker


def test_what_cannot_be_said_is_said(facts: dict[str, ReportFacts], monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody converted, more capacity than leads, no weeks to look back on, no deals: sentences, not empty charts."""
    from dataclasses import replace

    f = facts["en"]
    with monkeypatch.context() as undrawn:  # the sentences of these two change, their charts do not
        undrawn.setattr(page, "_svg", lambda *_: "")
        nobody = render(replace(f, held_customers=0), Speaker("en"))
        assert nobody.count("Nobody among the held-out leads became a customer") == 2
        assert "call them all, the highest first" in render(replace(f, capacity=100.0), Speaker("en"))
        few = replace(f, results={name: {} for name in f.results})
        assert "Too few held-out leads to say how far probabilities are off" in render(few, Speaker("en"))
    bare = replace(
        f, contacts=None, backtest=None, worth=f.worth.iloc[:0], time_in_stage=f.time_in_stage.iloc[:0], disagreements=[]
    )
    text = render(bare, Speaker("de"))
    assert "Es gibt zu wenige Wochen" in text
    assert "Was ist ein Lead wert?" not in text
    worse = replace(bare, learned_worse=Difference(0.08, 0.02, 0.14))
    assert "Keep the rules: what was learned besides is worse than they are on held-out leads" in render(worse, Speaker("en"))
    undated = replace(bare, cut=None, capacity=5.0, capacity_per_week=20.0)
    assert "no more than 5.0\xa0% of the held-out leads reach it, as many as sales takes" in render(undated, Speaker("en"))
    unknown = replace(undated, capacity_per_week=None, unused_capacity=20.0)
    assert "Ihre Kapazität von 20 Leads je Woche bleibt ungenutzt" in render(unknown, Speaker("de"))
    assert "Sie sind sich bei jedem Lead einig." in text
