"""What training does with verdicts: blocked columns are left out, unless the configuration insists, and rules on them too."""

from __future__ import annotations

import pytest

from features.attributes.encoders import AttributeEncoder
from features.catalogue import Seen
from features.common.errors import ConfigError, DataError
from features.leakage import Audit, Verdict
from models.rules.rules import Rules
from training.common.config import Config
from training.data.leakage import honest_rules, left_out, refuse_nothing

AUDIT = Audit((Verdict("lead.tags", "block", ("why",)), Verdict("company.size", "ok", ())), ())
TYPES = Seen(("page_view",), (), frozenset(), contents=False, accounts=False)
NO_TYPES = Seen((), (), frozenset(), contents=False, accounts=False)


def config(*insist: str) -> Config:
    return Config.model_validate({"name": "a", "source": {"kind": "simulator"}, "audit": {"insist": list(insist)}})


def test_blocked_columns_are_left_out_unless_insisted_on() -> None:
    assert left_out(AUDIT, config()) == ["lead.tags"]
    assert left_out(AUDIT, config("tags")) == left_out(AUDIT, config("lead.tags")) == []


def test_an_unknown_column_is_answered_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match="'tag': did you mean 'tags'"):
        left_out(AUDIT, config("tag"))


def test_an_audit_that_blocks_everything_is_said() -> None:
    with pytest.raises(DataError, match=r"leaves out every column of use \(lead.tags\).*no interactions"):
        refuse_nothing(["lead.tags"], [], NO_TYPES)


def test_another_column_or_interactions_are_enough_to_learn_from() -> None:
    refuse_nothing(["lead.tags"], [], TYPES)
    refuse_nothing(["lead.tags"], [AttributeEncoder("company", "size", "number")], NO_TYPES)
    refuse_nothing([], [], NO_TYPES)


def rules(*attributes: str) -> Rules:
    return Rules.from_dict({"fit": [{"attribute": a, "equals": "x", "points": 5} for a in attributes]})


def test_rules_on_blocked_columns_give_no_points() -> None:
    """Points are a column of the model: through them the outcome would come back."""
    kept, notes = honest_rules(rules("lead.tags", "company.size"), ["lead.tags"])
    assert kept.attributes == (("company", "size"),)
    assert notes == ["left out: rule on 'lead.tags', which the audit blocks"]


def test_rules_without_blocked_columns_stay_as_they_are() -> None:
    given = rules("company.size")
    assert honest_rules(given, ["lead.tags"]) == (given, [])


def test_no_rule_left_is_said() -> None:
    with pytest.raises(ConfigError, match=r"Every rule looks at a column that is left out \(lead.tags\)"):
        honest_rules(rules("lead.tags"), ["lead.tags"])
