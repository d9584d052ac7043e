"""The operator's commands in one table; `python -m vaultra_local.operate` is what the job `operate` in the cloud runs.

`vaultra` has all of them too, and `--local` besides.
"""

import os
import sys
from collections.abc import Callable, Sequence

from vaultra.production import refuse_demo_settings
from vaultra_local import operations_arguments as takes
from vaultra_local.commands import Add, Arguments, Command, parser_of


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command on what the environment names; gives the exit status."""
    options = parser_of(COMMANDS, GROUPS, "An operator's hands.").parse_args(argv)
    status: int = options.run(options)
    return status


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


def _looking(*adds: Add) -> Add:
    return takes.all_of(*adds, takes.a_shape)


def _changing(*adds: Add) -> Add:
    return takes.all_of(*adds, takes.a_dry_run, takes.a_shape)


GROUPS = {
    "knowledge": "The articles that answers are cited from.",
    "keys": "Owners' restricted keys, as they are stored.",
    "account": "Connected Stripe accounts.",
    "dlq": "Messages that failed for good.",
    "events": "Events that wait.",
    "jobs": "What runs by the clock.",
    "mails": "Mails that wait.",
    "people": "Who has an account.",
    "sessions": "Who is signed in.",
}
COMMANDS = (
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
    Command("people delete", "Forget somebody for good.", _change("people_delete"), _changing(takes.a_person)),
    Command("knowledge ingest", "Publish the articles.", _change("knowledge_ingest"), _changing(takes.a_folder)),
    Command("keys reseal", "Seal owners' keys with the first of our own.", _change("keys_reseal"), _changing()),
    Command("mails drop", "Give up mails that wait.", _change("mails_drop"), _changing(takes.a_moment)),
    Command("jobs list", "List them, and which are paused.", _look("jobs_list"), _looking()),
    Command("jobs run", "Run one now.", _change("jobs_run"), _changing(takes.a_job)),
    Command("jobs pause", "Run one no more.", _change("jobs_pause"), _changing(takes.a_job_or_all)),
    Command("jobs resume", "Run one again at its times.", _change("jobs_resume"), _changing(takes.a_job_or_all)),
)


if __name__ == "__main__":
    refuse_demo_settings(os.environ)
    sys.exit(main())
