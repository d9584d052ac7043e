"""Signing in with Google: the round trip, bound to one browser, and whose account a Google identity opens."""

import datetime as dt
from dataclasses import dataclass
from uuid import UUID

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import Connection

from vaultra.db import accounts, identities, round_trips
from vaultra.db.round_trips import StartedSignIn
from vaultra.domain.accounts import User
from vaultra.domain.secret_tokens import hash_token, new_token
from vaultra.errors import Conflict, Forbidden, InvalidInput, Unauthorized, Unavailable
from vaultra.ports import IdentityProvider, Profile, SignInRequest
from vaultra.schemas import Email, HttpsUrl, Name

STATE_LIFETIME = dt.timedelta(minutes=10)
# Two callbacks for one new person need two looks; more means that somebody deletes what the other makes.
LOOKS = 3

_EMAIL = TypeAdapter(Email)
_NAME = TypeAdapter(Name)
_HTTPS_URL = TypeAdapter(HttpsUrl)


class StateExpired(InvalidInput):
    """The sign-in was never started in this browser, took longer than ten minutes, or was finished before."""


class NotVouched(Conflict):
    """The email has an account, and the provider can't vouch that its mailbox is still this person's."""


class Declined(Forbidden):
    """The person decided, at Google, not to sign in."""


@dataclass(frozen=True)
class Begun:
    """A started sign-in: where to send the browser, and the secret that stays in its cookie."""

    url: str
    browser_secret: str


@dataclass(frozen=True)
class Claimed:
    """A sign-in whose browser came back: what to ask the provider with, and where the person wanted to go."""

    request: SignInRequest
    next_path: str | None


def begin(
    conn: Connection, provider: IdentityProvider, *, redirect_uri: str, next_path: str | None, now: dt.datetime
) -> Begun:
    """Start a sign-in, good once, for ten minutes, in this browser.

    Args:
        next_path: The page of our own site to go to afterwards; None means the first one.

    Raises:
        Unavailable: the provider does not answer.
    """
    request = SignInRequest(state=new_token(), nonce=new_token(), code_verifier=new_token(), redirect_uri=redirect_uri)
    url, browser_secret = provider.authorize_url(request), new_token()
    round_trips.insert_state(
        conn,
        round_trips.SIGN_IN,
        state_hash=hash_token(request.state),
        browser_hash=hash_token(browser_secret),
        started=StartedSignIn(request.nonce, request.code_verifier, next_path),
        expires_at=now + STATE_LIFETIME,
    )
    return Begun(url, browser_secret)


def claim(conn: Connection, *, state: str, browser_secret: str | None, redirect_uri: str, now: dt.datetime) -> Claimed:
    """Use a state up: of two callbacks with the same one, the second gets nothing. Commit before asking Google.

    Args:
        browser_secret: What the browser's cookie says; None when it has none. Another browser than the one that
            started would be signed in as somebody else, and not know.

    Raises:
        StateExpired: there is no such sign-in in this browser, or no longer.
    """
    started = round_trips.take_state(
        conn,
        round_trips.SIGN_IN,
        state_hash=hash_token(state),
        browser_hash=hash_token(browser_secret or ""),
        now=now,
    )
    if started is None:
        raise StateExpired(
            "This sign-in was finished already, is older than ten minutes, or was started in another browser. "
            "Start again."
        )
    request = SignInRequest(
        state=state, nonce=started.nonce, code_verifier=started.code_verifier, redirect_uri=redirect_uri
    )
    return Claimed(request, started.next_path)


def identify(provider: IdentityProvider, claimed: Claimed, *, code: str, error: str) -> Profile:
    """Who came back, as the provider says.

    Args:
        code, error: What the browser brought along: one of the two, the other is empty.

    Raises:
        Declined: they did not agree.
        Unauthorized: the code, or what it stands for, is not good; or the provider reports another error.
        Unavailable: the provider does not answer.
    """
    if error == "access_denied":
        raise Declined("You did not agree to sign in with Google.")
    if error or not code:
        raise Unauthorized("Google did not sign you in. Start again.")
    return provider.identify(claimed.request, code)


def finish(conn: Connection, profile: Profile, now: dt.datetime) -> User:
    """The user this person is: known by issuer and subject, never by the email alone; made when they are new.

    An email opens an existing account only when both sides have proved it: Google runs its mailbox, and whoever
    made the account has shown that they read it. Otherwise somebody could register another's email with a password
    of their own, and wait until its owner signs in with Google; or keep a Google account on an address that has
    become somebody else's.

    Raises:
        Forbidden: Google has not verified the email, or it is none we can write to. Nothing is made or linked.
        Conflict: the email belongs to an account, and one of the two has not proved it, or the account signs in as
            somebody else at Google.
        Unavailable: the account changes at this very moment.
    """
    email = _accepted(_EMAIL, profile.email)
    if profile.email_verified is not True or email is None:
        raise Forbidden("Google has not verified this email address. Verify it there first, then try again.")
    for _ in range(LOOKS):
        user_id = (
            identities.find_user_id(conn, issuer=profile.issuer, subject=profile.subject)
            or _link(conn, profile, email, now)
            or _create(conn, profile, email, now)
        )
        user = None if user_id is None else accounts.find_user(conn, user_id)
        if user is not None:
            return user
    raise Unavailable("This account is being changed right now. Try again in a moment.", retry_after=5)


def _link(conn: Connection, profile: Profile, email: str, now: dt.datetime) -> UUID | None:
    """The user who has the email, now known by this identity; None when nobody has it, or another call was first."""
    owner = identities.lock_email_owner(conn, email)
    if owner is None:
        return None
    if identities.find_user_id(conn, issuer=profile.issuer, subject=profile.subject) is not None:
        return None
    if not owner.proven:
        raise Conflict(
            "There is an account with this email that was made with a password. Sign in with that password, or reset "
            "it by mail first: that proves the mailbox is yours, and signing in with Google works from then on."
        )
    if not profile.email_authoritative:
        raise NotVouched(
            "There is an account with this email. Sign in with its password, or choose a new one by mail: Google "
            "does not run this mailbox, so it can't tell that it is still yours."
        )
    if identities.is_linked(conn, user_id=owner.user_id, issuer=profile.issuer):
        # An address that Google now gives to somebody else: its new holder is not the account's owner.
        raise Conflict(
            "The account with this email signs in with another Google account. Use that one, or its password."
        )
    return owner.user_id if _insert_identity(conn, profile, owner.user_id, email, now) else None


def _create(conn: Connection, profile: Profile, email: str, now: dt.datetime) -> UUID | None:
    """A new user, known by this identity; None when another call was first."""
    savepoint = conn.begin_nested()
    user_id = identities.insert_user(
        conn,
        email=email,
        name=_accepted(_NAME, profile.name) or email.partition("@")[0],
        avatar_url=_accepted(_HTTPS_URL, profile.picture),
        proven=profile.email_authoritative,
        now=now,
    )
    if user_id is not None and _insert_identity(conn, profile, user_id, email, now):
        savepoint.commit()
        return user_id
    savepoint.rollback()
    return None


def _insert_identity(conn: Connection, profile: Profile, user_id: UUID, email: str, now: dt.datetime) -> bool:
    return identities.insert_identity(
        conn, issuer=profile.issuer, subject=profile.subject, user_id=user_id, email=email, now=now
    )


def _accepted(rule: TypeAdapter[str], text: str | None) -> str | None:
    try:
        return rule.validate_python(text)
    except ValidationError:
        return None
