"""What an account says about itself, kept as objects are: the newest wins, and ties are read again."""

from collections.abc import Sequence

from sqlalchemy import Connection

from vaultra.adapters.stripe_objects import ACCOUNT
from vaultra.db import objects
from vaultra.db.objects import Account, StoredVersion
from vaultra.domain.versions import Version
from vaultra.usecases.storing import Answers, ReadRequest, State, content_hash, decide


def store(conn: Connection, account: Account, states: Sequence[State], answers: Answers) -> ReadRequest | None:
    """Keep the newest of what the account said about itself; gives what has to be read first, if anything."""
    stored = objects.account_facts(conn, account.id)
    before = None
    if stored.version_at is not None:
        values = {"standing": stored.standing, "settlement_currency": stored.settlement_currency, "deleted": False}
        before = StoredVersion(Version(stored.version_at, content_hash(values)), stored.version_at)
    row, read = decide(before, states, answers.get((account.id, ACCOUNT, account.external_id)))
    if read:
        return ReadRequest(account, ACCOUNT, account.external_id, before.version if before else None)
    if row is not None:
        objects.update_account(
            conn,
            account.id,
            version_at=row.version_at,
            standing=row.values["standing"],
            settlement_currency=row.values["settlement_currency"],
        )
    return None
