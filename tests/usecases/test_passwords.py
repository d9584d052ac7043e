"""Choosing a new password through a link: once, within the hour, and everybody else is out."""

import datetime as dt
from concurrent.futures import Future, ThreadPoolExecutor
from uuid import UUID

import pytest
from sqlalchemy import Connection, Engine, func, select, text

from vaultra.db import accounts, identities, models
from vaultra.db.passwords import set_password
from vaultra.domain.accounts import hash_address
from vaultra.errors import InvalidInput
from vaultra.usecases import passwords, resets, sessions

NOON = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
SECRETS = ["a-secret-of-the-tests-with-32-bytes"]


def a_user(db: Connection, email: str = "Ana@example.com") -> UUID:
    user = accounts.insert_user(db, email=email, name="Ana", password_hash="old", now=NOON)
    assert user is not None
    return user.id


def a_link(db: Connection, email: str = "ana@example.com", now: dt.datetime = NOON) -> str:
    reset = resets.write(db, email, now)
    assert reset is not None
    return reset.token


def reset(db: Connection, token: str, now: dt.datetime = NOON, password_hash: str = "new") -> UUID:
    return passwords.reset(db, token=token, password_hash=password_hash, address="192.0.2.9", now=now)


def password(db: Connection, user_id: UUID) -> str | None:
    return db.execute(select(models.User.password_hash).where(models.User.id == user_id)).scalar_one()


def test_a_token_is_unguessable_and_sent_to_the_accounts_own_address(db: Connection) -> None:
    a_user(db)
    found = [resets.write(db, "ANA@example.COM", NOON) for _ in range(2)]
    assert [reset.email for reset in found if reset is not None] == ["Ana@example.com"] * 2
    tokens = {reset.token for reset in found if reset is not None}
    assert {len(token) for token in tokens} == {43}  # 256 bits
    assert len(tokens) == 2
    assert resets.write(db, "nobody@example.com", NOON) is None


def test_a_link_sets_the_password_and_asks_for_the_notice(db: Connection) -> None:
    user_id = a_user(db)
    notice = reset(db, a_link(db))
    assert password(db, user_id) == "new"
    row = db.execute(select(models.Mail.kind, models.Mail.recipient, models.Mail.user_id, models.Mail.facts)).one()
    assert tuple(row) == ("password_changed", "Ana@example.com", user_id, {"changed_at": "2026-11-20T12:00:00+00:00"})
    assert list(db.scalars(select(models.Mail.id))) == [notice]


def test_an_account_without_a_password_gets_one(db: Connection) -> None:
    user_id = a_user(db)
    db.execute(text("update users set password_hash = null where id = :id"), {"id": user_id})
    reset(db, a_link(db))
    assert password(db, user_id) == "new"


@pytest.mark.parametrize("known", [None, NOON - HOUR], ids=["first time", "before"])
def test_it_proves_the_mailbox(db: Connection, known: dt.datetime | None) -> None:
    user_id = a_user(db)
    db.execute(text("update users set email_verified_at = :at where id = :id"), {"at": known, "id": user_id})
    reset(db, a_link(db))
    found = db.execute(select(models.User.email_verified_at).where(models.User.id == user_id)).scalar_one()
    assert found == (known or NOON)


def test_a_link_works_until_the_hour_is_over(db: Connection) -> None:
    user_id = a_user(db)
    token = a_link(db)
    almost = NOON + HOUR - dt.timedelta(microseconds=1)
    resets.check(db, token, almost)
    for late in (NOON + HOUR, NOON + 2 * HOUR):
        with pytest.raises(InvalidInput, match="older than an hour"):
            resets.check(db, token, late)
        with pytest.raises(InvalidInput, match="older than an hour"):
            reset(db, token, late)
    assert password(db, user_id) == "old"
    reset(db, token, almost)
    assert password(db, user_id) == "new"


def test_a_link_works_once_and_ends_the_others(db: Connection) -> None:
    user_id = a_user(db)
    first, second = a_link(db), a_link(db)
    resets.check(db, first, NOON)  # looking does not use it up
    reset(db, first)
    for used in (first, second):
        with pytest.raises(InvalidInput):
            resets.check(db, used, NOON)
        with pytest.raises(InvalidInput):
            reset(db, used, password_hash="newer")
    assert password(db, user_id) == "new"


@pytest.mark.parametrize("token", ["", "x" * 43, "../../etc", "Ä\u0000"], ids=["empty", "wrong", "path", "other signs"])
def test_a_token_that_never_was_says_the_same(db: Connection, token: str) -> None:
    a_user(db)
    a_link(db)
    with pytest.raises(InvalidInput) as raised:
        resets.check(db, token, NOON)
    assert raised.value.message == "This link was used already, or is older than an hour: ask for a new one."
    assert raised.value.details["field"] == "token"


def test_the_stored_hash_is_no_token(db: Connection) -> None:
    a_user(db)
    a_link(db)
    stored = db.execute(select(models.PasswordReset.token_hash)).scalar_one()
    with pytest.raises(InvalidInput):
        resets.check(db, stored, NOON)


