"""Whose account a Google identity opens, and which round trips may be finished."""

import datetime as dt
import secrets
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, Engine, text

from tests.openid import FakeGoogle
from vaultra.errors import Conflict, Forbidden, Unauthorized, Unavailable
from vaultra.ports import Profile
from vaultra.usecases import google_sign_in
from vaultra.usecases.google_sign_in import Declined, NotVouched, StateExpired

NOW = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
SECOND = dt.timedelta(seconds=1)
REDIRECT = "https://api.test/callback"
ISSUER = "https://accounts.google.com"


def profile(**changes: Any) -> Profile:
    name = secrets.token_hex(8)
    made = Profile(
        ISSUER,
        name,
        f"{name}@example.com",
        email_verified=True,
        email_authoritative=True,
        name="Ana Lima",
        picture=None,
    )
    return replace(made, **changes)


def new_user(db: Connection, email: str, *, proven: bool, password_hash: str | None = "a-hash") -> UUID:
    statement = text(
        "insert into users (email, name, password_hash, email_verified_at)"
        " values (:email, 'Ana', :hash, :at) returning id"
    )
    values = {"email": email, "hash": password_hash, "at": NOW - dt.timedelta(days=1) if proven else None}
    found: UUID = db.execute(statement, values).scalar_one()
    return found


def counts(db: Connection) -> tuple[int, int]:
    """How many users and identities there are."""
    row = db.execute(text("select (select count(*) from users) u, (select count(*) from identities) i")).one()
    return row.u, row.i


def user_row(db: Connection, user_id: UUID) -> dict[str, Any]:
    return dict(db.execute(text("select * from users where id = :id"), {"id": user_id}).mappings().one())


# --- The round trip --------------------------------------------------------------------------


def begin(db: Connection, google: FakeGoogle | None = None, next_path: str | None = None) -> tuple[str, str]:
    """A started sign-in: its state and its browser's secret."""
    begun = google_sign_in.begin(db, google or FakeGoogle(), redirect_uri=REDIRECT, next_path=next_path, now=NOW)
    return begun.url.rpartition("state=")[2], begun.browser_secret


def claim(db: Connection, state: str, browser: str | None, now: dt.datetime = NOW) -> google_sign_in.Claimed:
    return google_sign_in.claim(db, state=state, browser_secret=browser, redirect_uri=REDIRECT, now=now)


def test_a_round_trip_comes_back_with_what_it_was_started_with(db: Connection) -> None:
    state, browser = begin(db, next_path="/settings/")
    claimed = claim(db, state, browser)
    assert claimed.next_path == "/settings/"
    assert (claimed.request.state, claimed.request.redirect_uri) == (state, REDIRECT)
    unguessable = {state, browser, claimed.request.nonce, claimed.request.code_verifier}
    assert len(unguessable) == 4
    assert {len(secret) for secret in unguessable} == {43}


def test_neither_state_nor_cookie_is_stored(db: Connection) -> None:
    state, browser = begin(db)
    stored = db.execute(text("select s::text from sign_in_states s")).scalar_one()
    assert state not in stored
    assert browser not in stored


def test_a_state_works_once(db: Connection) -> None:
    state, browser = begin(db)
    claim(db, state, browser)
    with pytest.raises(StateExpired):
        claim(db, state, browser)


def test_a_state_works_for_ten_minutes(db: Connection) -> None:
    first, second = begin(db), begin(db)
    claim(db, *first, now=NOW + dt.timedelta(minutes=10) - SECOND)
    with pytest.raises(StateExpired):
        claim(db, *second, now=NOW + dt.timedelta(minutes=10))


@pytest.mark.parametrize("state", ["", "guessed", "é\x00", "x" * 200])
def test_a_state_that_nobody_started_is_refused(db: Connection, state: str) -> None:
    _, browser = begin(db)
    with pytest.raises(StateExpired):
        claim(db, state, browser)


def test_another_browser_can_neither_finish_a_sign_in_nor_spoil_it(db: Connection) -> None:
    (state, browser), (_, another) = begin(db), begin(db)
    for wrong in (another, None, "", browser.lower()):
        with pytest.raises(StateExpired):
            claim(db, state, wrong)
    assert claim(db, state, browser)


