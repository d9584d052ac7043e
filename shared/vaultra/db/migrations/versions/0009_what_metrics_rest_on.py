"""What a day's metrics were computed from, so that an hour in which nothing happened computes nothing."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0009"
down_revision: str | None = "0008"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("financial_metric_snapshots", sa.Column("basis", sa.Text(), nullable=True))
