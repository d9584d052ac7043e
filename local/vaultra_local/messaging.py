"""The process behind the functions: pushes their messages and fires their schedule."""

import argparse
import asyncio
import logging
import os
import signal
from pathlib import Path

from vaultra.adapters.embedded_broker import EmbeddedPublisher
from vaultra.adapters.pubsub import PubsubPublisher
from vaultra.config import BrokerSettings, DatabaseSettings
from vaultra.db.engine import connect_from
from vaultra.ports import Publisher
from vaultra.services import utc_now
from vaultra_local import catalogue, emulator, subscriptions
from vaultra_local.broker import Pusher
from vaultra_local.scheduler import Scheduler, entries


async def serve(functions_url: str, record: Path) -> None:
    """Run until SIGTERM or SIGINT. With an emulator named, it pushes, and only the schedule is ours."""
    functions = catalogue.load()
    wanted = subscriptions.from_catalogue(functions, functions_url)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)

    settings = BrokerSettings()
    engine = connect_from(DatabaseSettings())
    publisher: Publisher = EmbeddedPublisher(engine)
    pusher: Pusher | None = Pusher(engine, wanted)
    if settings.google_cloud_project and settings.pubsub_emulator_host:
        emulator.create(settings.pubsub_emulator_host, settings.google_cloud_project, wanted)
        publisher, pusher = PubsubPublisher(settings.google_cloud_project), None

    scheduler = asyncio.create_task(Scheduler(entries(functions), publisher, utc_now, record).run())
    waiting = asyncio.create_task(pusher.run(stop) if pusher is not None else stop.wait())
    # Whichever ends first, ends the process: the runner starts it again when it was a failure.
    done, _ = await asyncio.wait({scheduler, waiting}, return_when=asyncio.FIRST_COMPLETED)
    scheduler.cancel()
    for task in done:
        task.result()
    engine.dispose()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--functions-url", required=True, help="where the topic functions are served")
    parser.add_argument("--record", type=Path, required=True, help="file that remembers when each job last ran")
    options = parser.parse_args()
    logging.basicConfig(format='{"time":"%(asctime)s","severity":"%(levelname)s","message":"%(message)s"}')
    logging.getLogger("vaultra").setLevel(os.environ.get("LOG_LEVEL", "INFO"))
    asyncio.run(serve(options.functions_url.rstrip("/"), options.record))


if __name__ == "__main__":
    main()