def test_while_google_is_down_nothing_is_started(db: Connection) -> None:
    google = FakeGoogle()
    google.failure = Unavailable("Google does not answer")
    with pytest.raises(Unavailable):
        begin(db, google)
    assert db.execute(text("select count(*) from sign_in_states")).scalar_one() == 0


@pytest.mark.parametrize(
    ("code", "error", "refused"),
    [
        ("", "access_denied", Declined),
        ("a-code", "access_denied", Declined),
        ("", "server_error", Unauthorized),
        ("a-code", "server_error", Unauthorized),
        ("", "", Unauthorized),
    ],
)
def test_who_comes_back_without_a_code_is_nobody(
    db: Connection, code: str, error: str, refused: type[Exception]
) -> None:
    google = FakeGoogle(profile())
    with pytest.raises(refused):
        google_sign_in.identify(google, claim(db, *begin(db)), code=code, error=error)
    assert google.asked == []


# --- Whose account it is ---------------------------------------------------------------------


def test_somebody_new_becomes_a_user_without_a_password(db: Connection) -> None:
    person = profile(email="Ana@Example.com", picture="https://img.example.com/a.png?s=96")
    user = google_sign_in.finish(db, person, NOW)
    assert (user.email, user.name, user.avatar_url) == ("Ana@Example.com", "Ana Lima", person.picture)
    row = user_row(db, user.id)
    assert (row["password_hash"], row["email_verified_at"], row["created_at"]) == (None, NOW, NOW)
    assert counts(db) == (1, 1)


@pytest.mark.parametrize("name", ["", " ", "two\nlines", "turned\u202eround", "x" * 201])
def test_a_name_that_is_none_becomes_the_part_before_the_at(db: Connection, name: str) -> None:
    assert google_sign_in.finish(db, profile(email="ana.lima@example.com", name=name), NOW).name == "ana.lima"


@pytest.mark.parametrize(
    "picture",
    [None, "", "http://img.example.com/a.png", "javascript:alert(1)", "https://u:p@img.example.com/", "https://x/\x00"],
)
def test_a_picture_that_is_not_on_https_is_left_aside(db: Connection, picture: str | None) -> None:
    assert google_sign_in.finish(db, profile(picture=picture), NOW).avatar_url is None


def test_the_same_identity_is_the_same_user_whatever_became_of_the_email(db: Connection) -> None:
    person = profile()
    user = google_sign_in.finish(db, person, NOW)
    rival = google_sign_in.finish(db, profile(), NOW)
    for email in ("new@example.com", rival.email):
        again = google_sign_in.finish(db, replace(person, email=email, name="Another"), NOW + SECOND)
        assert again == user
    assert counts(db) == (2, 2)


def test_another_issuers_subject_is_somebody_else(db: Connection) -> None:
    person = profile()
    user = google_sign_in.finish(db, person, NOW)
    other = replace(person, issuer="https://issuer.test", email="other@example.com")
    assert google_sign_in.finish(db, other, NOW).id != user.id


@pytest.mark.parametrize("known", ["nobody", "unproven", "proven", "identity"])
@pytest.mark.parametrize("claim", [False, None, "true", 1])
def test_an_email_that_google_did_not_verify_opens_and_makes_nothing(db: Connection, known: str, claim: Any) -> None:
    person = profile()
    if known == "identity":
        google_sign_in.finish(db, person, NOW)
    elif known != "nobody":
        new_user(db, person.email, proven=known == "proven")
    before = counts(db)
    with pytest.raises(Forbidden):
        google_sign_in.finish(db, replace(person, email_verified=claim), NOW)
    assert counts(db) == before


@pytest.mark.parametrize(
    "email", ["", "ana", "ana@localhost", "a\x00@example.com", "ana@exa mple.com", "a" * 250 + "@x.yz"]
)
def test_an_email_that_is_none_makes_nothing(db: Connection, email: str) -> None:
    with pytest.raises(Forbidden):
        google_sign_in.finish(db, profile(email=email), NOW)
    assert counts(db) == (0, 0)


