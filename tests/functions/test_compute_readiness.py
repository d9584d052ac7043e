"""The room that scores, by the broker's envelope."""

from collections.abc import Callable

from sqlalchemy import Engine, func, select
from starlette.testclient import TestClient

from tests.db.billing import AS_OF, days_ago, open_books
from tests.functions.test_compute_metrics import envelope
from vaultra.db import models
from vaultra.services import Services
from vaultra.usecases import metrics, readiness


def test_a_score_follows_new_metrics_once(
    room: Callable[[str], TestClient], services: Services, engine: Engine
) -> None:
    services.clock = lambda: AS_OF
    with engine.begin() as db:
        books = open_books(db)
        books.charge(days_ago(40), 700)
        books.roll_up()
        metrics.compute(db, [books.business_id], AS_OF)
    body = {"business_ids": [str(books.business_id)]}
    for _ in range(2):
        assert room("compute_readiness").post("/", json=envelope(body)).status_code == 204
    with engine.connect() as db:
        assert readiness.current(db, books.business_id).latest.created_at == AS_OF
        rows = select(func.count()).where(models.ReadinessScore.business_id == books.business_id)
        assert db.execute(rows).scalar_one() == 1
