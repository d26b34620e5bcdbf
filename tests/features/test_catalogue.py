"""The catalogue: what is seen decides what it holds, and all of it has names, words and a form in JSON."""

from __future__ import annotations

import pytest

from features.catalogue import DataProfile, catalogue
from features.dataset.funnel import Funnel
from features.spec import feature_from_dict
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
