"""What the hourly run reads and writes most: daily rollups whole in an index, snapshots and scores as they are.

An account's rollups lie in as many pages as there are days, and compressing a snapshot and a score took longer than all
the rest of storing them.
"""

from collections.abc import Sequence

from alembic import op

revision: str = "0010"
down_revision: str | None = "0009"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

SUMS = (
    "charge_count",
    "captured_minor",
    "settled_minor",
    "unconverted_count",
    "failed_count",
    "refund_count",
    "refunded_minor",
    "dispute_count",
    "withdrawn_minor",
    "reinstated_minor",
    "fraud_warning_count",
)


def upgrade() -> None:
    op.create_index(
        "ix_daily_rollups_whole",
        "daily_rollups",
        ["integration_account_id", "day", "currency"],
        postgresql_include=list(SUMS),
    )
    # Two rows in a page.
    op.execute("alter table financial_metric_snapshots set (toast_tuple_target = 4080)")
    op.execute("alter table readiness_scores set (toast_tuple_target = 4080)")


def downgrade() -> None:
    op.execute("alter table readiness_scores reset (toast_tuple_target)")
    op.execute("alter table financial_metric_snapshots reset (toast_tuple_target)")
    op.drop_index("ix_daily_rollups_whole", "daily_rollups")