@pytest.mark.parametrize("changed", [str.lower, str.upper, str.swapcase], ids=["lower", "upper", "swapped"])
def test_an_account_that_proved_its_mailbox_is_linked(db: Connection, changed: Any) -> None:
    user_id = new_user(db, "Ana.Lima@Example.com", proven=True)
    person = profile(email=changed("Ana.Lima@Example.com"))
    for _ in range(2):
        assert google_sign_in.finish(db, person, NOW).id == user_id
    row = user_row(db, user_id)
    assert (row["email"], row["name"], row["password_hash"]) == ("Ana.Lima@Example.com", "Ana", "a-hash")
    assert counts(db) == (1, 1)


@pytest.mark.parametrize("changed", [str.lower, str.upper], ids=["lower", "upper"])
def test_an_account_that_never_proved_its_mailbox_is_not(db: Connection, changed: Any) -> None:
    new_user(db, "Ana.Lima@Example.com", proven=False)
    with pytest.raises(Conflict, match="reset it by mail"):
        google_sign_in.finish(db, profile(email=changed("Ana.Lima@Example.com")), NOW)
    assert counts(db) == (1, 0)


def test_a_mailbox_that_google_does_not_run_opens_no_account(db: Connection) -> None:
    """Who verified an address at Google years ago may not read it any more; who has it now has the account."""
    person = profile(email_authoritative=False)
    new_user(db, person.email, proven=True)
    with pytest.raises(NotVouched):
        google_sign_in.finish(db, person, NOW)
    assert counts(db) == (1, 0)


def test_a_new_account_on_a_mailbox_that_google_does_not_run_has_not_proved_it(db: Connection) -> None:
    user = google_sign_in.finish(db, profile(email_authoritative=False), NOW)
    assert user_row(db, user.id)["email_verified_at"] is None


def test_an_account_that_signs_in_with_google_is_not_given_to_another_google_account(db: Connection) -> None:
    person = profile()
    google_sign_in.finish(db, person, NOW)
    with pytest.raises(Conflict):
        google_sign_in.finish(db, replace(person, subject="another"), NOW)
    assert counts(db) == (1, 1)


# --- At once ---------------------------------------------------------------------------------


def together(engine: Engine, people: list[Profile]) -> list[UUID | str]:
    """What each gets, all finishing at once."""

    def finish(person: Profile) -> UUID | str:
        with engine.begin() as db:
            try:
                return google_sign_in.finish(db, person, NOW).id
            except Conflict as error:
                return error.code

    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(finish, people))


def test_of_many_callbacks_for_one_new_person_all_are_the_same_user(fresh_engine: Engine) -> None:
    for round_number in range(1, 6):
        assert (
            len(set(together(fresh_engine, [profile(subject=f"s{round_number}", email=f"e{round_number}@x.yz")] * 8)))
            == 1
        )
        with fresh_engine.connect() as db:
            assert counts(db) == (round_number, round_number)


def test_of_many_callbacks_for_one_account_all_are_its_user(fresh_engine: Engine) -> None:
    with fresh_engine.begin() as db:
        user_id = new_user(db, "ana@example.com", proven=True)
    assert set(together(fresh_engine, [profile(subject="ana", email="ana@example.com")] * 8)) == {user_id}
    with fresh_engine.connect() as db:
        assert counts(db) == (1, 1)


def test_of_several_google_accounts_with_one_email_one_gets_it(fresh_engine: Engine) -> None:
    people = [profile(email="ana@example.com") for _ in range(8)]
    got = together(fresh_engine, people)
    assert got.count("CONFLICT") == 7
    with fresh_engine.connect() as db:
        assert counts(db) == (1, 1)


def test_of_several_google_accounts_one_is_linked_to_an_account(fresh_engine: Engine) -> None:
    for number in range(5):
        email = f"ana{number}@example.com"
        with fresh_engine.begin() as db:
            user_id = new_user(db, email, proven=True)
        got = together(fresh_engine, [profile(email=email) for _ in range(8)])
        assert (got.count("CONFLICT"), got.count(user_id)) == (7, 1)


def test_one_google_account_with_several_emails_at_once_is_one_user(fresh_engine: Engine) -> None:
    for turn in range(1, 11):
        people = [profile(subject=f"ana{turn}", email=f"ana{turn}.{number}@example.com") for number in range(8)]
        assert len(set(together(fresh_engine, people))) == 1
        with fresh_engine.connect() as db:
            assert counts(db) == (turn, turn)
