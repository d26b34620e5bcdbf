"""What training does with verdicts: blocked columns are left out, unless the configuration insists, and rules on them too."""

from __future__ import annotations

import pytest

from features.attributes.encoders import AttributeEncoder
from features.catalogue import DataProfile
from features.common.errors import ConfigError, DataError
from features.leakage import Audit, Verdict
from models.rules.rules import Rules
from training.common.config import Config
from training.data.leakage import blocked_columns, leak_free_rules, require_inputs

AUDIT = Audit((Verdict("lead.tags", "block", ("why",)), Verdict("company.size", "ok", ())), ())
TYPES = DataProfile(("page_view",), (), frozenset(), contents=False, accounts=False)
NO_TYPES = DataProfile((), (), frozenset(), contents=False, accounts=False)


def config(*insist: str) -> Config:
    return Config.model_validate({"name": "a", "source": {"kind": "simulator"}, "audit": {"insist": list(insist)}})


def test_blocked_columns_are_left_out_unless_insisted_on() -> None:
    assert blocked_columns(AUDIT, config()) == ["lead.tags"]
    assert blocked_columns(AUDIT, config("tags")) == blocked_columns(AUDIT, config("lead.tags")) == []


def test_an_unknown_column_is_answered_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match="'tag': did you mean 'tags'"):
        blocked_columns(AUDIT, config("tag"))


def test_an_audit_that_blocks_everything_is_said() -> None:
    with pytest.raises(DataError, match=r"leaves out every column of use \(lead.tags\).*no interactions"):
        require_inputs(["lead.tags"], [], NO_TYPES)


def test_another_column_or_interactions_are_enough_to_learn_from() -> None:
    require_inputs(["lead.tags"], [], TYPES)
    require_inputs(["lead.tags"], [AttributeEncoder("company", "size", "number")], NO_TYPES)
    require_inputs([], [], NO_TYPES)


def rules(*attributes: str) -> Rules:
    return Rules.from_dict({"fit": [{"attribute": a, "equals": "x", "points": 5} for a in attributes]})


def test_rules_on_blocked_columns_give_no_points() -> None:
    """Points are a column of the model: through them the outcome would come back."""
    kept, notes = leak_free_rules(rules("lead.tags", "company.size"), ["lead.tags"])
    assert kept.attributes == (("company", "size"),)
    assert notes == ["left out: rule on 'lead.tags', which the audit blocks"]


def test_rules_without_blocked_columns_stay_as_they_are() -> None:
    given = rules("company.size")
    assert leak_free_rules(given, ["lead.tags"]) == (given, [])


def test_no_rule_left_is_said() -> None:
    with pytest.raises(ConfigError, match=r"Every rule looks at a column that is left out \(lead.tags\)"):
        leak_free_rules(rules("lead.tags"), ["lead.tags"])
