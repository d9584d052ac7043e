"""Stripe's door: verify the signature, make the event durable, announce it."""

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
        inbox = GroupCommit(keep)
    await inbox.add((call, receive(call.body)))


async def keep(group: list[tuple[RawCall, ReceivedEvent]]) -> None:
    """Commit a group of events in one transaction and announce them."""
    first, _ = group[0]

    def work(call: Call) -> None:
        for ids in ingestion.keep(call.db, [event for _, event in group], call.now):
            call.publish(ingestion.TOPIC, {"ids": ids})

    await first.in_thread(work)


stripe_webhook = http_function("stripe_webhook", routes)
