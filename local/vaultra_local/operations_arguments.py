"""What the operator's commands take; apart from them, because every start of `vaultra` reads this."""

import argparse
import datetime as dt
import uuid
from pathlib import Path

from vaultra_local.commands import Add


def moment(given: str) -> dt.datetime:
    """A date, or a date and a time; UTC unless it says otherwise."""
    try:
        found = dt.datetime.fromisoformat(given)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{given} is no date such as 2026-11-20 or 2026-11-20T08:30") from None
    return found if found.tzinfo is not None else found.replace(tzinfo=dt.UTC)


def day(given: str) -> dt.date:
    """A UTC date."""
    return moment(given).astimezone(dt.UTC).date()


def all_of(*adds: Add) -> Add:
    """All of these, in order."""

    def add(parser: argparse.ArgumentParser) -> None:
        for one in adds:
            one(parser)

    return add


def a_shape(parser: argparse.ArgumentParser) -> None:
    """How to print; every command takes it."""
    parser.add_argument("--json", action="store_true", help="print JSON, for scripts")


def a_place(parser: argparse.ArgumentParser) -> None:
    """Where to work; every command takes it where there is such a place."""
    parser.add_argument("--local", choices=("demo", "dev"), help="work on the one that runs on this machine")


def a_dry_run(parser: argparse.ArgumentParser) -> None:
    """Every command takes it that changes something."""
    parser.add_argument("--dry-run", action="store_true", help="say what would be done, and change nothing")


def an_account(parser: argparse.ArgumentParser) -> None:
    """One Stripe account."""
    parser.add_argument("account", metavar="ACCT", help="the Stripe account: acct_…")


def an_account_or_every(parser: argparse.ArgumentParser) -> None:
    """One Stripe account, or all."""
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("account", metavar="ACCT", nargs="?", help="the Stripe account: acct_…")
    which.add_argument("--every", action="store_true", help="all that are connected")


def a_window(parser: argparse.ArgumentParser) -> None:
    """How much of an account to read again."""
    window = parser.add_mutually_exclusive_group()
    window.add_argument("--since", type=moment, metavar="DATE", help="from then on; else the last 90 days")
    window.add_argument("--all", action="store_true", dest="whole", help="all 24 months, as after a first connection")


def letter_filters(parser: argparse.ArgumentParser) -> None:
    """Which dead letters to list."""
    parser.add_argument("--topic", help="of this topic only")
    parser.add_argument("--since", type=moment, metavar="DATE", help="that died then or later")
    parser.add_argument("--replayed", action="store_true", help="those that were replayed, too")


def one_letter(parser: argparse.ArgumentParser) -> None:
    """One dead letter."""
    parser.add_argument("id", type=int, metavar="ID")


def letters_to_replay(parser: argparse.ArgumentParser) -> None:
    """Which dead letters to publish again."""
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("ids", type=int, metavar="ID", nargs="*", default=[], help="these, replayed before or not")
    which.add_argument("--all", action="store_true", help="all that wait")
    which.add_argument("--topic", help="all of this topic that wait")


def letters_to_drop(parser: argparse.ArgumentParser) -> None:
    """Which dead letters to forget."""
    parser.add_argument("ids", type=int, metavar="ID", nargs="+")


def businesses(parser: argparse.ArgumentParser) -> None:
    """Whose numbers, and whether their days too."""
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--business", type=uuid.UUID, metavar="ID")
    which.add_argument("--all", action="store_true", help="all that have a connected account")
    parser.add_argument("--since", type=day, metavar="DATE", help="make the daily sums anew too, from that day on")


def users(parser: argparse.ArgumentParser) -> None:
    """Whose sessions."""
    who = parser.add_mutually_exclusive_group(required=True)
    who.add_argument("--user", metavar="EMAIL")
    who.add_argument("--everyone", action="store_true")


def a_person(parser: argparse.ArgumentParser) -> None:
    """One user, by the id that their own export shows: arguments are kept in logs, where no email belongs."""
    parser.add_argument("user", type=uuid.UUID, metavar="USER_ID")


def a_moment(parser: argparse.ArgumentParser) -> None:
    """Up to when."""
    parser.add_argument("--before", type=moment, metavar="TIME", required=True, help="asked for before then")


def a_folder(parser: argparse.ArgumentParser) -> None:
    """Where the articles are."""
    parser.add_argument("--folder", type=Path, default=Path("knowledge"), help="of Markdown files; else knowledge/")


def maybe_an_account(parser: argparse.ArgumentParser) -> None:
    """One Stripe account, or whichever there are."""
    parser.add_argument("account", metavar="ACCT", nargs="?", help="of this Stripe account only")


def a_job(parser: argparse.ArgumentParser) -> None:
    """One job of the schedule."""
    parser.add_argument("job", metavar="JOB", help="its name, as `vaultra jobs list` shows it")


def a_job_or_all(parser: argparse.ArgumentParser) -> None:
    """One job of the schedule, or all."""
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("job", metavar="JOB", nargs="?", help="its name, as `vaultra jobs list` shows it")
    which.add_argument("--all", action="store_true", help="every job")
