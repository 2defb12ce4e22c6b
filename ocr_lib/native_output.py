"""Keeping what native libraries print out of a command's output."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from ocr_lib.errors import ExportError
from ocr_lib.regular_file import read_tail

LAST_BYTES = 64 << 10
LAST_LINES = 20  # of what was printed, quoted when the block fails


@contextmanager
def captured(task: str) -> Iterator[None]:
    """Swallows what the block prints, native code included.

    Raises:
        ExportError: the block failed; the message names the `task` and quotes what was printed.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    saved = os.dup(1), os.dup(2)
    with tempfile.TemporaryFile() as file:
        try:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
            yield
        except Exception as error:
            sys.stdout.flush()
            sys.stderr.flush()
            printed = read_tail(file, LAST_BYTES).decode("utf-8", "replace")
            output = printed.splitlines()[-LAST_LINES:]
            raise ExportError("\n".join([f"{task} failed: {error}", *output])) from error
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for target, source in enumerate(saved, start=1):
                os.dup2(source, target)
                os.close(source)
