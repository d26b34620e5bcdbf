"""Next steps: only what a lead has not done and may be offered, said as an association."""

from __future__ import annotations

import pytest

from models.decision.next_steps import NextSteps, Step

STEP = Step("webinar", "mql", 0.0, 0.5, 100, 0.5, 300, 0.3, 0.1)
KNOWN = NextSteps((STEP, Step("trial", "mql", 0.0, 0.5, 40, 0.6, 300, 0.3, 0.15)), ("unsubscribed",))


@pytest.mark.parametrize(
    ("done", "chance", "stage", "offered"),
    [
        (set(), 0.2, "mql", ["trial", "webinar"]),
        ({"trial"}, 0.2, "mql", ["webinar"]),
        ({"unsubscribed"}, 0.2, "mql", []),
        (set(), 0.7, "mql", []),
        (set(), 0.2, "lead", []),
    ],
)
def test_only_what_the_lead_has_not_done_and_may_be_offered(
    done: set[str], chance: float, stage: str, offered: list[str]
) -> None:
    assert [s.type for s in KNOWN.best(stage, chance, done)] == offered


def test_it_is_said_as_an_association_with_its_counts() -> None:
    said = STEP.words("sql", 90, "en")
    assert "of 100 leads like this one" in said
    assert "of 300 that did not, 30%" in said
    assert said.endswith("An association, not a promise.")
    assert STEP.words("sql", 90, "de").endswith("kein Versprechen.")
