"""What the score would be with other metrics."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from sqlalchemy import Connection

from vaultra.domain.readiness import Readiness, score
from vaultra.domain.stored_metrics import Snapshot
from vaultra.domain.what_if import simulate
from vaultra.usecases import metrics


@dataclass(frozen=True)
class Simulation:
    """The score the latest metrics give, and the one that the changed ones would."""

    snapshot: Snapshot
    before: Readiness
    after: Readiness


def what_if(conn: Connection, business_id: UUID, changes: Mapping[str, Decimal | str]) -> Simulation:
    """The score with some metrics changed; nothing is stored.

    Raises:
        NoData: there are no metrics yet.
        Unprocessable: an unknown metric, or a value it can't have.
    """
    snapshot = metrics.latest(conn, business_id)
    return Simulation(snapshot, score(snapshot.metrics), simulate(snapshot.metrics, changes))
