"""Before which decisions a person should look."""

from __future__ import annotations

import pytest

from models.decision.review import review_reasons, with_request


@pytest.mark.parametrize(
    ("action", "uncertain", "low", "high", "requested", "reasons"),
    [
        ("hand_over", False, 0.2, 0.3, False, []),
        ("disqualify", False, 0.001, 0.002, False, ["disqualify"]),
        ("hold", True, 0.0, 1.0, False, ["uncertain"]),
        ("nurture", False, 0.0, 1.0, False, ["low_confidence"]),
        ("nurture", False, 0.2, 0.3, True, ["asked"]),
    ],
)
def test_what_speaks_for_a_person_is_named_once(
    action: str, uncertain: bool, low: float, high: float, requested: bool, reasons: list[str]
) -> None:
    """A wide interval is not told twice: a decision that is uncertain says so already. Its ends may be nought and one."""
    assert with_request(review_reasons(action, uncertain, low, high), requested) == reasons
