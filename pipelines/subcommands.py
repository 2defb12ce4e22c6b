"""A subcommand of `ocr` from its module: DESCRIPTION, EXAMPLES, add_arguments and run."""

import argparse
import importlib
from types import ModuleType
from typing import Any


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
