"""What every step has around its library call: a work folder, and errors that read well."""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ocr_lib.errors import OcrError


@contextmanager
def step(name: str) -> Iterator[Path]:
    """Yields an empty work folder, removed at the end.

    An error that the project raises on purpose ends the process with its message and exit code;
    anything else is a defect and keeps its traceback.
    """
    with tempfile.TemporaryDirectory(prefix=f"ocr-{name}-") as work:
        try:
            yield Path(work)
        except OcrError as error:
            sys.stderr.write(f"{name}: {error}\n")
            raise SystemExit(error.exit_code) from None
