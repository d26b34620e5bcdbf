"""Features as data."""

from __future__ import annotations

import pytest

from features.common.errors import ModelError
from features.spec import feature_from_dict


def test_an_unknown_kind_is_refused_with_the_nearest() -> None:
    with pytest.raises(ModelError, match="did you mean 'Count'"):
        feature_from_dict({"feature": "Cuont"})
