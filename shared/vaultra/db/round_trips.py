"""SQL for round trips through another site: started in one browser, and finished there, once, in time."""

import datetime as dt
from dataclasses import asdict, dataclass, fields
from typing import Generic, TypeVar

from sqlalchemy import Connection, delete, insert

from vaultra.db import models
from vaultra.domain.connections import OauthState


@dataclass(frozen=True)
class StartedSignIn:
    """What a started sign-in has to match when the browser comes back. `next_path` None means the first page."""

    nonce: str
    code_verifier: str
    next_path: str | None


T = TypeVar("T", OauthState, StartedSignIn)


@dataclass(frozen=True)
class Trips(Generic[T]):
    """One kind of round trip: where its states are kept, and what they remember, in columns of the same names."""

    table: type[models.OauthState] | type[models.SignInState]
    started: type[T]


STRIPE = Trips(models.OauthState, OauthState)
SIGN_IN = Trips(models.SignInState, StartedSignIn)


def insert_state(
    conn: Connection, trips: Trips[T], *, state_hash: str, browser_hash: str, started: T, expires_at: dt.datetime
) -> None:
    """Remember a started round trip."""
    conn.execute(
        insert(trips.table).values(
            state_hash=state_hash, browser_hash=browser_hash, expires_at=expires_at, **asdict(started)
        )
    )


def take_state(conn: Connection, trips: Trips[T], *, state_hash: str, browser_hash: str, now: dt.datetime) -> T | None:
    """A round trip that this browser may still finish, forgotten here: of several takers one gets it, others None."""
    state = trips.table
    found = conn.execute(
        delete(state)
        .filter_by(state_hash=state_hash, browser_hash=browser_hash)
        .where(state.expires_at > now)
        .returning(*(getattr(state, field.name) for field in fields(trips.started)))
    )
    row = found.mappings().one_or_none()
    return None if row is None else trips.started(**row)
