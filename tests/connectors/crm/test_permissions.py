"""One permission or limit that is missing does not stop everything: what is optional is left out and said, what is needed named
with the screen where it is granted."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.crm.responses import RefusedError
from features.common.errors import CrmError
from tests.connectors.crm.crms import Opener, Site


def _forbid(here: Site, what: str) -> None:
    fake: Any = here.fake
    names: dict[str, Any] = {
        "hubspot": {"deals": "/deals", "companies": "/companies", "people": "/contacts"},
        "salesforce": {"deals": "Opportunity", "people": "Lead", "contacts": "Contact"},
        "marketo": {"deals": "/opportunities", "people": "/leads/schema"},
        "pipedrive": {"companies": "/organization", "people": "/persons", "archived": "/deals/archived"},
    }
    name = names[here.crm.kind][what]
    if here.crm.kind == "salesforce":
        fake.hidden = {name}
    elif here.crm.kind == "hubspot":
        fake.scopes = (name,)
    else:
        fake.denied = (name,)


@pytest.mark.parametrize(
    ("kind", "what", "refused"),
    [
        ("hubspot", "deals", "deals"),
        ("hubspot", "companies", "companies"),
        ("salesforce", "deals", "opportunities"),
        ("salesforce", "contacts", "contacts"),
        ("marketo", "deals", "deals"),
        ("pipedrive", "companies", "organizations"),
        ("pipedrive", "archived", "archived_deals"),
    ],
)
def test_what_is_optional_is_left_out_and_said(kind: str, what: str, refused: str, served: Opener) -> None:
    """The people and what they did are there; what is missing is named, with what has to be granted."""
    with served(kind) as here:
        _forbid(here, what)
        result = here.run()
        assert refused in result.synced.refused
        assert "ive " in result.synced.refused[refused]  # Give the app …, To read it, give …
        assert len(here.people) == 60
        assert len(here.dataset.interactions) > 0


@pytest.mark.parametrize(("kind", "what"), [("hubspot", "deals"), ("salesforce", "deals"), ("marketo", "deals")])
def test_what_was_there_and_is_missing_stops(kind: str, what: str, served: Opener) -> None:
    with served(kind) as here:
        here.first()
        _forbid(here, what)
        if kind == "marketo":
            role = here.fake.roles[0]
            here.fake.act(36, role["leadId"], here.clock, "Deal", Role="Buyer")
        with pytest.raises(CrmError, match=r"could be read before.*\n.*Give the permission back \("):
            here.run()


@pytest.mark.parametrize(
    ("kind", "screen"),
    [("salesforce", "Setup → Permission Sets"), ("pipedrive", "Settings → Manage users"), ("hubspot", "the.scope")],
)
def test_what_is_needed_is_named_with_its_screen(kind: str, screen: str, served: Opener) -> None:
    with served(kind) as here:
        _forbid(here, "people")
        with pytest.raises(RefusedError, match=screen):
            here.run()
