"""What was last read of accounts' objects, kept so that an account on which nothing happened is not read again."""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Connection, text

from vaultra.domain.measures import BALANCE_DAYS


@dataclass(frozen=True)
class KeptBalance:
    """The balance before the last 90 days, and the net of days by their age; a day that is still to come is negative.

    `opening_minor` is None while the balance has not been read.
    """

    opening_minor: int | None
    ages: Sequence[int]
    nets: Sequence[int]

    def after(self, days: int) -> "KeptBalance":
        """The same movements seen so many days later: the oldest have become part of the opening balance."""
        if not days:
            return self
        aged = [(age + days, net) for age, net in zip(self.ages, self.nets, strict=True)]
        inside = [(age, net) for age, net in aged if age < BALANCE_DAYS]
        left = sum(net for age, net in aged if age >= BALANCE_DAYS)
        opening_minor = None if self.opening_minor is None else self.opening_minor + left
        return KeptBalance(opening_minor, [age for age, _ in inside], [net for _, net in inside])


@dataclass(frozen=True)
class KeptFacts:
    """What an account's objects said on a day; `payers` in the order of `PayerTotals`, empty without charges.

    `basis` tells states of the account's objects apart.
    """

    integration_account_id: str
    basis: str
    read_on: dt.date
    payers: Sequence[int]
    balance: KeptBalance


def upsert_kept_facts(conn: Connection, kept: Iterable[KeptFacts]) -> None:
    """Keep what was read. Needs the lock of the businesses, so that what was read first is not kept last."""
    rows: list[Any] = sorted(kept, key=lambda one: one.integration_account_id)
    if rows:
        conn.execute(UPSERT, {"rows": orjson.dumps(rows).decode()})


UPSERT = text(
    """
    insert into kept_facts (integration_account_id, basis, read_on, payers, balance)
    select * from json_to_recordset(cast(:rows as json)) as new(integration_account_id uuid, basis text, read_on date,
        payers json, balance json)
    on conflict (integration_account_id) do update set basis = excluded.basis, read_on = excluded.read_on,
        payers = excluded.payers, balance = excluded.balance
    """
)
