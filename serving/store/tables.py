"""The tables of the store. All moments are microseconds since 1970 UTC, as everywhere in Ripeline.

Attributes are JSON text: `leads.attributes` and `companies.attributes` hold what was known first and never changed; a column
with a history has it in `attribute_changes`, the value before the first change included.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
metadata = MetaData(naming_convention=NAMES)

Number = BigInteger().with_variant(Integer, "sqlite")  # counts up by itself only as INTEGER there

leads = Table(
    "leads",
    metadata,
    Column("lead_id", Text, primary_key=True),
    Column("company_id", Text, index=True),
    Column("created_at", BigInteger, nullable=False),
    Column("opted_out", Boolean, nullable=False),
    Column("review_asked", Boolean, nullable=False),  # somebody wants a person to look at what is decided
    Column("attributes", Text, nullable=False),
    Column("version", Integer, nullable=False),  # counts writes, for two writers at a time
    Column("received_at", BigInteger, nullable=False),
)

companies = Table(
    "companies",
    metadata,
    Column("company_id", Text, primary_key=True),
    Column("attributes", Text, nullable=False),
    Column("received_at", BigInteger, nullable=False),
)

lead_stages = Table(
    "lead_stages",
    metadata,
    Column("lead_id", Text, ForeignKey("leads.lead_id", ondelete="CASCADE"), primary_key=True),
    Column("lead_stage", Text, primary_key=True),
    Column("at", BigInteger, primary_key=True),
    Column("received_at", BigInteger, nullable=False),
)

# lead stages that were recorded by mistake, moved here: what was known meanwhile can still be told, and nothing learns from it
withdrawn_lead_stages = Table(
    "withdrawn_lead_stages",
    metadata,
    Column("lead_id", Text, ForeignKey("leads.lead_id", ondelete="CASCADE"), primary_key=True),
    Column("lead_stage", Text, primary_key=True),
    Column("at", BigInteger, primary_key=True),
    Column("received_at", BigInteger, primary_key=True),
    Column("withdrawn_at", BigInteger, nullable=False),
    Column("withdrawn_by", Text),  # the name of the key; who it is, the audit trail says
    Column("reason", Text),
)

attribute_changes = Table(
    "attribute_changes",
    metadata,
    Column("entity", Text, primary_key=True),  # lead or company
    Column("entity_id", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("at", BigInteger, primary_key=True),
    Column("value", Text, nullable=False),  # JSON
    Column("received_at", BigInteger, nullable=False),
)

# of leads that are not known yet, too: they wait
interactions = Table(
    "interactions",
    metadata,
    Column("event_id", Text, primary_key=True),
    Column("lead_id", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("value", Double),
    Column("content", Text),
    Column("campaign", Text),
    Column("direction", Text),
    Column("received_at", BigInteger, nullable=False),
    Index("ix_interactions_lead_id_at", "lead_id", "at"),
)

deals = Table(
    "deals",
    metadata,
    Column("deal_id", Text, primary_key=True),
    Column("lead_id", Text, index=True),
    Column("company_id", Text),
    Column("created_at", BigInteger, nullable=False),
    Column("closed_at", BigInteger),
    Column("amount", Double),
    Column("currency", Text),
    Column("status", Text, nullable=False),
)

# which model scored, and what its columns mean, so that an old score is explained when its model is gone
models = Table(
    "models",
    metadata,
    Column("model_id", Integer, primary_key=True),
    Column("name", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("trained_at", Text, nullable=False),
    Column("columns", Text, nullable=False),  # JSON, see serving/store/contributions.py
    UniqueConstraint("name", "version"),
)


def _scored(nullable: bool) -> list[Column[object]]:
    """What a score says, in the history and in the list."""
    return [
        Column("as_of", BigInteger, nullable=False),
        Column("scored_at", BigInteger, nullable=False),
        Column("model_id", Integer, ForeignKey("models.model_id"), nullable=False),
        Column("lead_stage", Text, nullable=nullable),
        Column("chance", Double, nullable=nullable),
        Column("next_chance", Double, nullable=nullable),
        Column("score", Integer, nullable=nullable),
        Column("grade", Text, nullable=nullable),
        Column("points", Double, nullable=nullable),
        Column("action", Text, nullable=nullable),
        Column("recommended_lead_stage", Text, nullable=nullable),
        Column("expected_value", Double),
    ]


# a row wherever something changed that anybody would see
scores = Table(
    "scores",
    metadata,
    Column("score_id", Number, primary_key=True),
    Column("lead_id", Text, ForeignKey("leads.lead_id", ondelete="CASCADE"), nullable=False),
    *_scored(nullable=False),
    Column("explanation", LargeBinary, nullable=False),  # see serving/store/contributions.py
    Index("ix_scores_lead_id_as_of", "lead_id", "as_of"),
)

# the newest score of every lead; of those that are closed or opted out only `status`
current_scores = Table(
    "current_scores",
    metadata,
    Column("lead_id", Text, ForeignKey("leads.lead_id", ondelete="CASCADE"), primary_key=True),
    Column("status", Text, nullable=False),
    *_scored(nullable=True),
    Column("action_since", BigInteger),  # as_of from which it was recommended without a break
    Column("tier", Integer),  # 0 hand over, 1 hold or uncertain, 2 the others
    Column("gain", Double),  # expected value, else chance
    Column("low", Double),
    Column("high", Double),
    Column("rules_chance", Double),
    Column("why", Text),
    Column("reasons", Text),
    Column("next_steps", Text),
    Column("source", Text),
    Column("country", Text),
    Column("human_review", Text),  # reasons, or empty
    Index("ix_current_scores_rank", "tier", "gain", "lead_id", "status"),
    Index("ix_current_scores_model_id_as_of", "model_id", "as_of"),
)

# leads to be scored again, and with them their account; a row is written and deleted, never changed, so nobody waits for it
stale = Table(
    "stale",
    metadata,
    Column("stale_id", Number, primary_key=True),
    Column("lead_id", Text, nullable=False),
    Column("priority", Integer, nullable=False),  # 0 something happened, 1 another model or some hours passed
    Column("since", BigInteger, nullable=False),
    Index("ix_stale_priority_stale_id", "priority", "stale_id"),
)

# keyed hashes of the ids of those who were erased
erased = Table("erased", metadata, Column("hash", Text, primary_key=True), Column("at", BigInteger, nullable=False))

facts = Table("facts", metadata, Column("name", Text, primary_key=True), Column("value", Text, nullable=False))
