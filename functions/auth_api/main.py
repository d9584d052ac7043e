"""Sign up, log in and out, say who is signed in."""

import datetime as dt
from typing import Annotated
from urllib.parse import urlencode, urlsplit

from pydantic import Field

from vaultra import auth
from vaultra.domain.accounts import User
from vaultra.domain.limits import (
    GOOGLE_BY_ADDRESS,
    RESET_BY_ADDRESS,
    RESET_BY_EMAIL,
    SIGNUP_BY_ADDRESS,
    TOKEN_TRIES_BY_ADDRESS,
)
from vaultra.domain.own_paths import own_path
from vaultra.entrypoints import Access, Call, Redirect, Routes, http_function
from vaultra.errors import Conflict, Forbidden, RateLimited, Unauthorized, Unavailable, VaultraError
from vaultra.schemas import Body, Email, Name, NewPassword, Params, Password, ProfileReply, Reply, UserReply
from vaultra.usecases import accounts, google_sign_in, limits, mailing, passwords, resets, sessions

routes = Routes()


class SignupBody(Body):
    """A new account. The email is trimmed, and unique without regard to case."""

    email: Email
    password: NewPassword
    name: Name


class LoginBody(Body):
    """An account's email, in whatever case, and its password."""

    email: Email
    password: Password


class ForgotBody(Body):
    """The email of an account whose password is forgotten."""

    email: Email


class ResetBody(Body):
    """The token of a mailed link, and the password from now on."""

    token: Annotated[str, Field(min_length=1, max_length=200)]
    password: NewPassword


class SessionReply(Reply):
    """A signed-in user, and the bearer token of the next seven days."""

    user: UserReply
    token: str


class TokenReply(Reply):
    """A bearer token in place of the one that asked."""

    token: str


@routes.post("/api/v1/auth/signup", access=Access.PUBLIC, status=201, errors=(409, 429))
def signup(call: Call, body: SignupBody) -> SessionReply:
    """Create an account."""
    limits.take(call.db, call.now, SIGNUP_BY_ADDRESS.of(call.address))
    call.commit()  # keeps the count, and gives the connection back: hashing takes a quarter of a second
    password_hash = auth.hash_password(body.password)
    user = accounts.sign_up(call.db, email=body.email, name=body.name, password_hash=password_hash, now=call.now)
    return _begin_session(call, user)


@routes.post("/api/v1/auth/login", access=Access.PUBLIC, errors=(401, 429))
def login(call: Call, body: LoginBody) -> SessionReply:
    """Sign in with email and password."""
    attempt = accounts.begin_login(call.db, email=body.email, address=call.address, now=call.now)
    call.commit()  # keeps the count, and gives the connection back: checking the password takes a quarter of a second
    user = accounts.log_in(attempt, body.password)
    limits.forgive(call.db, attempt.allowance)
    return _begin_session(call, user)


@routes.post("/api/v1/auth/refresh", access=Access.USER)
def refresh(call: Call) -> TokenReply:
    """Get a new token; the old one is good for another minute. Thirty days after signing in, sign in again."""
    secrets = call.services.auth.jwt_secrets
    return TokenReply(token=sessions.refresh(call.db, call.caller, secrets=secrets, now=call.now))


@routes.post("/api/v1/auth/logout", access=Access.USER)
def logout(call: Call) -> None:
    """End this session: its token is dead from now on."""
    sessions.end(call.db, call.caller, call.now)


@routes.get("/api/v1/auth/me", access=Access.USER)
def me(call: Call) -> ProfileReply:
    """Who is signed in, and their businesses."""
    return ProfileReply.of(call.profile)


# --- a forgotten password ----------------------------------------------------------------------


@routes.post("/api/v1/auth/password/forgot", access=Access.PUBLIC, status=202, errors=(429,))
def forgot_password(call: Call, body: ForgotBody) -> None:
    """Send a link to choose a new password, if the address has an account; the answer never tells whether it has."""
    limits.take(call.db, call.now, RESET_BY_ADDRESS.of(call.address), RESET_BY_EMAIL.of(body.email.lower()))
    call.commit()
    mail_id = mailing.request(call.db, kind="password_reset", recipient=body.email, now=call.now)
    call.publish(mailing.TOPIC, {"mail_id": str(mail_id)})


@routes.post("/api/v1/auth/password/reset", access=Access.PUBLIC, errors=(429,))
def reset_password(call: Call, body: ResetBody) -> None:
    """Choose a new password through a mailed link; whoever was signed in is signed out."""
    limits.take(call.db, call.now, TOKEN_TRIES_BY_ADDRESS.of(call.address))
    call.commit()
    resets.check(call.db, body.token, call.now)
    call.commit()  # gives the connection back: hashing takes a quarter of a second
    password_hash = auth.hash_password(body.password)
    notice = passwords.reset(call.db, token=body.token, password_hash=password_hash, address=call.address, now=call.now)
    call.publish(mailing.TOPIC, {"mail_id": str(notice)})


