"""Lead stages that were taken back."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "withdrawn_lead_stages",
        sa.Column("lead_id", sa.Text(), nullable=False),
        sa.Column("lead_stage", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("withdrawn_at", sa.BigInteger(), nullable=False),
        sa.Column("withdrawn_by", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["lead_id"], ["leads.lead_id"], name=op.f("fk_withdrawn_lead_stages_lead_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("lead_id", "lead_stage", "at", "received_at", name=op.f("pk_withdrawn_lead_stages")),
    )


def downgrade() -> None:
    """Take it away."""
    op.drop_table("withdrawn_lead_stages")
