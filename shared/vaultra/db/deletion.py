"""SQL that forgets a business or a person: what no foreign key reaches, and then the row all others hang on.

Rows are locked in the order in which those lock them who apply events: events, accounts, businesses.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection, TextClause, bindparam, delete, exists, func, or_, select, text
from sqlalchemy.dialects.postgresql import ARRAY, BIGINT, TEXT
from sqlalchemy.dialects.postgresql import UUID as PG_UUID

from vaultra.db import models
from vaultra.domain.accounts import Role

Account = models.IntegrationAccount
MessageStore = type[models.BrokerMessage] | type[models.DeadLetter]
BUSINESSES = bindparam("businesses", type_=ARRAY(PG_UUID))
NAMES = bindparam("names", type_=ARRAY(TEXT))


@dataclass(frozen=True)
class Mention:
    """A stored message in which a name was found."""

    id: int
    data: bytes


def lock_user(conn: Connection, user_id: UUID) -> str | None:
    """The user's email; nobody else touches the user, or what refers to them, until the transaction ends."""
    statement = select(models.User.email).where(models.User.id == user_id).with_for_update()
    return conn.execute(statement).scalar_one_or_none()


def list_business_ids(conn: Connection, user_id: UUID) -> list[UUID]:
    """The businesses the user is a member of."""
    membership = models.UserBusinessMembership
    statement = select(membership.business_id).where(membership.user_id == user_id).order_by(membership.business_id)
    return list(conn.scalars(statement))


def list_solely_owned(conn: Connection, user_id: UUID) -> list[UUID]:
    """The businesses that have the user as their only owner."""
    membership, other = models.UserBusinessMembership, models.UserBusinessMembership.__table__.alias("other")
    another_owner = exists().where(
        other.c.business_id == membership.business_id,
        other.c.user_id != user_id,
        other.c.role == Role.OWNER.value,
    )
    statement = (
        select(membership.business_id)
        .where(membership.user_id == user_id, membership.role == Role.OWNER.value, ~another_owner)
        .order_by(membership.business_id)
    )
    return list(conn.scalars(statement))


def lock_accounts(conn: Connection, business_ids: Collection[UUID]) -> None:
    """Wait for whoever applies events of these businesses or connects them, and keep everybody else from it."""
    ids = {"businesses": list(business_ids)}
    conn.execute(LOCK_EVENTS, ids)
    accounts = select(Account.id).where(Account.business_id == func.any(BUSINESSES)).order_by(Account.id)
    conn.execute(accounts.with_for_update(), ids)


def lock_businesses(conn: Connection, business_ids: Collection[UUID]) -> list[UUID]:
    """Make these businesses nobody else's; gives those that exist."""
    business = models.Business.id
    statement = select(business).where(business == func.any(BUSINESSES)).order_by(business).with_for_update()
    return list(conn.scalars(statement, {"businesses": list(business_ids)}))


def has_connection(conn: Connection, business_ids: Collection[UUID]) -> bool:
    """Whether one of the businesses is still connected to an outside account."""
    statement = select(Account.id).where(Account.business_id == func.any(BUSINESSES), Account.status != "disconnected")
    return conn.execute(statement, {"businesses": list(business_ids)}).first() is not None


def list_names(conn: Connection, business_ids: Collection[UUID]) -> set[str]:
    """By what a message may call one of the businesses: its id, or that of an account, a run or a mail of it."""
    rows = conn.execute(NAMES_OF, {"businesses": list(business_ids)})
    return {row.name for row in rows}


def list_user_names(conn: Connection, user_id: UUID, email: str) -> set[str]:
    """By what a message may call a user: their id, or that of a mail to them."""
    mail = models.Mail
    to_them = or_(mail.user_id == user_id, func.lower(mail.recipient) == func.lower(email))
    return {str(user_id), *(str(mail_id) for mail_id in conn.scalars(select(mail.id).where(to_them)))}


def delete_events(conn: Connection, business_ids: Collection[UUID]) -> None:
    """Forget the events of the businesses' accounts, unless another business has the account, and their dead letters.

    The other mode's events go too: nobody will ask for them.
    """
    ids = {"businesses": list(business_ids)}
    conn.execute(DELETE_EVENT_LETTERS, ids)
    conn.execute(DELETE_EVENTS, ids)