def _begin_session(call: Call, user: User, *, lifetime: dt.timedelta = auth.TOKEN_LIFETIME) -> SessionReply:
    secrets = call.services.auth.jwt_secrets
    token = sessions.begin(call.db, user, address=call.address, secrets=secrets, now=call.now, lifetime=lifetime)
    return SessionReply(user=UserReply.of(user), token=token)


# --- Google ----------------------------------------------------------------------------------

GOOGLE_CALLBACK = "/auth/callback/google"
GOOGLE_COOKIE = "vaultra_google"
# The first that fits, as the site's page knows it.
GOOGLE_ERRORS: dict[type[VaultraError], str] = {
    google_sign_in.Declined: "google_denied",
    google_sign_in.StateExpired: "google_expired",
    Forbidden: "google_unverified",
    google_sign_in.NotVouched: "google_use_password",
    Conflict: "google_account_exists",
    Unauthorized: "google_failed",
    RateLimited: "google_unavailable",
    Unavailable: "google_unavailable",
}


class GoogleParams(Params):
    """The page of our own site to go to once signed in; left aside when it is anything else."""

    next: Annotated[str, Field(max_length=2000)] = ""


class GoogleCallbackParams(Params):
    """What Google sends the browser back with: a code, or an error; the state always."""

    state: Annotated[str, Field(max_length=200)] = ""
    code: Annotated[str, Field(max_length=2000)] = ""
    error: Annotated[str, Field(max_length=200)] = ""


@routes.get("/api/v1/auth/google", access=Access.PUBLIC, redirects=True, errors=(429,))
def begin_google_sign_in(call: Call, params: GoogleParams) -> Redirect:
    """Go to Google to sign in, or to sign up."""
    callback = call.services.site.public_api_url + GOOGLE_CALLBACK
    try:
        limits.take(call.db, call.now, GOOGLE_BY_ADDRESS.of(call.address))
        call.commit()  # keeps the count, and gives the connection back: Google may have to be asked where it signs in
        begun = google_sign_in.begin(
            call.db, call.services.google, redirect_uri=callback, next_path=own_path(params.next), now=call.now
        )
    except (RateLimited, Unavailable) as error:
        return _without_google(call, error)
    seconds = int(google_sign_in.STATE_LIFETIME.total_seconds())
    call.set_cookie(GOOGLE_COOKIE, begun.browser_secret, path=urlsplit(callback).path, seconds=seconds)
    return Redirect(begun.url)


@routes.get("/api/v1/auth/callback/google", access=Access.PUBLIC, redirects=True, errors=(401, 403, 409))
def finish_google_sign_in(call: Call, params: GoogleCallbackParams) -> SessionReply | Redirect:
    """Where Google sends the browser back: sign in, and hand the token to the site behind the `#`.

    That token is good for a minute: the site refreshes it at once, because a browser's history keeps addresses.
    """
    callback = call.services.site.public_api_url + GOOGLE_CALLBACK
    browser_secret = call.cookie(GOOGLE_COOKIE)
    call.set_cookie(GOOGLE_COOKIE, "", path=urlsplit(callback).path, seconds=0)
    try:
        claimed = google_sign_in.claim(
            call.db, state=params.state, browser_secret=browser_secret, redirect_uri=callback, now=call.now
        )
        call.commit()  # whatever Google says, this state is used up
        profile = google_sign_in.identify(call.services.google, claimed, code=params.code, error=params.error)
        user = google_sign_in.finish(call.db, profile, call.now)
    except VaultraError as error:
        return _without_google(call, error)
    if call.accepts_json:
        return _begin_session(call, user)
    session = _begin_session(call, user, lifetime=sessions.LANDING)
    landing = {"token": session.token} | ({} if claimed.next_path is None else {"next": claimed.next_path})
    return Redirect(f"{call.services.site.site_url}/auth/callback/google/#{urlencode(landing)}")


def _without_google(call: Call, error: VaultraError) -> Redirect:
    """Back to the page to sign in, which says in its own words what went wrong; a script gets the error itself."""
    reason = next((reason for kind, reason in GOOGLE_ERRORS.items() if isinstance(error, kind)), None)
    if reason is None or call.accepts_json:
        raise error
    call.rollback()
    return Redirect(f"{call.services.site.site_url}/auth/login/?{urlencode({'error': reason})}")


auth_api = http_function("auth_api", routes)
