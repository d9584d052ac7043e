"""The room that advises, by the broker's envelope."""

import uuid
from collections.abc import Callable

from sqlalchemy import Engine, text
from starlette.testclient import TestClient

from tests.domain.shops import AS_OF, shop
from tests.functions.envelopes import envelope
from tests.rows import a_business
from vaultra.db import metrics
from vaultra.domain.metrics import compute_metrics
from vaultra.services import Services


def test_recommendations_follow_a_score_once(
    room: Callable[[str], TestClient], services: Services, engine: Engine
) -> None:
    services.clock = lambda: AS_OF
    with engine.begin() as db:
        business_id = a_business(db)
        metrics.upsert_snapshots(db, {business_id: compute_metrics(shop(), AS_OF)}, AS_OF)
    body = {"business_ids": [str(business_id), str(uuid.uuid4())]}
    for _ in range(2):
        assert room("generate_recommendations").post("/", json=envelope(body)).status_code == 204
    with engine.connect() as db:
        rows = db.execute(text("select rule_key from recommendations where business_id = :id"), {"id": business_id})
        assert [row.rule_key for row in rows] == ["revenue_drop"]
