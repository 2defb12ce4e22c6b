"""Worker processes that end with the process that started them, however that ends."""

import os
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context, parent_process
from typing import Any


def worker_pool(
    workers: int, start: Callable[..., object] | None = None, *arguments: Any
) -> ProcessPoolExecutor:
    """Returns a pool of processes; a worker whose parent was killed would wait for work for ever.

    They are spawned, not forked: the parent may have threads (OpenCV's, Paddle's), whose locks a
    fork would copy while held.

    Args:
        workers: how many.
        start: called once in each.
        arguments: of `start`.
    """
    return ProcessPoolExecutor(workers, get_context("spawn"), _begin, (start, arguments))


def _begin(start: Callable[..., object] | None, arguments: tuple[Any, ...]) -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if start is not None:
        start(*arguments)


def _end_with_parent() -> None:
    parent = parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
