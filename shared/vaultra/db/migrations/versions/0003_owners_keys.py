"""Owners' restricted keys, sealed; when Stripe let us in; runs that fail, and runs that reconcile."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0003"
down_revision: str | None = "0002"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("integration_accounts", sa.Column("granted_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("integration_accounts", sa.Column("sealed_key", sa.Text(), nullable=True))
    op.create_index(
        "uq_integration_accounts_key",
        "integration_accounts",
        ["provider", "external_id"],
        unique=True,
        postgresql_where=sa.text("sealed_key is not null"),
    )
    op.create_check_constraint(
        "ck_integration_accounts_key_wiped", "integration_accounts", "sealed_key is null or status <> 'disconnected'"
    )
    op.add_column("sync_runs", sa.Column("failing_since", sa.DateTime(timezone=True), nullable=True))
    # The new kind may be stored from now on; every row that is there keeps to the old ones.
    op.drop_constraint("ck_sync_runs_kind", "sync_runs")
    op.create_check_constraint(
        "ck_sync_runs_kind", "sync_runs", "kind in ('initial', 'history', 'incremental', 'reconcile')"
    )
