"""Subcommands of `ocr` from their modules, and how they say what is wrong with an argument."""

import argparse
import importlib
from types import ModuleType
from typing import Any, NoReturn

from ocr_lib.terminal import echo, printable


class CommandParser(argparse.ArgumentParser):
    """A parser that answers a mistake with one line: what, where, and where the help is."""

    def error(self, message: str) -> NoReturn:
        """Ends the process with exit code 2."""
        echo(f"{self.prog}: {printable(message).rstrip('.')}. See `{self.prog} --help`.", err=True)
        raise SystemExit(2)


def add_subcommand(
    commands: Any, name: str, module_name: str, line: str
) -> tuple[ModuleType, argparse.ArgumentParser]:
    """Imports a subcommand's module and adds its parser.

    Args:
        commands: what `add_subparsers` returned.
        name: what users type.
        module_name: where it is.
        line: one line of help.
    """
    module = importlib.import_module(module_name)
    command = commands.add_parser(
        name,
        help=line,
        description=module.DESCRIPTION,
        epilog=f"examples:\n{module.EXAMPLES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    module.add_arguments(command)
    return module, command
