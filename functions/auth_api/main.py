"""Sign up, log in, say who is signed in."""

from vaultra import auth
from vaultra.entrypoints import Access, Call, Routes, http_function
from vaultra.schemas import Body, Email, Name, NewPassword, Password, ProfileReply, Reply, UserReply
from vaultra.usecases import accounts

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


@routes.post("/api/v1/auth/signup", access=Access.PUBLIC, status=201, errors=(409,))
def signup(call: Call, body: SignupBody) -> SessionReply:
    """Create an account."""
    password_hash = auth.hash_password(body.password)
    user = accounts.sign_up(call.db, email=body.email, name=body.name, password_hash=password_hash, now=call.now)
    return SessionReply(user=UserReply.of(user), token=auth.issue_token(user, call.services.auth.jwt_secrets, call.now))


@routes.post("/api/v1/auth/login", access=Access.PUBLIC)
def login(call: Call, body: LoginBody) -> SessionReply:
    """Sign in with email and password."""
    credentials = accounts.find_credentials(call.db, body.email)
    call.commit()  # gives the connection back: checking the password takes a quarter of a second
    user = accounts.log_in(credentials, body.password)
    return SessionReply(user=UserReply.of(user), token=auth.issue_token(user, call.services.auth.jwt_secrets, call.now))


@routes.get("/api/v1/auth/me", access=Access.USER)
def me(call: Call) -> ProfileReply:
    """Who is signed in, and their businesses."""
    return ProfileReply.of(*accounts.get_profile(call.db, call.caller.user_id))


auth_api = http_function("auth_api", routes)
