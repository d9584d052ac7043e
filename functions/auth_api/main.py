"""Sign up, log in and out, say who is signed in."""

from vaultra import auth
from vaultra.domain.accounts import User
from vaultra.domain.limits import SIGNUP_BY_ADDRESS
from vaultra.entrypoints import Access, Call, Routes, http_function
from vaultra.schemas import Body, Email, Name, NewPassword, Password, ProfileReply, Reply, UserReply
from vaultra.usecases import accounts, limits, sessions

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
    return ProfileReply.of(*accounts.get_profile(call.db, call.caller.user_id))


def _begin_session(call: Call, user: User) -> SessionReply:
    secrets = call.services.auth.jwt_secrets
    token = sessions.begin(call.db, user, address=call.address, secrets=secrets, now=call.now)
    return SessionReply(user=UserReply.of(user), token=token)


auth_api = http_function("auth_api", routes)
