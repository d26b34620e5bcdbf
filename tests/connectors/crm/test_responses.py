"""What is shown of an answer."""

from __future__ import annotations

import pytest

from connectors.crm.responses import masked


@pytest.mark.parametrize(
    ("text", "shown"),
    [("ask jo@x.com.", "ask …@…."), ("/out/jo@x.co.uk/a", "/out/…@…/a"), ("no address", "no address"), ("@handle", "@handle")],
)
def test_addresses_are_masked(text: str, shown: str) -> None:
    assert masked(text) == shown
