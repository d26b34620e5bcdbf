"""Funnels that cannot be are refused."""

from __future__ import annotations

import pytest

from features.common.errors import ConfigError
from features.dataset.funnel import Funnel


@pytest.mark.parametrize(
    ("funnel", "message"),
    [
        ({"stages": ("a",)}, "at least two lead stages"),
        ({"stages": ("a", "b"), "exits": ("a",)}, "names 'a' twice"),
        ({"horizons": {"mqll": 3}}, "did you mean 'mql'"),
        ({"horizons": {"mql": 0}}, "is 0 days"),
    ],
)
def test_a_funnel_that_cannot_be(funnel: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Funnel(**funnel)
