"""What became of recommendations and why, what alerts have told, when a dispute's evidence is due, and time zones."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column(
        "recommendations",
        sa.Column(
            "evidence", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
    )
    op.add_column("recommendations", sa.Column("proof", postgresql.JSONB(astext_type=sa.Text()), nullable=True))
    op.add_column("recommendations", sa.Column("reason", sa.Text(), nullable=True))
    op.add_column("recommendations", sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "alert_states",
        sa.Column("business_id", sa.UUID(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("told", sa.Text(), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("kind in ('tier', 'network')", name="ck_alert_states_kind"),
        sa.ForeignKeyConstraint(["business_id"], ["businesses.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("business_id", "kind"),
    )
    op.add_column("disputes", sa.Column("evidence_due_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("users", sa.Column("time_zone", sa.Text(), server_default="UTC", nullable=False))
