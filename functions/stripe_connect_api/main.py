"""Connect a Stripe account by consent or by key, report its state, read it now, disconnect it."""

import datetime as dt
from typing import Annotated
from urllib.parse import urlencode, urlsplit
from uuid import UUID

from pydantic import Field, SecretStr

from vaultra.domain.connections import Mode, Phase
from vaultra.domain.limits import KEY_CHECKS_BY_BUSINESS
from vaultra.entrypoints import Access, Call, Redirect, Routes, http_function
from vaultra.errors import Conflict, Forbidden, InvalidInput, RateLimited, Unavailable
from vaultra.schemas import Body, Params, Reply
from vaultra.usecases import connections, ingestion, limits, owners_keys, sync

routes = Routes()

ROOT = "/integrations/stripe"
CALLBACK = ROOT + "/callback"
COOKIE = "vaultra_stripe"
WHEN_KNOWN = Field(exclude_if=lambda value: value is None)


class BusinessParams(Params):
    """The business in question; may be left out by who has only one."""

    business_id: UUID | None = None


class CallbackParams(Params):
    """What Stripe sends the owner's browser back with: a code, or an error; the state always."""

    state: Annotated[str, Field(max_length=200)] = ""
    code: Annotated[str, Field(max_length=1000)] = ""
    error: Annotated[str, Field(max_length=200)] = ""


class KeyBody(Body):
    """A restricted key of Stripe's that can only read, as its owner pasted it."""

    business_id: UUID | None = None
    restricted_key: Annotated[SecretStr, Field(min_length=1, max_length=255)]


class ConnectReply(Reply):
    """Where to send the owner's browser."""

    url: str


class SyncReply(Reply):
    """How far reading the account's past has come: the last 90 days first (`recent`), then `history`."""

    phase: Phase
    percent: Annotated[int, Field(ge=0, le=100)]
    objects: Annotated[int, Field(ge=0)]
    started_at: dt.datetime


class StatusReply(Reply):
    """The connection of a business. What has no value is left out.

    `connected` is false with an `account_id` when Stripe stopped letting us in; `error` says what to do.
    `mode` is `oauth` for an owner's consent at Stripe, `key` for a restricted key.
    """

    connected: bool
    account_id: Annotated[str | None, WHEN_KNOWN] = None
    mode: Annotated[Mode | None, WHEN_KNOWN] = None
    last_synced_at: Annotated[dt.datetime | None, WHEN_KNOWN] = None
    livemode: Annotated[bool | None, WHEN_KNOWN] = None
    sync: Annotated[SyncReply | None, WHEN_KNOWN] = None
    error: Annotated[str | None, WHEN_KNOWN] = None


@routes.get("/api/v1/integrations/stripe/connect", access=Access.ADMIN, redirects=True)
def begin_connection(call: Call, params: BusinessParams) -> ConnectReply | Redirect:  # noqa: ARG001 - the edge reads it
    """Start connecting: to Stripe's page, or to its address when JSON is asked for."""
    trip = connections.begin(
        call.db,
        user_id=call.caller.user_id,
        business_id=call.business.id,
        browser=call.cookie(COOKIE),
        now=call.now,
    )
    api = call.services.site.public_api_url
    url = call.services.stripe.authorize_url(trip.state, api + CALLBACK)
    seconds = int(connections.STATE_LIFETIME.total_seconds())
    call.set_cookie(COOKIE, trip.browser, path=urlsplit(api).path + ROOT, seconds=seconds)
    return ConnectReply(url=url) if call.accepts_json else Redirect(url)


