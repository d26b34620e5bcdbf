"""How the customer names a field of lead stages, and its values."""

from __future__ import annotations

import pytest

from connectors.pipedrive.own_stages import landed_stages, stage_names, staged_fields

CODE = "AbC" * 13 + "d"
FIELDS = {"person": [{"field_code": CODE, "field_name": "Lead status"}], "deal": []}


@pytest.mark.parametrize("name", [CODE, "Lead status", "lead_status"])
@pytest.mark.parametrize("value", ["7", "Hot"])
def test_a_field_and_its_values_may_be_named_as_the_screen_or_the_interface_has_them(name: str, value: str) -> None:
    staged = staged_fields(FIELDS, {"person": [name, "inbox"], "deal": ["stage_id"]})
    assert staged == {"person": {CODE: "lead_status"}, "deal": {}}
    assert name in stage_names(FIELDS)
    stages = landed_stages({name: {value: "mql"}, "inbox": {"created": None}}, staged, lambda *_: "Hot")
    assert stages == {"lead_status": {"Hot": "mql"}, "inbox": {"created": None}}
