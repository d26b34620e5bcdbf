"""The sort of the history index on all its ways, and features as data."""

from __future__ import annotations

import numpy as np
import pytest

from features.catalogue import DataProfile, catalogue
from features.common.errors import ModelError
from features.dataset.funnel import Funnel
from features.engine.index import HistoryIndex, thousandths
from features.engine.plan import _FORMS, Plan
from features.feature import Feature, InteractionFilter
from features.spec import Count, DaysSince, Share, feature_from_dict
from tests.worlds import SEEN

FULL = catalogue(SEEN, Funnel())


@pytest.mark.parametrize("span", [10, 10**12, 2**62])
@pytest.mark.parametrize("leads", [3, 200, 70_000])
@pytest.mark.parametrize("threads", [1, 2, 5])
def test_sorted_by_lead_and_moment_on_every_way(span: int, leads: int, threads: int) -> None:
    """Leads with few rows and with many, more threads than leads, and many rows of one moment, which stay as they are."""
    random = np.random.default_rng(0)
    lead = random.integers(0, leads, 5_000).astype(np.int32)
    at = random.integers(0, span, 5_000)
    lead[::7] = -1  # nobody's
    place = np.arange(len(at), dtype=np.int32)
    index = HistoryIndex.build(leads, lead, at, place, place / 8, place, threads)
    wanted = np.lexsort((at, lead))[(lead < 0).sum() :]
    assert np.array_equal(index.time, at[wanted])
    assert np.array_equal(index.kind, wanted)
    assert np.array_equal(index.value, wanted * 125)
    assert np.array_equal(index.content, wanted)
    assert np.array_equal(np.diff(index.start), np.bincount(lead[lead >= 0], minlength=leads))


def test_sorted_rows_are_left_alone() -> None:
    at = np.array([1, 1, 0])
    assert HistoryIndex.build(2, np.array([0, 0, 1], np.int32), at, np.zeros(3, np.int32)).time is at


def test_rows_of_nobody_are_left_out_though_all_else_is_in_order() -> None:
    index = HistoryIndex.build(
        2, np.array([0, -1, 1], np.int32), np.array([1, 2, 3]), np.array([5, 6, 7], np.int32), np.array([0.5, 1.0, np.nan])
    )
    assert (index.start.tolist(), index.time.tolist(), index.kind.tolist(), index.value.tolist()) == (
        [0, 1, 2],
        [1, 3],
        [5, 7],
        [500, 0],
    )


def test_leads_without_interactions_have_empty_slices() -> None:
    index = HistoryIndex.build(4, np.array([2, 2], np.int32), np.array([5, 3]), np.array([0, 1], np.int32))
    assert index.start.tolist() == [0, 0, 0, 2, 2]
    assert index.time.tolist() == [3, 5]


def test_values_are_whole_thousandths() -> None:
    assert thousandths(np.array([0.1, np.nan, -2.5, 1e300])).tolist() == [100, 0, -2500, 10**15]


def test_names_are_unique() -> None:
    assert len({f.name for f in FULL}) == len(FULL) > 200


@pytest.mark.parametrize("feature", FULL, ids=lambda f: f.name)
def test_a_feature_speaks_both_languages_and_survives_json(feature) -> None:  # type: ignore[no-untyped-def]
    assert feature.label("en")
    assert feature.label("de")
    assert feature_from_dict(feature.to_dict()) == feature


def test_an_unknown_kind_is_refused_with_the_nearest() -> None:
    with pytest.raises(ModelError, match="did you mean 'Count'"):
        feature_from_dict({"feature": "Cuont"})


def test_the_catalogue_grows_with_what_is_seen() -> None:
    bare = catalogue(DataProfile(), Funnel(("lead", "customer"), (), {}))
    assert [f.name for f in bare] == ["age.lead", "age.lead_stage", "created.weekday", "created.hour"]
    assert catalogue(DataProfile(dates=False), Funnel()) == []
    webinar = [f.name for f in catalogue(DataProfile(("webinar",)), Funnel())]
    assert "webinar.count_30d" in webinar
    assert not any(n.startswith(("colleagues", "topic", "inbound")) for n in webinar)


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
