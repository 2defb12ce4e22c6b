"""The `ocr` command: 0 for success, 2 for bad input, 1 for any other failure, one line for each.

As after a signal: 130 for an interrupt, 141 where no one reads its output any more (SIGPIPE).
"""

import os
import select
import signal
import sys
import traceback
import warnings
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TextIO

from ocr_lib.cpu import configure_cpu
from ocr_lib.errors import OcrError, describe_system
from ocr_lib.log_config import logging_configured
from ocr_lib.settings import Settings, variable_name
from ocr_lib.terminal import echo, printable

DEBUG, COMPLETE = variable_name("debug"), variable_name("completion")
PACKAGES = ("ocr_lib", "components", "pipelines")
INTERRUPTED, UNREAD = 128 + signal.SIGINT, 128 + signal.SIGPIPE  # as shells have it


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command; returns 0, 2 for bad input, 1 for any other failure, 130 or 141."""
    warnings.filterwarnings("ignore", message="When training, we now always track")  # paddle's
    try:
        return _attempt(list(sys.argv[1:] if argv is None else argv))
    except BrokenPipeError:  # the reader went away: `ocr … | head`
        return UNREAD
    except KeyboardInterrupt:  # while a failure was reported
        return INTERRUPTED
    finally:
        _flush_or_discard()


def _attempt(words: Sequence[str]) -> int:
    """Runs one command and reports its failure.

    Raises:
        BrokenPipeError: no one reads standard output or standard error any more.
    """
    debug = list(words[:1]) == ["--debug"]
    try:
        configure_cpu()
        debug = debug or bool(Settings.from_env().debug)
        with logging_configured():
            code = run(words)
        if sys.stdout:  # None where it is closed
            sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:
        if isinstance(error, BrokenPipeError) and _unread_outputs():
            raise
        if debug:
            traceback.print_exc()
        name = next((f" {word}" for word in words if not word.startswith("-")), "")
        echo(f"ocr{name}: {_describe(error)}", err=True)
        return error.exit_code if isinstance(error, OcrError) else 1


def run(words: Sequence[str]) -> int:
    """Runs one command and returns its exit code; errors other than wrong arguments are raised."""
    import click
    from click.shell_completion import shell_complete

    from pipelines.cli.command import usage_message
    from pipelines.cli.commands import ocr

    if instruction := Settings.from_env().completion:
        return shell_complete(ocr, {}, "ocr", COMPLETE, instruction)
    try:
        with ocr.make_context("ocr", list(words)) as context:
            return int(ocr.invoke(context) or 0)
    except click.exceptions.Exit as exit_:  # --help and --version
        return exit_.exit_code
    except click.UsageError as error:
        echo(printable(usage_message(error)), err=True)
        return error.exit_code


def _unread_outputs() -> list[TextIO]:
    """Returns those of standard output and standard error whose reader went away."""
    unread = []
    for stream in filter(None, (sys.stdout, sys.stderr)):
        try:
            poll = select.poll()
            poll.register(stream.fileno(), 0)  # errors and hang-ups alone
            if poll.poll(0):
                unread.append(stream)
        except (OSError, ValueError):  # no file of the system, or closed
            continue
    return unread


def _flush_or_discard() -> None:
    """Writes what is left of the output, or lets it go nowhere where that cannot be.

    Else Python tries once more as it ends, fails, and ends with 120 in place of the exit code.
    """
    for stream in filter(None, (sys.stdout, sys.stderr)):
        try:
            stream.flush()
        except (OSError, ValueError, KeyboardInterrupt):  # no reader, no room, or closed
            with suppress(OSError, ValueError), open(os.devnull, "wb") as nowhere:
                os.dup2(nowhere.fileno(), stream.fileno())


def _describe(error: Exception) -> str:
    """Says what failed and what to do about it, where that is known."""
    if isinstance(error, OcrError):
        return str(error)
    if isinstance(error, OSError):
        return describe_system(error)
    if isinstance(error, MemoryError):
        return "the memory is full. Free some, or use smaller batches."
    if isinstance(error, ModuleNotFoundError) and not str(error.name).startswith(PACKAGES):
        lacks = f"needs the package {error.name}, which is not installed"
        return f"{lacks}. Install it, or run `make setup`."
    place = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{Path(place.filename).name}:{place.lineno}"
    what = printable(f"{type(error).__name__}: {error}")
    return (
        f"internal error: {what} ({where}). Please report it, with what "
        f"`{DEBUG}=1` before the same command prints."
    )


if __name__ == "__main__":
    sys.exit(main())
