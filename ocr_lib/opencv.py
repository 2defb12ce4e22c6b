"""OpenCV, loaded with a limit on the pixels that it decodes. Nothing else imports cv2 directly.

OpenCV reads its settings once, while it is loaded: they are in the environment for that time only,
which is then left as it was. Importing paddle loads cv2 too, so `ocr_lib.quiet_paddle` imports this
module first. In a program that had loaded cv2 before, OpenCV keeps a limit of its own (2**30 pixels
unless told otherwise); `ocr_lib.data.decode` compares every header with `MAX_PIXELS` regardless.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

__all__ = ["MAX_PIXELS", "cv2", "use_one_thread"]

MAX_PIXELS = 1 << 24  # of an image that is decoded
LIMIT = "OPENCV_IO_MAX_IMAGE_PIXELS"
LOG_LEVEL = "OPENCV_LOG_LEVEL"


def _settings() -> dict[str, str]:
    """Returns what OpenCV is loaded with. A lower limit in the environment stays in force."""
    configured = os.environ.get(LIMIT, "")
    limit = min(int(configured), MAX_PIXELS) if configured.isdecimal() else MAX_PIXELS
    # Our errors say what OpenCV warns of, with the file's name.
    return {LIMIT: str(limit), LOG_LEVEL: os.environ.get(LOG_LEVEL, "ERROR")}


@contextmanager
def _environment(settings: Mapping[str, str]) -> Iterator[None]:
    """Sets variables while the block lasts."""
    before = {name: os.environ.get(name) for name in settings}
    os.environ.update(settings)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


with _environment(_settings()):
    import cv2


def use_one_thread() -> None:
    """Keeps OpenCV to one thread, in worker processes that share the cores."""
    cv2.setNumThreads(1)
