"""The business's numbers beside what lenders publish."""

from uuid import UUID

from sqlalchemy import Connection

from vaultra.domain.criteria import Comparison, compare
from vaultra.usecases import metrics


def against_published(conn: Connection, business_id: UUID) -> list[Comparison]:
    """The latest metrics beside lenders' published minimums; raises `NoData` before the first metrics."""
    return compare(metrics.latest(conn, business_id).metrics)
