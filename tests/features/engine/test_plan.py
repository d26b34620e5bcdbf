"""The plan: an instruction for every kind of feature, and no channel twice."""

from __future__ import annotations

from features.engine.plan import _FORMS, Plan
from features.feature import Feature, InteractionFilter
from features.spec import Count, DaysSince, Share


def test_the_plan_counts_each_channel_once_however_many_features_ask() -> None:
    clicks = InteractionFilter("email_clicked", ("email_clicked",))
    once, often = (
        Plan(features, ("email_clicked",)).tables.integers
        for features in ((Count(clicks, 30.0),), (Count(clicks, 30.0), Share(clicks, clicks, 30.0), DaysSince(clicks)))
    )
    channels = [int(tables[tables[0]]) for tables in (once, often)]
    assert channels == [1, 1]


def test_every_kind_of_feature_has_an_instruction() -> None:
    assert set(_FORMS) == set(Feature.__subclasses__())
