"""What has expired is forgotten, and nothing else."""

import datetime as dt
import uuid

import pytest
from sqlalchemy import Connection, insert, inspect, select
from sqlalchemy.orm import InstrumentedAttribute

from vaultra.db import accounts, expiry, models

NOW = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
TICK = dt.timedelta(microseconds=1)
KEPT = {column.class_.__tablename__: (column, kept) for column, kept in expiry.KEPT}


def a_row(db: Connection, column: InstrumentedAttribute[dt.datetime], expires_at: dt.datetime) -> None:
    """A row that expires then; whatever else it needs is made."""
    user = accounts.insert_user(db, email=f"{uuid.uuid4().hex}@example.com", name="Ana", password_hash="x", now=NOW)
    assert user is not None
    business = accounts.insert_business(db, user.id, {"name": "Shop"}, NOW)
    values: dict[str, object] = {
        "user_id": user.id,
        "business_id": business.id,
        "role": "viewer",
        column.key: expires_at,
    }
    for other in inspect(column.class_).columns:
        if other.name not in values and other.server_default is None and not other.nullable:
            values[other.name] = {dt.datetime: NOW, uuid.UUID: uuid.uuid4()}.get(
                other.type.python_type, uuid.uuid4().hex
            )
    names = {other.name for other in inspect(column.class_).columns}
    db.execute(insert(column.class_).values({name: value for name, value in values.items() if name in names}))


@pytest.mark.parametrize("table", KEPT)
def test_an_expired_row_is_forgotten_when_its_time_is_over(db: Connection, table: str) -> None:
    column, kept = KEPT[table]
    for expires_at in (NOW - kept, NOW - kept + TICK, NOW + dt.timedelta(days=1)):
        a_row(db, column, expires_at)
    assert expiry.purge(db, NOW)[table] == 1
    assert sorted(db.scalars(select(column))) == [NOW - kept + TICK, NOW + dt.timedelta(days=1)]


def test_every_table_with_an_end_is_listed() -> None:
    ending = {name for name, table in models.Base.metadata.tables.items() if "expires_at" in table.columns}
    assert ending <= set(KEPT)
