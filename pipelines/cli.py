"""The `ocr` command: one subcommand a step, each in a module that is imported only when asked for.

A command module has `DESCRIPTION`, `EXAMPLES`, `add_arguments(parser)` and `run(args) -> int`.
"""

import argparse
import importlib
import sys
from collections.abc import Sequence

from ocr_lib import __version__
from ocr_lib.errors import OcrError

# name → (module, one line of help), in the order in which the data travels
COMMANDS: dict[str, tuple[str, str]] = {
    "train": ("ocr_lib.cli.train", "train a recognition network, or go on training"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command; returns 0, 2 for bad input, 1 for any other failure."""
    argv = list(sys.argv[1:] if argv is None else argv)
    parser = _parser(argv[0] if argv else None)
    args = parser.parse_args(argv)
    module = importlib.import_module(COMMANDS[args.command][0])
    try:
        return int(module.run(args))
    except OcrError as error:
        sys.stderr.write(f"ocr {args.command}: {error}\n")
        return error.exit_code
    except BrokenPipeError:  # the reader of our output went away: `ocr … | head`
        sys.stderr.close()
        return 0
    except KeyboardInterrupt:
        return 130


def _parser(asked: str | None) -> argparse.ArgumentParser:
    """Builds the parser; only the command asked for is imported and gets its arguments."""
    parser = argparse.ArgumentParser(
        prog="ocr", description="Text recognition from labelled lines to a served model."
    )
    parser.add_argument("--version", action="version", version=f"ocr {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (module_name, line) in COMMANDS.items():
        if name != asked:
            commands.add_parser(name, help=line)
            continue
        module = importlib.import_module(module_name)
        command = commands.add_parser(
            name,
            help=line,
            description=module.DESCRIPTION,
            epilog=f"examples:\n{module.EXAMPLES}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.add_arguments(command)
    return parser


if __name__ == "__main__":
    sys.exit(main())
