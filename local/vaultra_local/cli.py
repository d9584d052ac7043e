"""The `vaultra` command: one table of subcommands."""

import argparse
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass

Arguments = argparse.Namespace
DEFAULT_PORT = 8080


@dataclass(frozen=True)
class Command:
    """A subcommand. `run` answers the exit status; it imports what it needs itself, so that the others start fast."""

    name: str
    about: str
    run: Callable[[Arguments], int]
    add_arguments: Callable[[argparse.ArgumentParser], object] = lambda _parser: None


def main(argv: list[str] | None = None) -> int:
    """Entry point of the `vaultra` script."""
    parser = argparse.ArgumentParser(prog="vaultra", description="Vaultra on one machine.")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for command in COMMANDS:
        subparser = commands.add_parser(command.name, help=command.about, description=command.about)
        command.add_arguments(subparser)
        subparser.set_defaults(run=command.run)
    options = parser.parse_args(argv)
    status: int = options.run(options)
    return status


def _demo_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--reset", action="store_true", help="forget the demo's data instead")


def _demo(options: Arguments) -> int:
    if options.reset:
        return _reset()
    from vaultra_local import runner
    from vaultra_local.progress import now_and_then, say

    def seed(url: str) -> None:
        from vaultra_local import demo

        demo.seed(url, lambda line: say(f"  {line}"))
        login = f"  email     {demo.EMAIL}\n  password  {demo.PASSWORD}\n  mailbox   {url}/mailbox/"
        say(f"\nVaultra is ready: {url}\n{login}\n\nCtrl-C stops it.\n")
        demo.wait_for_history(url, now_and_then(lambda line: say(f"  {line}")))

    return runner.run("demo", _port(), seed)


def _reset() -> int:
    from vaultra_local import state
    from vaultra_local.lock import AlreadyRunning

    try:
        existed = state.erase("demo")
    except AlreadyRunning as error:
        print(error, file=sys.stderr)
        return 1
    print("The demo's data are gone." if existed else "There were no demo data.")
    return 0


def _dev(_options: Arguments) -> int:
    from vaultra_local import runner
    from vaultra_local.progress import say

    return runner.run("dev", _port(), lambda url: say(f"\nVaultra is ready: {url}\n\nCtrl-C stops it.\n"))


def _port() -> int:
    given = os.environ.get("PORT") or str(DEFAULT_PORT)
    if not given.isdigit() or not 0 < int(given) < 65536:
        raise SystemExit(f"PORT={given} is not a port")
    return int(given)


COMMANDS = (
    Command("demo", "Run everything with a Stripe simulator and demo businesses.", _demo, _demo_arguments),
    Command("dev", "Run everything against what the environment names, without demo data.", _dev),
)


if __name__ == "__main__":
    sys.exit(main())
