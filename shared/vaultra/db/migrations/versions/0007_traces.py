"""What joins the spans of a request to those of whoever applies its event and computes the metrics for it."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0007"
down_revision: str | None = "0006"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("stripe_events", sa.Column("traceparent", sa.Text(), nullable=True))
    op.add_column("metrics_due", sa.Column("traceparents", postgresql.ARRAY(sa.Text()), nullable=True))
