"""What of a score goes to a CRM, and which of them are sent."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.crm.score_fields import FIELDS, digest, select_fields, values_of
from connectors.crm.write_back import CLEARED, plan
from features.common.errors import ConfigError

AT = datetime(2026, 6, 30, tzinfo=UTC)


def row(score: int, **more: Any) -> dict[str, Any]:
    usual = {"score": score, "grade": "A1", "recommended_lead_stage": "mql", "action": "nurture", "p_customer": 0.1234}
    return {**usual, "points": 35.0, "expected_value": 1234.5, "reasons": "webinar (+0.4)", "why": "It is ripe.", **more}


def test_noise_is_no_change() -> None:
    """A chance that moves by a hundredth of a per cent, a value by a euro: nothing to write."""
    one = values_of(row(50, p_customer=0.12341, expected_value=1234.0), "customer", "m", AT)
    two = values_of(row(50, p_customer=0.12339, expected_value=1239.0, reasons="other words"), "customer", "m", AT)
    three = values_of(row(51), "customer", "m", AT)
    assert digest(one) == digest(two) != digest(three)


def test_missing_values_are_empty_not_nan() -> None:
    values = values_of(
        {"score": 3, "expected_value": float("nan"), "grade": None, "points": float("inf"), "reasons": float("nan")},
        "customer",
        "m",
        AT,
    )
    assert (values["expected_value"], values["grade"], values["points"], values["reasons"], values["chance"]) == (
        None,
        None,
        None,
        None,
        None,
    )


def test_the_plan_says_what_and_why() -> None:
    known = {"a": digest({f.key: 1.0 for f in FIELDS}), "b": "x", "c": CLEARED}
    found = plan({"a": dict.fromkeys((f.key for f in FIELDS), 1.0), "d": {}}, known, FIELDS)
    assert ([n for n, _ in found.send], [n for n, _ in found.clear], found.unchanged, found.calls(100)) == (["d"], ["b"], 1, 1)


def test_where_not_all_can_be_written_those_for_sales_come_first() -> None:
    records = {
        n: {"score": s, "action": a} for n, s, a in (("a", 90.0, "nurture"), ("b", 10.0, "hand_over"), ("c", 95.0, "nurture"))
    }
    found = plan(records, {}, FIELDS, limit=2)
    assert ([n for n, _ in found.send], found.postponed) == (["b", "c"], 1)


def test_an_unknown_score_field_is_named() -> None:
    with pytest.raises(ConfigError, match="no score field 'gradee': did you mean 'grade'"):
        select_fields(["score", "gradee"])
    assert [f.key for f in select_fields(["score"])] == ["score", "scored_at", "model"]


def test_the_shipped_metadata_of_salesforce_has_every_field() -> None:
    """One file a field and object, of the type that write-back expects, and a permission set that may write them and read what
    an import asks for."""
    from xml.etree import ElementTree

    from connectors.salesforce.settings import COMPANIES, LEADS
    from connectors.salesforce.writer import METADATA, SalesforceWriter

    space = "{http://soap.sforce.com/2006/04/metadata}"
    types = {"number": "Number", "text": "Text", "long": "LongTextArea", "time": "DateTime"}
    allowed = ElementTree.parse(METADATA / "main/default/permissionsets/Ripeline.permissionset-meta.xml")  # noqa: S314  ours
    given = allowed.iter(f"{space}fieldPermissions")
    rights = {one.findtext(f"{space}field"): one.findtext(f"{space}editable") for one in given}
    name = SalesforceWriter(None, None, "ripeline").field  # type: ignore[arg-type]
    for kind in ("Lead", "Contact"):
        for field in FIELDS:
            file = METADATA / f"main/default/objects/{kind}/fields/{name(field.key)}.field-meta.xml"
            assert ElementTree.parse(file).findtext(f"{space}type") == types[field.kind]  # noqa: S314  ours
            assert rights[f"{kind}.{name(field.key)}"] == "true"
    asked = {"Address" if f == "Country" else f for f in [*LEADS.values(), *COMPANIES.values(), "Email", "HasOptedOutOfEmail"]}
    assert {f"Lead.{f}" for f in asked} <= {f for f, right in rights.items() if right == "false"}
