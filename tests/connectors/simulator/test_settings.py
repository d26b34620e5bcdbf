"""What the simulator is not asked for."""

from __future__ import annotations

import pytest

from connectors.simulator.settings import SimulatorSettings
from features.common.errors import ConfigError


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"leads": 0}, r"asked for 0 leads"),
        ({"days": 1}, r"asked for 1 days"),
        ({"seed": -1}, r"seed is -1"),
        ({"scanner_share": 1.5}, r"scanner_share is 1\.5"),
        ({"end": "30.06.2026"}, r"'30\.06\.2026', which is no date"),
    ],
)
def test_a_setting_out_of_range_is_refused_with_its_value(given: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        SimulatorSettings(**given)
