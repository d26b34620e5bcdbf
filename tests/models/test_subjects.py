"""What was seen of a lead is said as a person would say it, in both languages, and never what is not known."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest

from features.attributes.encoders import AttributeEncoder
from features.catalogue import DataProfile, catalogue
from features.common.words import Language
from features.engine.feature_set import FeatureSet
from models.subjects import Subject, subjects
from tests.tiny import ENCODERS, FUNNEL, TYPES

TITLE = AttributeEncoder("lead", "job_title", "function", ("sales",)), AttributeEncoder("lead", "job_title", "seniority")


def feature_set(encoders: tuple[AttributeEncoder, ...] = (*ENCODERS, AttributeEncoder("lead", "size", "band"))) -> FeatureSet:
    profile = DataProfile((*TYPES, "my_event"), ("product_video",), frozenset(("in", "out")), contents=True, accounts=True)
    return FeatureSet(tuple(catalogue(profile, FUNNEL)), encoders, (*TYPES, "my_event"))


def worded(group: str, language: Language = "en", **values: float) -> str:
    """What is said of a group where these columns have these values, named without their group, and all others are 0."""
    features = feature_set()
    groups = [d.group for d in features.column_descriptions]
    position = list(dict.fromkeys(groups)).index(group)
    x = np.zeros(len(groups) + 1, np.float32)
    for name, value in values.items():
        x[features.names.index(f"{group}.{name}")] = value
    return subjects(features, [*groups, "points"], language)[position].text(x)


@pytest.mark.parametrize(
    ("group", "values", "english", "german"),
    [
        (
            "trial_requested",
            {"count_ever": 1, "count_30d": 1, "days_since_last": 1.4},
            "1 trial request, a day ago",
            "1 Testzugangs-Anfrage, vor einem Tag",
        ),
        (
            "email_opened",
            {"count_ever": 12, "count_30d": 3, "days_since_last": 0.2},
            "3 e-mails opened in the last 30 days, 12 in all, the latest less than a day ago",
            "3 geöffnete E-Mails in den letzten 30 Tagen, insgesamt 12, zuletzt vor weniger als einem Tag",
        ),
        ("form_submitted", {"days_since_last": math.nan}, "no forms submitted", "keine abgesendeten Formulare"),
        (
            "page_view",
            {"count_ever": 1200, "days_since_last": 41},
            "1,200 page views, the latest 5 weeks ago",
            "1.200 Seitenaufrufe, zuletzt vor 5 Wochen",
        ),
        (
            "my_event",
            {"count_ever": 2, "count_30d": 2, "days_since_last": 3},
            "“my event” 2 times, the latest 3 days ago",
            None,
        ),
        (
            "visit",
            {"count_ever": 9, "count_30d": 9, "days_since_last": 8, "gap_mean": 4.2},
            "9 visits, the latest 8 days ago, usually every 4 days",
            "9 Besuche, zuletzt vor 8 Tagen, meist alle 4 Tage",
        ),
        (
            "colleagues",
            {"group_size": 4, "active_30d": 2, "days_since_last": 2.5},
            "2 colleagues active in the last 30 days, the latest 2 days ago",
            "2 aktive Kollegen in den letzten 30 Tagen, zuletzt vor 2 Tagen",
        ),
        (
            "colleagues",
            {"group_size": 1, "days_since_last": math.nan},
            "no other people known at the company",
            "keine weiteren bekannten Personen im Unternehmen",
        ),
    ],
)
def test_what_a_lead_did(group: str, values: dict[str, float], english: str, german: str | None) -> None:
    assert worded(group, "en", **values) == english
    assert german is None or worded(group, "de", **values) == german


def of_attribute(encoders: tuple[AttributeEncoder, ...], value: object, language: Language = "en") -> str:
    features = FeatureSet((), encoders, ())
    groups = [d.group for d in features.column_descriptions]
    x = np.zeros(len(groups) + 1)
    for encoder in encoders:
        encoder.encode_one(value, 10**15, x, features.names.index(encoder.names[0]))
    return subjects(features, [*groups, "points"], language)[0].text(x)


@pytest.mark.parametrize(
    ("encoder", "value", "english", "german"),
    [
        (
            AttributeEncoder("lead", "source", "category", ("paid_search",)),
            "paid_search",
            "Source: paid search",
            "Quelle: paid search",
        ),
        (
            AttributeEncoder("lead", "source", "category", ("ads",)),
            "fair",
            "Source: rare or new value",
            "Quelle: seltener oder neuer Wert",
        ),
        (AttributeEncoder("company", "employees", "number", log=True), 1250, "Employees: 1,250", "Mitarbeitende: 1.250"),
        (AttributeEncoder("lead", "price_paid", "number"), 9.5, "Price paid: 9.5", "Price paid: 9,5"),
        (AttributeEncoder("lead", "vip", "flag"), False, "Vip: no", "Vip: nein"),
        (AttributeEncoder("lead", "size", "band"), "51-200", "Size: around 125.5", None),
        (AttributeEncoder("lead", "email_domain", "free_mail"), "gmail.com", "writes from a free mail address", None),
        (AttributeEncoder("lead", "since", "date"), "2001-09-04", "Since: 5 days ago", "Since: vor 5 Tagen"),
    ],
)
def test_what_a_lead_is(encoder: AttributeEncoder, value: object, english: str, german: str | None) -> None:
    text = of_attribute((encoder,), value)
    assert text == english or encoder.kind == "band"
    assert german is None or of_attribute((encoder,), value, "de") == german
    assert of_attribute((encoder,), None) == ""  # what is not known is not said


def test_a_title_says_what_and_how_high() -> None:
    assert of_attribute(TITLE, "Head of Sales") == "Function: sales, Seniority: head or director"


@pytest.mark.parametrize("language", ["en", "de"])
def test_many_leads_are_worded_as_each_of_them(language: Language) -> None:
    """Whatever stands in the columns, gaps too; nothing is written with an exponent, as a number of floats or as nan."""
    features = feature_set()
    groups = [*(d.group for d in features.column_descriptions), "points"]
    rng = np.random.default_rng(3)
    x = (rng.gamma(0.4, 30, (200, len(groups))) * (rng.random((200, len(groups))) < 0.7)).astype(np.float32)
    x[rng.random(x.shape) < 0.1] = np.nan
    for subject in subjects(features, groups, language):
        assert isinstance(subject, Subject)
        texts = subject.texts(x)
        assert texts == [subject.text(row) for row in x]
        assert not any(re.search(r"nan|\d[eE][-+]?\d|\.\d{4}", text) for text in texts)
