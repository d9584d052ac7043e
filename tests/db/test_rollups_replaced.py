"""A day that was rolled up before is replaced in every one of its sums."""

from sqlalchemy import Connection, text

from tests import stripe_payloads as raw
from tests.connected import connect, rollups
from tests.db.test_rollups import ALL_DAYS, store
from vaultra.db import rollups as db_rollups
from vaultra.db.models import DailyRollup

SUMS = [column.name for column in DailyRollup.__table__.columns if column.name.endswith(("_count", "_minor"))]


def test_whatever_a_days_rollup_said_before_it_says_what_the_rows_say(db: Connection) -> None:
    account = connect(db)
    store(db, account, [raw.charge(id="ch_1"), raw.refund(id="re_1"), raw.dispute(id="dp_1")], set())
    db_rollups.recompute(db, account, ALL_DAYS)
    right = rollups(db)
    assert len(SUMS) == 11
    db.execute(text("update daily_rollups set " + ", ".join(f"{name} = 7777777" for name in SUMS)))
    db_rollups.recompute(db, account, ALL_DAYS)
    assert rollups(db) == right
