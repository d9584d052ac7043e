"""Alerts: a mail at once to a business's owners and admins, asked for in the transaction that made it due."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from vaultra.db import alerts, metrics
from vaultra.db.alerts import Reader
from vaultra.domain.alerts import NEWS_FOR, PAYOUT_FAILS_WITHIN, Alert, Standing, Told, tell_network, tell_tier
from vaultra.usecases import mailing


def lock_readers(conn: Connection, business_ids: Sequence[UUID]) -> None:
    """Before these businesses are locked: a mail refers to its reader, and deletion locks people before businesses."""
    alerts.lock_readers(conn, business_ids)


def request(conn: Connection, business_ids: Sequence[UUID], now: dt.datetime) -> list[UUID]:
    """Ask for the alerts that these businesses give reason for now; gives the mails to announce.

    However often it is done, a dispute and a payout are told to a person once, and a tier or a limit once a day at
    most. Nothing is told of what happened before an account was connected, or of what is older than three days.
    """
    businesses = metrics.lock_businesses(conn, business_ids)
    return [mail_id for mail_id in (*_events(conn, businesses, now), *_standings(conn, businesses, now)) if mail_id]


def _events(conn: Connection, businesses: Sequence[UUID], now: dt.datetime) -> Iterator[UUID | None]:
    since = now - NEWS_FOR
    found = {
        Alert.DISPUTE_OPENED: alerts.list_new_disputes(conn, businesses, since=since),
        Alert.PAYOUT_FAILED: alerts.list_failed_payouts(
            conn, businesses, since=since, made_since=now - PAYOUT_FAILS_WITHIN
        ),
    }
    for kind, news in found.items():
        for item in news:
            yield _ask(conn, kind, item.business_id, item.reader, item.key, item.facts, now)


def _standings(conn: Connection, businesses: Sequence[UUID], now: dt.datetime) -> Iterator[UUID | None]:
    told: dict[tuple[UUID, str], Told] = {}
    due: list[tuple[Alert, UUID, Mapping[str, Any]]] = []
    for business_id, standing in alerts.list_standings(conn, businesses).items():
        tier, network = tell_tier(standing, now), tell_network(standing, now)
        if tier is not None:
            told[business_id, "tier"] = tier.told
            due += [(Alert.TIER_CHANGED, business_id, _tier_facts(standing))] if tier.mail else []
        if network is not None:
            told[business_id, "network"] = network.told
            due += [(Alert.NETWORK_NEAR, business_id, vars(standing.pressure))] if network.mail else []
    alerts.upsert_told(conn, told)
    readers = alerts.list_readers(conn, [business_id for _, business_id, _ in due]) if due else {}
    for kind, business_id, facts in due:
        for reader in readers.get(business_id, ()):
            key = f"{kind}:{business_id}:{now:%Y-%m-%d}:{reader.user_id}"
            yield _ask(conn, kind, business_id, reader, key, facts, now)


def _tier_facts(standing: Standing) -> Mapping[str, Any]:
    assert standing.told_tier is not None, "a first look tells nothing"
    return {"score": standing.score, "before": standing.told_tier.what, "after": standing.tier}


def _ask(
    conn: Connection,
    kind: Alert,
    business_id: UUID,
    reader: Reader,
    key: str,
    facts: Mapping[str, Any],
    now: dt.datetime,
) -> UUID | None:
    return mailing.request(
        conn,
        kind=kind.value,
        recipient=reader.email,
        user_id=reader.user_id,
        business_id=business_id,
        facts=facts,
        dedupe_key=key,
        now=now,
    )
