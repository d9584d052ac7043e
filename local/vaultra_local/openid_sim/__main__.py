"""Run the sign-in simulator as its own process: `python -m vaultra_local.openid_sim --help`."""

import argparse
from contextlib import suppress

from vaultra.config import GoogleSettings
from vaultra_local.openid_sim.issuer import OpenidSim
from vaultra_local.openid_sim.server import address, server
from vaultra_local.stripe_sim.server import listening_socket


def main() -> None:
    """Serve until a signal comes."""
    parser = argparse.ArgumentParser(prog="python -m vaultra_local.openid_sim")
    parser.add_argument("--port", type=int, required=True, help="on 127.0.0.1; 0 takes a free one")
    settings = GoogleSettings()
    with listening_socket(parser.parse_args().port) as bound, suppress(KeyboardInterrupt):
        secret = settings.google_client_secret.get_secret_value()
        server(OpenidSim(address(bound), settings.google_client_id, secret)).run([bound])


if __name__ == "__main__":
    main()
