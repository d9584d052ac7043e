"""The `vaultra` command: one table of subcommands."""

import argparse
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass

from vaultra_local import operations_arguments as takes

Arguments = argparse.Namespace
DEFAULT_PORT = 8080


@dataclass(frozen=True)
class Command:
    """A subcommand; the first of two words is its group.

    `run` answers the exit status (argparse answers 2 to what makes no sense); it imports what it needs itself, so
    that the others start fast.
    """

    name: str
    about: str
    run: Callable[[Arguments], int]
    add_arguments: Callable[[argparse.ArgumentParser], object] = lambda _parser: None


def main(argv: list[str] | None = None) -> int:
    """Entry point of the `vaultra` script."""
    parser = argparse.ArgumentParser(prog="vaultra", description="Vaultra on one machine, and its operator's hands.")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    groups: dict[str, argparse._SubParsersAction[argparse.ArgumentParser]] = {}
    for command in COMMANDS:
        group, _, name = command.name.rpartition(" ")
        if group and group not in groups:
            about = GROUPS[group]
            grouped = commands.add_parser(group, help=about, description=about)
            groups[group] = grouped.add_subparsers(metavar="COMMAND", required=True)
        place = groups[group] if group else commands
        subparser = place.add_parser(name, help=command.about, description=command.about)
        command.add_arguments(subparser)
        subparser.set_defaults(run=command.run, command=command.name)
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


def _package_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--into", metavar="FOLDER", help="where the zips go; dist/ when not given")


def _package(options: Arguments) -> int:
    from vaultra_local import package

    return package.run(options.into)


def _port() -> int:
    given = os.environ.get("PORT") or str(DEFAULT_PORT)
    if not given.isdigit() or not 0 < int(given) < 65536:
        raise SystemExit(f"PORT={given} is not a port")
    return int(given)


def _look(name: str) -> Callable[[Arguments], int]:
    def run(options: Arguments) -> int:
        from vaultra_local import operations, operations_commands

        return operations.look(getattr(operations_commands, name), options)

    return run


def _change(name: str) -> Callable[[Arguments], int]:
    def run(options: Arguments) -> int:
        from vaultra_local import operations, operations_commands

        return operations.change(getattr(operations_commands, name), options)

    return run


def _looking(*adds: takes.Add) -> takes.Add:
    return takes.all_of(*adds, takes.a_place)


def _changing(*adds: takes.Add) -> takes.Add:
    return takes.all_of(*adds, takes.a_dry_run, takes.a_place)


GROUPS = {
    "knowledge": "The articles that answers are cited from.",
    "keys": "Owners' restricted keys, as they are stored.",
    "account": "Connected Stripe accounts.",
    "dlq": "Messages that failed for good.",
    "events": "Events that wait.",
    "mails": "Mails that wait.",
    "sessions": "Who is signed in.",
}
COMMANDS = (
    Command("demo", "Run everything with a Stripe simulator and demo businesses.", _demo, _demo_arguments),
    Command("dev", "Run everything against what the environment names, without demo data.", _dev),
    Command("package", "Build what is deployed: a zip per function.", _package, _package_arguments),
    Command("dlq list", "List the messages that wait.", _look("dlq_list"), _looking(takes.letter_filters)),
    Command("dlq show", "Show one of them.", _look("dlq_show"), _looking(takes.one_letter)),
    Command("dlq replay", "Publish them again.", _change("dlq_replay"), _changing(takes.letters_to_replay)),
    Command("dlq drop", "Forget them for good.", _change("dlq_drop"), _changing(takes.letters_to_drop)),
    Command("account list", "List every connection.", _look("account_list"), _looking()),
    Command("account show", "Show one, its runs and its events.", _look("account_show"), _looking(takes.an_account)),
    Command(
        "account resync",
        "Read it again from Stripe.",
        _change("account_resync"),
        _changing(takes.an_account_or_every, takes.a_window),
    ),
    Command(
        "account reconcile",
        "Look for events that were missed.",
        _change("account_reconcile"),
        _changing(takes.an_account_or_every),
    ),
    Command(
        "account disconnect",
        "Give its access back at Stripe and forget it.",
        _change("account_disconnect"),
        _changing(takes.an_account),
    ),
    Command("recompute", "Ask for metrics anew.", _change("recompute"), _changing(takes.businesses)),
    Command(
        "events parked",
        "Count the events whose account nobody has connected.",
        _look("events_parked"),
        _looking(takes.maybe_an_account),
    ),
    Command(
        "events redrive", "Announce an account's events again.", _change("events_redrive"), _changing(takes.an_account)
    ),
    Command("sessions end", "Sign people out everywhere.", _change("sessions_end"), _changing(takes.users)),
    Command("knowledge ingest", "Publish the articles.", _change("knowledge_ingest"), _changing(takes.a_folder)),
    Command("keys reseal", "Seal owners' keys with the first of our own.", _change("keys_reseal"), _changing()),
    Command("mails drop", "Give up mails that wait.", _change("mails_drop"), _changing(takes.a_moment)),
)


if __name__ == "__main__":
    sys.exit(main())
