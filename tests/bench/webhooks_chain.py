"""The embedded broker's pusher with one subscription: what the webhook announces goes to `apply_stripe_event`."""

import argparse
import asyncio
import dataclasses
import signal

from vaultra.config import DatabaseSettings
from vaultra.db.broker import Subscription
from vaultra.db.engine import connect_from
from vaultra_local import catalogue, subscriptions
from vaultra_local.broker import Pusher

FUNCTION = "apply_stripe_event"


def subscription(endpoint: str) -> Subscription:
    """As in the product, but for the address; there is no other, so that what it announces goes nowhere."""
    functions = [function for function in catalogue.load() if function.name == FUNCTION]
    (found,) = subscriptions.from_catalogue(functions, endpoint)
    return dataclasses.replace(found, endpoint=endpoint)


async def push(endpoint: str) -> None:
    """Until SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    engine = connect_from(DatabaseSettings())
    await Pusher(engine, [subscription(endpoint)]).run(stop)
    engine.dispose()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("endpoint")
    asyncio.run(push(parser.parse_args().endpoint))
