"""What tests of the packed model and of scores look at."""

from __future__ import annotations

import pytest

from models.model import FunnelModel
from tests.models.odd import odd
from tests.tiny import tiny_model


@pytest.fixture(scope="module", params=["tiny", "odd"])
def model(request: pytest.FixtureRequest) -> FunnelModel:
    return tiny_model() if request.param == "tiny" else odd(tiny_model())
