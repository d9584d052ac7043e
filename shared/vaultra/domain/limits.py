"""How often something may be done, and the limits there are."""

import datetime as dt
import hashlib
from dataclasses import dataclass


@dataclass(frozen=True)
class Use:
    """One use of a limit by somebody. `key` tells neither address nor email: it holds a hash."""

    key: str
    spacing: dt.timedelta
    per: dt.timedelta


@dataclass(frozen=True)
class Limit:
    """`calls` may be made at once; after that one more every `per / calls` (the generic cell rate algorithm)."""

    name: str
    calls: int
    per: dt.timedelta

    def of(self, subject: str) -> Use:
        """One use of this limit by `subject`: an address, an email in lower case, an id."""
        digest = hashlib.sha256(subject.encode("utf-8")).hexdigest()[:32]
        return Use(f"{self.name}:{digest}", self.per / self.calls, self.per)


_QUARTER = dt.timedelta(minutes=15)
_HOUR = dt.timedelta(hours=1)

# Strangers together have one allowance per account; an address the owner signed in from has its own.
LOGIN_BY_ACCOUNT = Limit("login_by_account", 10, _QUARTER)
# An office behind one address signs in together.
LOGIN_BY_ADDRESS = Limit("login_by_address", 100, _QUARTER)
SIGNUP_BY_ADDRESS = Limit("signup_by_address", 30, _HOUR)
RESET_BY_EMAIL = Limit("reset_by_email", 5, _HOUR)
RESET_BY_ADDRESS = Limit("reset_by_address", 30, _HOUR)
GOOGLE_BY_ADDRESS = Limit("google_by_address", 60, _HOUR)
TOKEN_TRIES_BY_ADDRESS = Limit("token_tries_by_address", 30, _QUARTER)
INVITATIONS_BY_BUSINESS = Limit("invitations_by_business", 50, dt.timedelta(days=1))
# Beside the reading every quarter of an hour that goes on by itself.
SYNC_BY_BUSINESS = Limit("sync_by_business", 1, dt.timedelta(minutes=1))
# Checking a key asks Stripe about thirty questions, and nobody should find out here what a stolen one can do.
KEY_CHECKS_BY_BUSINESS = Limit("key_checks_by_business", 10, _QUARTER)
# Whoever has many businesses can't write to one address without end.
INVITATIONS_BY_EMAIL = Limit("invitations_by_email", 10, dt.timedelta(days=1))
# Models cost money, which the daily allowance bounds; this one keeps a script from occupying the agent.
CHAT_BY_PERSON = Limit("chat_by_person", 40, dt.timedelta(minutes=10))
# An assistant asks for several things at once, and then waits for its owner.
MCP_BY_TOKEN = Limit("mcp_by_token", 120, dt.timedelta(minutes=1))
