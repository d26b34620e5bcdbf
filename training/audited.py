"""What training does with the verdicts of the leakage audit."""

from __future__ import annotations

from collections.abc import Sequence

from features.attributes import AttributeEncoder
from features.audit import Audit
from features.catalogue import Seen
from features.errors import ConfigError, DataError, nearest
from models.rules import Rules
from training.config import Config


def left_out(audited: Audit, config: Config) -> list[str]:
    """The columns that the audit blocks, but for those the configuration insists on.

    Raises
    ------
    ConfigError
        if it insists on a column that is not there.
    """
    columns = [v.subject for v in audited.columns]
    known = {*columns, *(c.partition(".")[2] for c in columns), *config.attributes.exclude}
    for name in config.audit.insist:
        if name not in known:
            names = [c.partition(".")[2] for c in columns]
            raise ConfigError(
                f"audit: insist: there is no column {name!r}: {nearest(name, names)}", "Name a column of the data."
            )
    insisted = {*config.audit.insist}
    return [c for c in audited.blocked if c not in insisted and c.partition(".")[2] not in insisted]


def refuse_nothing(blocked: Sequence[str], encoders: Sequence[AttributeEncoder], seen: Seen) -> None:
    """Stop where the audit leaves nothing to learn from.

    Raises
    ------
    DataError
        if columns are blocked, no other gives a feature, and there are no interactions.
    """
    if blocked and not encoders and not seen.types:
        raise DataError(
            f"The leakage audit leaves out every column of use ({', '.join(blocked[:5])}{', …' if len(blocked) > 5 else ''}), "
            "and there are no interactions to learn from.",
            "Run `make audit` for the evidence; keep columns that were known in time with `audit: {insist: [...]}`.",
        )


def rules_on_blocked(rules: Rules, blocked: Sequence[str]) -> list[str]:
    """Sentences on rules that give points for a blocked column: the rules then know the outcome, though the model does not."""
    return [
        f"worth a look: rule on {fit.attribute!r}: the audit leaves this column out, its points still know the outcome; "
        "take the rule out"
        for fit in rules.book.fit
        if fit.attribute in blocked
    ]
