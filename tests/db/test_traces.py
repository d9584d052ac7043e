"""What is kept with events and requests for metrics, so that their traces can be joined."""

from dataclasses import replace
from uuid import UUID

from sqlalchemy import Connection

from tests.connected import connect
from tests.stripe_payloads import NOON, charge, event
from vaultra.adapters.stripe_events import received_event
from vaultra.db import inbox, metrics, rollups
from vaultra.db.rollups import MOST_TRACES

FIRST, SECOND = (f"00-{'a' * 32}-{number:016x}-01" for number in (1, 2))


def requested(db: Connection) -> UUID:
    """A business whose metrics were asked for."""
    business = connect(db).business_id
    rollups.request_metrics(db, [business], NOON)
    return business


def test_an_event_keeps_the_span_of_the_request_that_brought_it_first(db: Connection) -> None:
    received = received_event(event("charge.succeeded", charge(), id="evt_1"))
    ids = inbox.keep(db, [replace(received, traceparent=FIRST)], NOON)
    assert inbox.keep(db, [replace(received, traceparent=SECOND)], NOON) == ids
    assert [found.traceparent for found in inbox.claim(db, ids)] == [FIRST]


def test_an_untraced_event_has_none(db: Connection) -> None:
    ids = inbox.keep(db, [received_event(event("charge.succeeded", charge(), id="evt_1"))], NOON)
    assert [found.traceparent for found in inbox.claim(db, ids)] == [None]


def test_a_request_gathers_the_spans_because_of_which_it_was_made_until_it_is_taken(db: Connection) -> None:
    business, other = requested(db), connect(db, "acct_other").business_id
    rollups.note_traces(db, {business: [FIRST], other: [SECOND]})  # nobody asked for the other's metrics
    rollups.note_traces(db, {business: [SECOND]})
    assert metrics.take_requests(db, [business, other]) == {business: [FIRST, SECOND]}
    rollups.request_metrics(db, [business], NOON)
    assert metrics.take_requests(db, [business]) == {business: []}


def test_a_request_that_nobody_takes_does_not_grow_for_ever(db: Connection) -> None:
    business = requested(db)
    for _ in range(3):
        rollups.note_traces(db, {business: [FIRST] * (MOST_TRACES // 2)})
    [kept] = metrics.take_requests(db, [business]).values()
    assert len(kept) == MOST_TRACES
