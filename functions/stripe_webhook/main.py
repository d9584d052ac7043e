"""Stripe's door: verify the signature, make the event durable, announce it."""

from dataclasses import replace

from vaultra.adapters.stripe_events import receive
from vaultra.adapters.stripe_signature import verify_signature
from vaultra.db.inbox import ReceivedEvent
from vaultra.entrypoints import Access, Call, RawCall, Routes, http_function
from vaultra.group_commit import GroupCommit
from vaultra.usecases import ingestion

routes = Routes()
inbox: GroupCommit[tuple[RawCall, ReceivedEvent]] | None = None


@routes.post("/api/v1/webhooks/stripe", access=Access.PUBLIC, raw=True)
async def receive_event(call: RawCall) -> None:
    """Keep a signed event. 200 means that it is durable; anything else makes Stripe send it again."""
    global inbox
    verify_signature(call.body, call.headers.get("stripe-signature", ""), call.services.webhook.secrets, call.now)
    if inbox is None:  # belongs to the running event loop, so it can't be made at import
        inbox = GroupCommit(keep, largest=ingestion.EVENTS_PER_MESSAGE, at_once=3)
    event = receive(call.body)
    if call.span is not None and call.span.kept:
        event = replace(event, traceparent=call.span.traceparent)
    await inbox.add((call, event))


async def keep(group: list[tuple[RawCall, ReceivedEvent]]) -> None:
    """Commit a group of events in one statement and announce them: with it, if the broker takes part, or after it."""
    first, _ = group[0]
    events = [event for _, event in group]

    def work(call: Call) -> None:
        call.commits_each_statement = True
        if call.broker_joins:
            ingestion.queue(call.db, events, call.attributes, call.now)
        else:
            for ids in ingestion.keep(call.db, events, call.now):
                call.publish(ingestion.TOPIC, {"ids": ids})

    await first.run(work)


stripe_webhook = http_function("stripe_webhook", routes)
