"""What we ask and what the stand-ins answer is what the vendors describe, where their descriptions are at hand."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.connectors.crm.crms import CRMS, site
from tests.connectors.crm.described import Described
from tests.connectors.crm.world import World
from tests.connectors.crm.writing import scored, written

SPECS = Path(__file__).resolve().parents[4] / "shared" / "specs"
FILES = {
    "marketo": ("marketo/swagger-mapi.json", ""),
    "salesforce": ("salesforce/oas-v59-subset-plus-query-composite-bulk.json", "/services/data/v67.0"),
}
# reads sent as a form with _method=GET, which Marketo allows for every lookup and describes for none; tokens; and field lists
# that the description has as a list of its own
APART = {"marketo": ("/identity/oauth/token",), "salesforce": ("/services/oauth2/token",)}

# where a description contradicts the vendor's own examples: attributes of activities are text there
WRONG = {"marketo": (r"leadchanges.* attributes|result/\d+/attributes/\d+/value",), "salesforce": ()}


@pytest.mark.skipif(not SPECS.is_dir(), reason="the vendors' descriptions are not here")
@pytest.mark.parametrize("kind", list(FILES))
def test_calls_and_answers_are_as_described(kind: str, small: World, tmp_path: Path) -> None:
    """Every call of an import, an import after changes and a write-back, and every answer of the stand-in."""
    name, prefix = FILES[kind]
    described = Described.read(SPECS / name, prefix)
    with site(CRMS[kind], small, tmp_path) as here:
        here.first()
        lead = str(here.dataset.leads["lead_id"].iloc[0])
        here.crm.progress(here.fake, lead)
        written(here, scored(here))
        here.run()
    checked, problems = 0, set()
    for call, status, body in here.fake.answers:
        if call.path in APART[kind] or "_method" in call.params:
            continue
        checked += 1
        problems |= {p for p in described.problems(call, status, body) if not any(re.search(known, p) for known in WRONG[kind])}
    assert sorted(problems) == []
    assert checked > 20


@pytest.mark.skipif(not SPECS.is_dir(), reason="the vendors' descriptions are not here")
def test_the_stand_in_has_no_field_that_salesforce_does_not_describe() -> None:
    """SOQL is text, which no description checks: the fields of our objects are those of the described records."""
    from tests.connectors.salesforce.fields import FIELDS

    schemas = Described.read(SPECS / FILES["salesforce"][0]).document["components"]["schemas"]
    # hidden by field-level security in the org that was described, or not described at all
    hidden = {"HasOptedOutOfEmail", "Region__c", "ConvertedDate"}
    hidden |= {"IsWhat", "IsInvitee", "IsPersonAccount"}  # of Shared Activities and person accounts, where they are switched on
    for name, fields in FIELDS.items():
        described = schemas.get(f"{name}SObject")
        if described is None:
            continue
        known = set(described["properties"]) | hidden
        assert {f for f in fields if "." not in f} <= known, name
    assert {"EmailMessageSObject", "EmailMessageRelationSObject", "LeadHistorySObject", "TaskSObject"} <= schemas.keys()
