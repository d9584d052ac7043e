"""Connect a Stripe account through OAuth, report its state, disconnect it."""

import datetime as dt
from typing import Annotated
from urllib.parse import urlencode, urlsplit
from uuid import UUID

from pydantic import Field

from vaultra.domain.connections import Phase
from vaultra.entrypoints import Access, Call, Redirect, Routes, http_function
from vaultra.errors import Conflict, InvalidInput, RateLimited, Unavailable
from vaultra.schemas import Params, Reply
from vaultra.usecases import connections, ingestion, sync

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
    """The connection of a business. What has no value is left out."""

    connected: bool
    account_id: Annotated[str | None, WHEN_KNOWN] = None
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
    for ids in connected.events:
        call.publish(ingestion.TOPIC, {"ids": ids})
    call.publish(sync.TOPIC, {"run_id": connected.run.id, "step": connected.run.step})
    return _to_site(call, "/dashboard/", business_id=str(started.business_id))


@routes.get("/api/v1/integrations/stripe/status", access=Access.VIEWER)
def get_status(call: Call, params: BusinessParams) -> StatusReply:  # noqa: ARG001
    """Whether an account is connected, and how far its past has been read."""
    status = connections.status(call.db, call.business.id)
    if status.connection is None:
        return StatusReply(connected=False)
    connection, progress = status.connection, status.progress
    return StatusReply(
        connected=connection.working,
        account_id=connection.external_id,
        last_synced_at=connection.last_synced_at,
        livemode=connection.livemode,
        sync=None if progress is None else SyncReply.model_validate(progress, from_attributes=True),
        error=connection.error,
    )


@routes.delete("/api/v1/integrations/stripe", access=Access.ADMIN)
def end_connection(call: Call, params: BusinessParams) -> None:  # noqa: ARG001
    """Give the access back and disconnect; safe to call again."""
    connections.disconnect(call.db, call.services.stripe, business_id=call.business.id, now=call.now)


def _try_again(call: Call, error: str, business_id: UUID | None = None) -> Redirect:
    business = {} if business_id is None else {"business_id": str(business_id)}
    return _to_site(call, "/onboarding/stripe-connect/", **business, error=error)


def _to_site(call: Call, path: str, **query: str) -> Redirect:
    return Redirect(f"{call.services.site.site_url}{path}?{urlencode(query)}")


stripe_connect_api = http_function("stripe_connect_api", routes)
