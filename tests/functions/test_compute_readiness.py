"""The room that scores, by the broker's envelope."""

from collections.abc import Callable
from uuid import UUID

import orjson
from sqlalchemy import Engine, func, select, update
from starlette.testclient import TestClient

from tests.db.billing import AS_OF, days_ago, open_books
from tests.fakes import FakePublisher
from tests.functions.conftest import SignedIn
from tests.functions.test_compute_metrics import envelope
from tests.rows import join
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


def test_it_announces_the_score_each_time_and_each_alert_once(
    room: Callable[[str], TestClient],
    services: Services,
    engine: Engine,
    publisher: FakePublisher,
    sign_up: Callable[[], SignedIn],
) -> None:
    services.clock = lambda: AS_OF
    with engine.begin() as db:
        books = open_books(db)
        join(db, UUID(sign_up().id), books.business_id, "owner")
        memberships = update(models.UserBusinessMembership).values(created_at=days_ago(2))
        db.execute(memberships.where(models.UserBusinessMembership.business_id == books.business_id))
        books.charge(days_ago(40), 700)
        books.dispute(AS_OF, "needs_response")
        books.roll_up()
        metrics.compute(db, [books.business_id], AS_OF)
    body = {"business_ids": [str(books.business_id)]}
    for _ in range(2):
        assert room("compute_readiness").post("/", json=envelope(body)).status_code == 204
    announced = [(message.topic, orjson.loads(message.data)) for message in publisher.messages]
    with engine.connect() as db:
        [mail_id] = db.scalars(select(models.Mail.id).where(models.Mail.business_id == books.business_id))
    scored = ("readiness-computed", body)
    assert announced == [("mail-due", {"mail_id": str(mail_id)}), scored, scored]