def test_whoever_came_in_before_is_out_and_nobody_else(db: Connection) -> None:
    ana, bo = a_user(db), a_user(db, "bo@example.com")
    for user_id in (ana, ana, bo):
        user = accounts.find_user(db, user_id)
        assert user is not None
        sessions.begin(db, user, address="192.0.2.1", secrets=SECRETS, now=NOON)
        business = accounts.insert_business(db, user_id, {"name": "Shop"}, NOON)
        db.execute(
            text(
                "insert into personal_access_tokens"
                " (id, user_id, business_id, name, token_hash, created_at, expires_at)"
                " values (gen_random_uuid(), :user, :business, 't', 'h', :now, :now)"
            ),
            {"user": user_id, "business": business.id, "now": NOON},
        )
    theirs = a_link(db, "bo@example.com")
    reset(db, a_link(db))
    for model in (models.PersonalAccessToken, models.PasswordReset):
        assert set(db.scalars(select(model.user_id))) == {bo}, model.__tablename__
    assert set(db.scalars(select(models.Session.user_id).where(models.Session.expires_at > NOON))) == {bo}
    resets.check(db, theirs, NOON)
    assert password(db, bo) == "old"


def test_a_link_of_an_account_that_is_gone_is_not_good(db: Connection) -> None:
    user_id = a_user(db)
    token = a_link(db)
    db.execute(text("delete from users where id = :id"), {"id": user_id})
    with pytest.raises(InvalidInput):
        reset(db, token)


def test_who_comes_while_a_link_is_being_used_up_is_too_late(fresh_engine: Engine) -> None:
    with fresh_engine.begin() as conn:
        a_user(conn)
        token = a_link(conn)

    def attempt() -> None:
        with fresh_engine.begin() as conn:
            reset(conn, token, password_hash="late")

    with ThreadPoolExecutor(1) as thread:
        with fresh_engine.begin() as conn:
            user_id = resets.take(conn, token, NOON)
            late = thread.submit(attempt)
            wait_until_blocked(fresh_engine, late)
        with pytest.raises(InvalidInput):
            late.result(20)
    with fresh_engine.connect() as conn:
        assert password(conn, user_id) == "old"


def test_an_account_deleted_meanwhile_waits_its_turn(fresh_engine: Engine) -> None:
    with fresh_engine.begin() as conn:
        a_user(conn)
        token = a_link(conn)

    def delete(user_id: UUID) -> None:
        with fresh_engine.begin() as conn:
            conn.execute(text("delete from users where id = :id"), {"id": user_id})

    with ThreadPoolExecutor(1) as thread:
        with fresh_engine.begin() as conn:
            user_id = resets.take(conn, token, NOON)
            deletion = thread.submit(delete, user_id)
            wait_until_blocked(fresh_engine, deletion)
            assert set_password(conn, user_id, "new", NOON) == ("Ana@example.com", True)
        deletion.result(20)
    with fresh_engine.connect() as conn:
        assert conn.execute(select(func.count()).select_from(models.User)).scalar_one() == 0


def wait_until_blocked(engine: Engine, work: "Future[None]") -> None:
    """Return once some statement waits for a lock of another transaction."""
    waiting = text("select count(*) from pg_locks where not granted")
    with engine.connect() as watcher:
        while watcher.execute(waiting).scalar_one() == 0:
            assert not work.done()
            watcher.rollback()


@pytest.mark.parametrize("links", [1, 10], ids=["the same link", "ten links of one user"])
def test_of_ten_at_once_one_succeeds(fresh_engine: Engine, links: int) -> None:
    with fresh_engine.begin() as conn:
        user_id = a_user(conn)
        tokens = [a_link(conn) for _ in range(links)] * (10 // links)

    def attempt(number: int) -> bool:
        try:
            with fresh_engine.begin() as conn:
                reset(conn, tokens[number], password_hash=f"new {number}")
        except InvalidInput:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        won = [number for number, success in enumerate(threads.map(attempt, range(10))) if success]
    with fresh_engine.connect() as conn:
        assert len(won) == 1
        assert password(conn, user_id) == f"new {won[0]}"
        assert conn.execute(select(func.count()).select_from(models.Mail)).scalar_one() == 1
        deadlocks = conn.execute(text("select deadlocks from pg_stat_database where datname = current_database()"))
        assert deadlocks.scalar_one() == 0
    print(f"\n10 uses at once of {links} link(s): {len(won)} winner, 0 deadlocks")


@pytest.mark.parametrize(("proven", "linked"), [(True, 1), (False, 0)])
def test_the_first_proof_of_the_mailbox_throws_out_who_came_without_one(
    db: Connection, proven: bool, linked: int
) -> None:
    """Else who made the account through Google with another's address would keep the way in."""
    user_id = a_user(db)
    identities.insert_identity(db, issuer="google", subject="1", user_id=user_id, email="ana@example.com", now=NOON)
    verified_at = NOON - HOUR if proven else None
    db.execute(text("update users set email_verified_at = :at where id = :id"), {"at": verified_at, "id": user_id})
    reset(db, a_link(db))
    assert db.scalar(select(func.count()).select_from(models.Identity)) == linked


def test_where_the_link_was_used_is_familiar(db: Connection) -> None:
    a_user(db)
    reset(db, a_link(db))
    familiar = {
        address: accounts.find_credentials(db, "ana@example.com", hash_address(address))
        for address in ("192.0.2.9", "192.0.2.8")
    }
    assert [found.familiar for found in familiar.values() if found is not None] == [True, False]
