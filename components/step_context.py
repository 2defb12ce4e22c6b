"""What the step runner hands to a step: the store, a working directory, a clock and a log.

A step and everything below it take what they need from here or as an argument: nothing else in
the step's code looks for a store, or reads the environment for one.
"""

import errno
import logging
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

from ocr_lib.cpu import configure_cpu
from ocr_lib.errors import OcrError
from ocr_lib.log_config import logging_configured
from ocr_lib.storage.store import Store
from ocr_lib.terminal import echo, printable


@dataclass(frozen=True, slots=True)
class StepContext:
    """Surroundings of one step.

    Attributes:
        store: the object store, with the credentials of this step.
        work_dir: local disk.
        clock: returns seconds that never go back, for durations and deadlines.
        log: for progress and warnings.
    """

    store: Store
    work_dir: Path
    clock: Callable[[], float] = time.monotonic
    log: logging.Logger = field(default_factory=lambda: logging.getLogger("components"))

    def below(self, name: str) -> Self:
        """Returns the same context with a subfolder, which may not exist yet, to work in."""
        return replace(self, work_dir=self.work_dir / name)


@contextmanager
def step_context(name: str, resume_key: str = "", run: str = "") -> Iterator[StepContext]:
    """Runs a step: yields its context; the working directory is removed at the end.

    The block begins with the step's imports: CPU settings are in place before numeric libraries.

    Errors end the process, see `ended_by_errors`.

    Args:
        name: the step's name, printed before an error.
        resume_key: names a working directory that stays when the step fails, so that the next
            attempt with the same key finds it, at the same path; empty means a new, empty one.
        run: names the pipeline run, for the log; empty where the step does not know it.
    """
    configure_cpu()
    work_dir, done = _work_dir(name, resume_key), False
    try:
        with ended_by_errors(name), logging_configured(run=run, step=name):
            log = logging.getLogger(f"components.{name}")
            yield StepContext(Store.from_env(), work_dir, log=log)
        done = True
    finally:
        if done or not resume_key:
            shutil.rmtree(work_dir, ignore_errors=True)


@contextmanager
def ended_by_errors(name: str) -> Iterator[None]:
    """Ends the process with a line and an exit code where a step meets an error.

    That is what the project raises on purpose, and a full disk, which any write may meet; anything
    else is a defect and keeps its traceback.

    Args:
        name: the step's name, printed before the error.
    """
    try:
        yield
    except OcrError as error:
        echo(f"{name}: {error}", err=True)
        raise SystemExit(error.exit_code) from None
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        place = f"{error.filename}: " if error.filename else ""
        text = f"{place}the disk is full. Give the step more room on its node, then run it again."
        echo(f"{name}: {printable(text)}", err=True)
        raise SystemExit(1) from None


def _work_dir(name: str, resume_key: str) -> Path:
    if not resume_key:
        return Path(tempfile.mkdtemp(prefix=f"ocr-{name}-"))
    work_dir = Path(tempfile.gettempdir()) / f"ocr-{name}-{resume_key}"
    work_dir.mkdir(mode=0o700, exist_ok=True)
    return work_dir
