"""Salesforce's sessions, its signed assertion and its limit in a 403."""

from __future__ import annotations

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from connectors.crm.responses import RefusedError, SpentError
from tests.connectors.crm.crms import SECRETS, Opener, Site
from tests.connectors.crm.server import Call, Fault


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


def test_queries_asked_together_bring_what_they_bring_alone(served: Opener) -> None:
    """Also where a page is not the last, or Salesforce refuses one of them, or all."""
    with served("salesforce") as here:
        api = here.open().api  # type: ignore[attr-defined]
        lead, nothing = "SELECT Id FROM Lead WHERE (Id != null)", "SELECT Id FROM Nothing"
        alone = list(api.query(lead))
        others = [f"SELECT Id FROM {kind} WHERE (Id != null)" for kind in ("Contact", "Task", "Event", "Account")]  # noqa: S608
        api.ask_together([lead, nothing, *others])
        together = [call for call in here.fake.calls if call.path.endswith("/composite")]
        assert len(together) == 2
        before = len(here.fake.calls)
        assert list(api.query(lead)) == alone
        assert len(here.fake.calls) == before
        with pytest.raises(RefusedError):
            list(api.query(nothing))
        here.fake.faults = [Fault("", "/composite", reply=(404, [{"errorCode": "NOT_FOUND", "message": "x"}], {}))]
        api.ask_together([lead])
        assert list(api.query(lead)) == alone
