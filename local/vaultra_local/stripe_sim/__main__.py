"""Run the Stripe simulator as its own process: `python -m vaultra_local.stripe_sim --help`."""

import argparse
import datetime as dt
import gc
import sys
from pathlib import Path

from vaultra_local.stripe_sim.clock import wall_time
from vaultra_local.stripe_sim.demo import demo_accounts
from vaultra_local.stripe_sim.server import listening_socket, server
from vaultra_local.stripe_sim.simulator import Simulator

ANCHOR_FILE = "anchor"
JOURNAL_FILE = "journal.jsonl"


def anchored(state: Path, today: dt.date) -> dt.date:
    """The day as of which the demo's data is made: the first start's, kept in the state folder."""
    anchor = state / ANCHOR_FILE
    if not anchor.exists():
        last_day = today - dt.timedelta(days=1)
        anchor.write_text(f"{last_day.isoformat()}\n")
    return dt.date.fromisoformat(anchor.read_text().strip()) + dt.timedelta(days=1)


def main(argv: list[str] | None = None) -> None:
    """Serve until a signal comes; prints one line once it answers."""
    parser = argparse.ArgumentParser(prog="python -m vaultra_local.stripe_sim", description=__doc__)
    parser.add_argument("--port", type=int, required=True, help="on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--state", type=Path, required=True, help="folder for the anchor date and the journal")
    parser.add_argument("--webhook-url", help="where events are delivered")
    parser.add_argument("--webhook-secret", default="whsec_simulator", help="signs them")
    parser.add_argument("--no-webhooks", action="store_true", help="deliver nothing")
    parser.add_argument("--secret-key", help="the platform's key; any is good when left out")
    parser.add_argument("--client-id", help="the platform's Connect client; any is good when left out")
    options = parser.parse_args(argv)
    if not options.webhook_url and not options.no_webhooks:
        parser.error("give --webhook-url or --no-webhooks")
    options.state.mkdir(parents=True, exist_ok=True)
    today = dt.datetime.fromtimestamp(wall_time(), dt.UTC).date()
    try:
        bound = listening_socket(options.port)
    except OSError as error:
        parser.error(f"port {options.port}: {error.strerror}")
    # Hundreds of thousands of small objects are made here and stay: the collector would only look for garbage in vain.
    gc.disable()
    simulator = Simulator(
        demo_accounts(anchored(options.state, today)),
        journal=options.state / JOURNAL_FILE,
        webhook_url=None if options.no_webhooks else options.webhook_url,
        webhook_secret=options.webhook_secret,
        secret_key=options.secret_key,
        client_id=options.client_id,
    )
    gc.freeze()
    gc.enable()
    # Listening before the line is printed: whoever reads it can connect at once.
    bound.listen(128)
    sys.stdout.write(f"Stripe simulator ready on http://127.0.0.1:{bound.getsockname()[1]}\n")
    sys.stdout.flush()
    try:
        server(simulator).run([bound])
    except KeyboardInterrupt:
        pass
    finally:
        simulator.close()


if __name__ == "__main__":
    main()