@routes.get("/api/v1/integrations/stripe/callback", access=Access.PUBLIC, redirects=True, errors=(403, 409))
def finish_connection(call: Call, params: CallbackParams) -> Redirect:
    """Where Stripe sends the owner back: connect the account and begin to read its past."""
    try:
        started = connections.claim(call.db, state=params.state, browser=call.cookie(COOKIE), now=call.now)
    except connections.StateExpired:
        if call.accepts_json:
            raise
        return _try_again(call, "state_expired")
    except Forbidden:
        if not call.navigates:
            raise
        return _try_again(call, "not_allowed")
    call.commit()
    if params.error == "access_denied":
        return _try_again(call, "access_denied", started.business_id)
    try:
        grant = call.services.stripe.exchange_code(params.code)
    except (InvalidInput, RateLimited, Unavailable):
        if call.accepts_json:
            raise
        return _try_again(call, "exchange_failed", started.business_id)
    try:
        connected = connections.connect(call.db, business_id=started.business_id, grant=grant, now=call.now)
    except Conflict:
        if not call.navigates:
            raise
        return _try_again(call, "already_connected", started.business_id)
    _announce(call, connected)
    return _to_site(call, "/dashboard/", business_id=str(started.business_id))


@routes.post("/api/v1/integrations/stripe/key", access=Access.ADMIN, errors=(409, 422, 429))
def connect_with_key(call: Call, body: KeyBody) -> StatusReply:
    """Connect the account of a restricted key, once it proved to read all we need and to change nothing."""
    key = owners_keys.read_key(body.restricted_key.get_secret_value())
    sealing = call.services.sealing  # without which the key could not be kept
    limits.take(call.db, call.now, KEY_CHECKS_BY_BUSINESS.of(str(call.business.id)))
    call.commit()
    rights = owners_keys.inspect_key(call.services.key_inspector, key)
    connected = connections.connect_with_key(
        call.db,
        call.services.stripe,
        sealing,
        business_id=call.business.id,
        key=key,
        rights=rights,
        now=call.now,
    )
    _announce(call, connected)
    return _status(call)


@routes.get("/api/v1/integrations/stripe/status", access=Access.VIEWER)
def get_status(call: Call, params: BusinessParams) -> StatusReply:  # noqa: ARG001
    """Whether an account is connected, and how far its past has been read."""
    return _status(call)


@routes.post("/api/v1/integrations/stripe/sync", access=Access.ADMIN, status=202, errors=(409, 429))
def sync_now(call: Call, params: BusinessParams) -> None:  # noqa: ARG001
    """Read what is new at Stripe, now rather than within a quarter of an hour; at most once a minute."""
    run = connections.sync_now(call.db, call.business.id, call.now)
    call.publish(sync.TOPIC, {"run_id": run.id, "step": run.step})


@routes.delete("/api/v1/integrations/stripe", access=Access.ADMIN)
def end_connection(call: Call, params: BusinessParams) -> None:  # noqa: ARG001
    """Give the access back and disconnect; safe to call again. A restricted key is wiped: delete it at Stripe, too."""
    connections.disconnect(call.db, call.services.stripe, business_id=call.business.id, now=call.now)


def _announce(call: Call, connected: connections.Connected) -> None:
    for ids in connected.events:
        call.publish(ingestion.TOPIC, {"ids": ids})
    call.publish(sync.TOPIC, {"run_id": connected.run.id, "step": connected.run.step})


def _status(call: Call) -> StatusReply:
    status = connections.status(call.db, call.business.id)
    if status.connection is None:
        return StatusReply(connected=False)
    connection, progress = status.connection, status.progress
    return StatusReply(
        connected=connection.working,
        account_id=connection.external_id,
        mode=connection.mode,
        last_synced_at=connection.last_synced_at,
        livemode=connection.livemode,
        sync=None if progress is None else SyncReply.model_validate(progress, from_attributes=True),
        error=connection.error,
    )


def _try_again(call: Call, error: str, business_id: UUID | None = None) -> Redirect:
    business = {} if business_id is None else {"business_id": str(business_id)}
    return _to_site(call, "/onboarding/stripe-connect/", **business, error=error)


def _to_site(call: Call, path: str, **query: str) -> Redirect:
    return Redirect(f"{call.services.site.site_url}{path}?{urlencode(query)}")


stripe_connect_api = http_function("stripe_connect_api", routes)
