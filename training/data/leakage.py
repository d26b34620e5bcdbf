"""What training does with the verdicts of the leakage audit."""

from __future__ import annotations

from collections.abc import Sequence

from features.attributes.encoders import AttributeEncoder
from features.catalogue import DataProfile
from features.common.errors import ConfigError, DataError, nearest
from features.leakage import Audit
from models.rules.rules import Rules
from training.common.config import Config


def blocked_columns(audited: Audit, config: Config, names: Sequence[str] = ()) -> list[str]:
    """The columns that the audit blocks, but for those the configuration insists on. `names`: columns it did not judge.

    Raises
    ------
    ConfigError
        if it insists on a column that is not there.
    """
    columns = [*(v.subject for v in audited.columns), *names]
    known_columns = {*columns, *(c.partition(".")[2] for c in columns), *config.attributes.exclude}
    for name in config.audit.insist:
        if name not in known_columns:
            names = [c.partition(".")[2] for c in columns]
            raise ConfigError(
                f"audit: insist: there is no column {name!r}: {nearest(name, names)}", "Name a column of the data."
            )
    insisted = {*config.audit.insist}
    return [c for c in audited.blocked if c not in insisted and c.partition(".")[2] not in insisted]


def require_inputs(blocked: Sequence[str], encoders: Sequence[AttributeEncoder], inventory: DataProfile) -> None:
    """Stop where the audit leaves nothing to learn from.

    Raises
    ------
    DataError
        if columns are blocked, no other gives a feature, and there are no interactions.
    """
    if blocked and not encoders and not inventory.types:
        raise DataError(
            f"The leakage audit leaves out every column of use ({', '.join(blocked[:5])}{', …' if len(blocked) > 5 else ''}), "
            "and there are no interactions to learn from.",
            "Run `make audit` for the evidence; keep columns that were known in time with `audit: {insist: [...]}`.",
        )


def leak_free_rules(rules: Rules, blocked: Sequence[str]) -> tuple[Rules, list[str]]:
    """The rules without those on blocked columns, and a sentence on each: points are a column of the model, and would leak.

    Raises
    ------
    ConfigError
        if no rule is left.
    """
    removed_rules = [fit for fit in rules.book.fit if fit.attribute in blocked]
    if not removed_rules:
        return rules, []
    return rules.drop_attributes(blocked), [
        f"left out: rule on {fit.attribute!r}, which the audit blocks" for fit in removed_rules
    ]
