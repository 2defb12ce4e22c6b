"""The `ocr` command: 0 for success, 2 for bad input, 1 for any other failure, one line for each."""

import errno
import sys
import traceback
import warnings
from collections.abc import Sequence
from pathlib import Path

from ocr_lib.cpu import configure_cpu
from ocr_lib.errors import OcrError
from ocr_lib.log_config import logging_configured
from ocr_lib.settings import Settings, variable_name
from ocr_lib.terminal import echo, printable

DEBUG, COMPLETE = variable_name("debug"), variable_name("completion")
PACKAGES = ("ocr_lib", "components", "pipelines")


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command; returns 0, 2 for bad input, 1 for any other failure."""
    warnings.filterwarnings("ignore", message="When training, we now always track")  # paddle's
    words = list(sys.argv[1:] if argv is None else argv)
    debug = words[:1] == ["--debug"]
    try:
        configure_cpu()
        debug = debug or bool(Settings.from_env().debug)
        with logging_configured():
            return run(words)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader went away: `ocr … | head`
        sys.stderr.close()
        return 0
    except Exception as error:
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


def _describe(error: Exception) -> str:
    """Says what failed and what to do about it, where that is known."""
    if isinstance(error, OcrError):
        return str(error)
    if isinstance(error, OSError):
        return printable(_describe_system(error))
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


def _describe_system(error: OSError) -> str:
    """Says which file a failure of the system is about, and what to do where that is known."""
    place = f"{error.filename}: " if error.filename else ""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"{place}the disk is full. Free some room and run the same command again."
    return f"{place}{error.strerror or error}."


if __name__ == "__main__":
    sys.exit(main())
