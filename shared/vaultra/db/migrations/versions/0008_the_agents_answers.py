"""Who gave an answer and what it used, and how much of models each business has used on a day."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0008"
down_revision: str | None = "0007"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("agent_messages", sa.Column("provider", sa.Text(), nullable=True))
    op.add_column("agent_messages", sa.Column("degraded", sa.Boolean(), nullable=True))
    op.add_column("agent_messages", sa.Column("input_tokens", sa.BigInteger(), nullable=True))
    op.add_column("agent_messages", sa.Column("output_tokens", sa.BigInteger(), nullable=True))
    op.create_table(
        "agent_usage",
        sa.Column("business_id", sa.UUID(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("tokens", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["business_id"], ["businesses.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("business_id", "day"),
    )
