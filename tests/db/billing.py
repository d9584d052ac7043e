"""Stripe objects written as ingestion leaves them, for tests of what reads them."""

import datetime as dt
import itertools
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, insert, select

from vaultra.db import models, rollups
from vaultra.db.objects import ACCOUNT_COLUMNS, Account

AS_OF = dt.datetime(2026, 11, 20, 15, 30, tzinfo=dt.UTC)
TODAY = AS_OF.date()
GOOD = {"charges_enabled": True, "payouts_enabled": True, "past_due": False}
NOTHING_HELD = {"available": [], "pending": [], "as_of": int(AS_OF.timestamp())}

_numbers = itertools.count(1)


def days_ago(days: float, hour: int = 12) -> dt.datetime:
    """Noon of the day that many days before today, or another hour of it."""
    midnight = dt.datetime.combine(TODAY, dt.time(), dt.UTC)
    return midnight - dt.timedelta(days=days) + dt.timedelta(hours=hour)


@dataclass
class Books:
    """One business's stored objects."""

    conn: Connection
    account: Account

    @property
    def business_id(self) -> UUID:
        return self.account.business_id

    def add(self, model: type[models.StripeObject], created_at: dt.datetime, **values: Any) -> str:
        """Write one object; gives its id."""
        name = values.pop("id", f"{model.__name__.lower()}_{next(_numbers):06}")
        row = {
            "integration_account_id": self.account.id,
            "business_id": self.account.business_id,
            "id": name,
            "created_at": created_at,
            "version_at": created_at,
            "content_hash": "",
            **values,
        }
        self.conn.execute(insert(model).values(row))
        return name

    def charge(self, created_at: dt.datetime, minor: int = 1000, **values: Any) -> str:
        whole = {
            "amount_minor": minor,
            "captured_minor": minor,
            "currency": "usd",
            "settled_minor": minor,
            "status": "succeeded",
            "captured": True,
            **values,
        }
        return self.add(models.Charge, created_at, **whole)

    def refund(self, created_at: dt.datetime, minor: int, **values: Any) -> str:
        whole = {"amount_minor": minor, "currency": "usd", "settled_minor": minor, "status": "succeeded", **values}
        return self.add(models.Refund, created_at, **whole)

    def dispute(self, created_at: dt.datetime, status: str = "lost", **values: Any) -> str:
        counts = None if status.startswith("warning_") or status == "prevented" else created_at
        whole = {
            "amount_minor": 1000,
            "currency": "usd",
            "status": status,
            "counted_at": counts,
            "movements": [],
            **values,
        }
        return self.add(models.Dispute, created_at, **whole)

    def payout(self, arrival_on: dt.date, status: str = "paid", minor: int = 5000, **values: Any) -> str:
        whole = {"amount_minor": minor, "currency": "usd", "arrival_on": arrival_on, "status": status, **values}
        return self.add(models.Payout, dt.datetime.combine(arrival_on, dt.time(), dt.UTC), **whole)

    def movement(self, created_at: dt.datetime, net_minor: int, currency: str = "usd") -> str:
        values = {"amount_minor": net_minor, "net_minor": net_minor, "fee_minor": 0, "type": "charge"}
        return self.add(models.BalanceTransaction, created_at, currency=currency, **values)

    def subscription(self, created_at: dt.datetime, *items: dict[str, Any], status: str = "active", **more: Any) -> str:
        whole = {"status": status, "items": list(items), "discounts": [], "started_at": created_at, **more}
        return self.add(models.Subscription, created_at, **whole)

    def roll_up(self, days: Iterable[dt.date] | None = None) -> None:
        """Recompute the rollups of these days, or of the last 900."""
        whole = (days_ago(age).date() for age in range(-2, 900))
        rollups.recompute(self.conn, self.account, whole if days is None else days)


def item(unit_amount: str, currency: str = "usd", **more: Any) -> dict[str, Any]:
    """A subscription's item as it is stored: monthly, licensed, one of it."""
    return {
        "id": "si_1",
        "quantity": 1,
        "currency": currency,
        "unit_amount": unit_amount,
        "interval": "month",
        "interval_count": 1,
        "usage_type": "licensed",
        "billing_scheme": "per_unit",
        "tiers_mode": None,
        "tiers": [],
        "transform_quantity": None,
        "tax_behavior": None,
        "discounts": [],
        **more,
    }


def open_books(conn: Connection, **values: Any) -> Books:
    """A new business with a connected account."""
    business_id = conn.execute(insert(models.Business).values(name="A Shop").returning(models.Business.id)).scalar_one()
    account = {
        "business_id": business_id,
        "external_id": f"acct_{uuid.uuid4().hex}",
        "livemode": True,
        "status": "connected",
        "default_currency": "usd",
        "standing": GOOD,
        "balance": NOTHING_HELD,
        "history_complete": True,
        "connected_at": days_ago(1),
        **values,
    }
    account_id = conn.execute(
        insert(models.IntegrationAccount).values(account).returning(models.IntegrationAccount.id)
    ).scalar_one()
    row = conn.execute(select(*ACCOUNT_COLUMNS).where(models.IntegrationAccount.id == account_id)).one()
    return Books(conn, Account(*row))
