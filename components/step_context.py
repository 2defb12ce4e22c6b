"""What every step has around its library call: a work folder, and errors that read well."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ocr_lib.errors import OcrError
from ocr_lib.terminal import echo


@contextmanager
def step_context(name: str, resume_key: str = "") -> Iterator[Path]:
    """Yields a work folder, removed at the end.

    An error that the project raises on purpose ends the process with its message and exit code;
    anything else is a defect and keeps its traceback.

    Args:
        name: the step's name, printed before an error.
        resume_key: names a folder that stays when the step fails, so that the next attempt with
            the same key finds it, at the same path; empty means a new, empty folder.
    """
    work, done = _work_folder(name, resume_key), False
    try:
        yield work
        done = True
    except OcrError as error:
        echo(f"{name}: {error}", err=True)
        raise SystemExit(error.exit_code) from None
    finally:
        if done or not resume_key:
            shutil.rmtree(work, ignore_errors=True)


def _work_folder(name: str, resume_key: str) -> Path:
    if not resume_key:
        return Path(tempfile.mkdtemp(prefix=f"ocr-{name}-"))
    work = Path(tempfile.gettempdir()) / f"ocr-{name}-{resume_key}"
    work.mkdir(mode=0o700, exist_ok=True)
    return work
