"""Salesforce's sessions, its signed assertion and its limit in a 403."""

from __future__ import annotations

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from connectors.crm.responses import SpentError
from tests.connectors.crm.crms import SECRETS, Site
from tests.connectors.crm.server import Call


def test_salesforce_session_that_ends_in_the_middle_is_renewed(salesforce: Site) -> None:
    def expire(call: Call) -> None:
        if len(salesforce.fake.calls) == 8:
            salesforce.fake.sessions.clear()

    salesforce.fake.hook = expire
    salesforce.run()
    assert salesforce.fake.minted == 2
    assert len(salesforce.dataset.leads) == 60


def test_salesforce_jwt_is_signed_by_our_key(salesforce: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """No client secret at all: an assertion for our user, for three minutes of the server's clock, signed with the key."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    monkeypatch.delitem(SECRETS, "SALESFORCE_CLIENT_SECRET")
    monkeypatch.setitem(SECRETS, "SALESFORCE_PRIVATE_KEY", pem)
    monkeypatch.setitem(SECRETS, "SALESFORCE_USERNAME", "ripeline@example.com")
    salesforce.run()
    assertion = salesforce.fake.made("/services/oauth2/token")[0].body["assertion"]
    claim = jwt.decode(assertion, key.public_key(), algorithms=["RS256"], audience="https://login.salesforce.com")
    assert (claim["iss"], claim["sub"]) == (SECRETS["SALESFORCE_CLIENT_ID"], "ripeline@example.com")
    assert 60 < claim["exp"] - salesforce.fake.now() <= 181
    assert len(salesforce.dataset.leads) == 60


def test_salesforce_limit_in_a_403_is_not_waited_for(salesforce: Site) -> None:
    """No Retry-After, no 429, and trying again today is useless."""
    salesforce.fake.daily = 9
    with pytest.raises(SpentError, match="calls of the day are used up: TotalRequests Limit exceeded"):
        salesforce.run()
    assert len(salesforce.fake.calls) < 14
