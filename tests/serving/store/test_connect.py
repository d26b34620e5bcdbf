"""An address that is no store is refused, without its password."""

from __future__ import annotations

import pytest

from features.common.errors import ConfigError
from serving.store.connect import address


@pytest.mark.parametrize("text", ["mysql://u:secret-word@h/d", "sqlite://", "nonsense", "sqlite:///:memory:"])
def test_an_address_that_is_no_store_is_refused_without_its_password(text: str) -> None:
    with pytest.raises(ConfigError, match=r"sqlite:///artefacts/leads\.db") as error:
        address(text)
    assert "secret-word" not in str(error.value)
