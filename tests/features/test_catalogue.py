"""The catalogue: what is seen decides what it holds, and all of it has names, words and a form in JSON."""

from __future__ import annotations

import pytest

from features.catalogue import DataProfile, catalogue
from features.dataset.funnel import Funnel
from features.engine.feature_set import FeatureSet
from features.spec import Count, Decayed, feature_from_dict
from features.turning_away import TurningAway
from tests.features.worlds import SEEN

FULL = catalogue(SEEN, Funnel())


def test_names_are_unique() -> None:
    assert len({f.name for f in FULL}) == len(FULL) > 200


@pytest.mark.parametrize("feature", FULL, ids=lambda f: f.name)
def test_a_feature_speaks_both_languages_and_survives_json(feature) -> None:  # type: ignore[no-untyped-def]
    assert feature.label("en")
    assert feature.label("de")
    assert feature_from_dict(feature.to_dict()) == feature


def test_the_catalogue_grows_with_what_is_seen() -> None:
    bare = catalogue(DataProfile(), Funnel(("lead", "customer"), (), {}))
    assert [f.name for f in bare] == ["age.lead", "age.lead_stage", "created.weekday", "created.hour"]
    assert catalogue(DataProfile(dates=False), Funnel()) == []
    webinar = [f.name for f in catalogue(DataProfile(("webinar",)), Funnel())]
    assert "webinar.count_30d" in webinar
    assert not any(n.startswith(("colleagues", "topic", "inbound")) for n in webinar)


def test_of_turning_away_there_is_only_what_grows_with_it() -> None:
    """No recency, trend, share or sum, which would fall, and no part in groups and rates, whatever the type is called."""
    types = ("page_view", "email_sent", "email_opened", "call_answered", "demo_requested", "unsubscribed", "blog_view")
    away = TurningAway(("call_answered", "email_opened", "unsubscribed"))
    profile = DataProfile(types, types, accounts=True, turning_away=away, away_together=True)
    found = catalogue(profile, Funnel())
    own = [f for f in found if f.name.partition(".")[0] in (*away.types, "turned_away")]
    assert {type(f) for f in own} == {Count, Decayed}
    assert {f.group for f in own} == {*away.types, "turned_away"}
    others = [f for f in found if f not in own]
    of_others = {t for f in others for key in ("what", "of") if hasattr(f, key) for t in getattr(f, key).types}
    assert of_others == set(types) - set(away.types), "they stand in no group, rate or sum"
    assert "email_opened.per_email_sent_90d" not in {f.name for f in found}
    lowering = FeatureSet(tuple(found), (), types, turning_away=away).lowering
    assert [f for f, lowers in zip(found, lowering, strict=True) if lowers] == own


def test_acts_of_turning_away_share_a_group_where_there_are_several() -> None:
    alone = catalogue(DataProfile(("unsubscribed",), turning_away=TurningAway(("unsubscribed",))), Funnel())
    assert not [f for f in alone if f.group == "turned_away"]


def test_what_turns_away_is_saved_with_the_features_and_sets_from_before_are_read_as_they_were() -> None:
    features, types = tuple(FULL), SEEN.types
    known = FeatureSet(features, (), types, turning_away=TurningAway(("unsubscribed",), ("bounce",)))
    before = FeatureSet(features, (), types)
    assert FeatureSet.from_dict(known.to_dict()) == known
    assert FeatureSet.from_dict(before.to_dict()) == before
    assert "turning_away" not in before.to_dict(), "its checksum stays what it was"
    assert known.checksum != before.checksum
