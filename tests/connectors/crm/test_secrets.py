"""What is shown of secrets."""

from __future__ import annotations

from typing import Any

from connectors.crm.auth import FixedToken
from connectors.crm.secrets import Secrets

TOKEN = "tok/en+0815"


def test_a_refused_secret_is_not_in_the_representation() -> None:
    shown: list[Any] = [FixedToken("x", TOKEN), Secrets({"A": TOKEN})]
    assert TOKEN not in repr(shown)
