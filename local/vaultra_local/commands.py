"""A command line made of a table of subcommands."""

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

Arguments = argparse.Namespace
Add = Callable[[argparse.ArgumentParser], object]


@dataclass(frozen=True)
class Command:
    """A subcommand; the first of two words is its group.

    `run` answers the exit status (argparse answers 2 to what makes no sense); it imports what it needs itself, so
    that the others start fast.
    """

    name: str
    about: str
    run: Callable[[Arguments], int]
    add_arguments: Add = lambda _parser: None


def parser_of(table: Sequence[Command], groups: Mapping[str, str], about: str) -> argparse.ArgumentParser:
    """A parser whose result holds the chosen command's `run`, and its name as `command`.

    Args:
        groups: What each group is about, by its name.
    """
    parser = argparse.ArgumentParser(prog="vaultra", description=about)
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    grouped: dict[str, argparse._SubParsersAction[argparse.ArgumentParser]] = {}
    for command in table:
        group, _, name = command.name.rpartition(" ")
        if group and group not in grouped:
            inner = commands.add_parser(group, help=groups[group], description=groups[group])
            grouped[group] = inner.add_subparsers(metavar="COMMAND", required=True)
        place = grouped[group] if group else commands
        subparser = place.add_parser(name, help=command.about, description=command.about)
        command.add_arguments(subparser)
        subparser.set_defaults(run=command.run, command=command.name)
    return parser