def list_mentions(conn: Connection, store: MessageStore, names: Iterable[str]) -> list[Mention]:
    """The stored messages in which one of these names stands."""
    return [Mention(row.id, row.data) for row in conn.execute(MENTIONING[store], {"names": list(names)})]


def delete_messages(conn: Connection, store: MessageStore, ids: Collection[int]) -> None:
    """Forget messages; the broker's deliveries first, as the broker does."""
    if store is models.BrokerMessage:
        conn.execute(delete(models.BrokerDelivery).where(models.BrokerDelivery.message_id.in_(ids)))
    conn.execute(delete(store).where(store.id.in_(ids)))


def take_names_out(conn: Connection, store: MessageStore, ids: Collection[int], names: Iterable[str]) -> None:
    """Let messages that say nothing but a list of `business_ids` go on without these names."""
    conn.execute(TAKING_OUT[store], {"ids": list(ids), "names": list(names)})


def delete_businesses(conn: Connection, business_ids: Collection[UUID]) -> None:
    """Forget businesses, and by foreign keys every row that says which business it is about."""
    statement = delete(models.Business).where(models.Business.id == func.any(BUSINESSES))
    conn.execute(statement, {"businesses": list(business_ids)})


def delete_user(conn: Connection, user_id: UUID, email: str) -> None:
    """Forget a user, what was sent to their address, and by foreign keys every row that says whose it is."""
    for model, column in ((models.Invitation, models.Invitation.email), (models.Mail, models.Mail.recipient)):
        conn.execute(delete(model).where(func.lower(column) == func.lower(email)))
    conn.execute(delete(models.User).where(models.User.id == user_id))


# Of an account's events, in either mode, those that no other business's connection stands for.
_EVENTS = """
    stripe_events event
    where event.account in (select external_id from integration_accounts where business_id = any(:businesses))
      and not exists (
          select from integration_accounts other
          where other.external_id = event.account and other.livemode = event.livemode
            and other.status <> 'disconnected' and other.business_id <> all(:businesses))
"""
# What is done is never locked by anybody who applies events.
LOCK_EVENTS = text(
    f"select from (select from {_EVENTS} and event.status <> 'done' order by event.id for update of event) locked"  # noqa: S608
).bindparams(BUSINESSES)
DELETE_EVENT_LETTERS = text(
    "delete from dead_letters where subscription = 'stripe-event-received.apply-stripe-event'"  # noqa: S608
    f" and message_id in (select 'event-' || event.id from {_EVENTS})"
).bindparams(BUSINESSES)
DELETE_EVENTS = text(f"delete from stripe_events where id in (select event.id from {_EVENTS})").bindparams(BUSINESSES)  # noqa: S608

NAMES_OF = text(
    """
    with account as (select id, external_id from integration_accounts where business_id = any(:businesses))
    select cast(id as text) as name from businesses where id = any(:businesses)
    union select cast(id as text) from account
    union select external_id from account
    union select cast(run.id as text) from sync_runs run join account on account.id = run.integration_account_id
    union select cast(id as text) from mails where business_id = any(:businesses)
    """
).bindparams(BUSINESSES)

# Every word of a message is looked up at once, whatever the message is about and whether or not it is JSON.
_MENTIONING = """
    select id, data from {table} message
    where exists (
        select from regexp_matches(
            concat_ws(' ', encode(data, 'escape'), attributes, ordering_key {more}), '[A-Za-z0-9_-]+', 'g') found(word)
        where word[1] = any(:names))
    order by id
"""
# Read and written by one statement, so that of two businesses deleted at once neither name comes back.
_TAKING_OUT = """
    update {table} set data = convert_to(cast(jsonb_build_object(
        'business_ids', (cast(convert_from(data, 'UTF8') as jsonb) -> 'business_ids') - :names) as text), 'UTF8')
    where id = any(:ids)
"""
MENTIONING: dict[MessageStore, TextClause] = {
    models.BrokerMessage: text(_MENTIONING.format(table="broker_messages", more="")).bindparams(NAMES),
    models.DeadLetter: text(_MENTIONING.format(table="dead_letters", more=", error")).bindparams(NAMES),
}
TAKING_OUT: dict[MessageStore, TextClause] = {
    store: text(_TAKING_OUT.format(table=store.__tablename__)).bindparams(NAMES, bindparam("ids", type_=ARRAY(BIGINT)))
    for store in MENTIONING
}
