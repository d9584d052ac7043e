"""The CDNOW payment history, read directly from its file, as raw Stripe objects."""

import gzip
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any


def cdnow_objects(source: str | Path | Iterable[str], as_of_date: date, *, hour: int = 12) -> dict[str, Any]:
    """One succeeded, captured US dollar charge per purchase; the last one on the day before `as_of_date`.

    Args:
        source: The file (plain or .gz), or its lines.
        as_of_date: The UTC date on which the shop is looked at.
        hour: The hour of the day (UTC) at which each purchase happens.
    """
    purchases = []
    for number, line in enumerate(read_lines(source)):
        fields = line.split()
        if len(fields) != 4 or not fields[1].isdigit():
            continue
        dollars = Decimal(fields[3])
        cents = int(dollars * 100)
        assert dollars * 100 == cents, line
        if cents:
            day = datetime.strptime(fields[1], "%Y%m%d").replace(tzinfo=UTC).date()
            purchases.append((number, fields[0], day, cents))
    shift = as_of_date - timedelta(days=1) - max(day for _, _, day, _ in purchases)
    charges: list[dict[str, Any]] = []
    for number, customer, day, cents in purchases:
        moved = day + shift
        created = int(datetime(moved.year, moved.month, moved.day, hour, tzinfo=UTC).timestamp())
        charges.append(
            {
                "id": f"ch_cdnow_{number:05d}",
                "object": "charge",
                "livemode": True,
                "created": created,
                "amount": cents,
                "amount_captured": cents,
                "amount_refunded": 0,
                "currency": "usd",
                "status": "succeeded",
                "captured": True,
                "paid": True,
                "customer": f"cus_cdnow_{customer}",
                "balance_transaction": None,
                "payment_intent": None,
            }
        )
    account = {
        "id": "acct_cdnow",
        "object": "account",
        "default_currency": "usd",
        "charges_enabled": True,
        "payouts_enabled": True,
        "requirements": {"past_due": []},
    }
    held = [{"amount": 0, "currency": "usd"}]
    return {
        "account": account,
        "balance": {"object": "balance", "available": held, "pending": held},
        "charges": charges,
        "customers": [
            {"id": name, "object": "customer", "discount": None} for name in sorted({c["customer"] for c in charges})
        ],
    } | {
        resource: []
        for resource in (
            [
                "refunds",
                "disputes",
                "payouts",
                "balance_transactions",
                "subscriptions",
                "invoices",
                "early_fraud_warnings",
                "events",
            ]
        )
    }


def read_lines(source: str | Path | Iterable[str]) -> list[str]:
    """The lines of a plain or gzipped text file, or the given lines."""
    if not isinstance(source, str | Path):
        return list(source)
    path = Path(source)
    raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return raw.decode("ascii").splitlines()
