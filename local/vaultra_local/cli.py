"""The `vaultra` command: one table of subcommands."""

import argparse
import os
import sys
from dataclasses import replace

from vaultra_local import operate
from vaultra_local import operations_arguments as takes
from vaultra_local.commands import Arguments, Command, parser_of

DEFAULT_PORT = 8080


def main(argv: list[str] | None = None) -> int:
    """Entry point of the `vaultra` script."""
    about = "Vaultra on one machine, and its operator's hands."
    options = parser_of(COMMANDS, operate.GROUPS, about).parse_args(argv)
    if getattr(options, "local", None) is not None and not _enter(options.local):
        return 1
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


def _enter(mode: str) -> bool:
    """Go where the `demo` or `dev` of this machine is; says so and answers False when there is none."""
    from vaultra import services
    from vaultra_local import scheduler, state

    if not state.enter_environment(mode, os.environ):
        print(f"There is no running `{mode}` on this machine.", file=sys.stderr)
        return False
    os.environ["SCHEDULE_RECORD"] = str(state.folder(mode) / scheduler.RECORD)
    services.use(None)
    return True


COMMANDS = (
    Command("demo", "Run everything with a Stripe simulator and demo businesses.", _demo, _demo_arguments),
    Command("dev", "Run everything against what the environment names, without demo data.", _dev),
    Command("package", "Build what is deployed: a zip per function.", _package, _package_arguments),
    *(
        replace(command, add_arguments=takes.all_of(command.add_arguments, takes.a_place))
        for command in operate.COMMANDS
    ),
)


if __name__ == "__main__":
    sys.exit(main())
