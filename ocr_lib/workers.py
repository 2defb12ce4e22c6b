"""Workers that end with the process that started them, however that ends, and can be given up."""

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, wait
from contextlib import suppress
from functools import partial
from multiprocessing import get_context, parent_process
from queue import Empty, SimpleQueue
from typing import Any, ParamSpec, TypeVar

from ocr_lib.errors import OcrError

P = ParamSpec("P")
T = TypeVar("T")
R = TypeVar("R")
END_TIMEOUT_S = 60.0  # for calls that run when others have failed


class LateWorkerError(OcrError):
    """A call in a worker process has not ended in time."""


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


def results_in_order(
    call: Callable[[T], R],
    items: Iterable[T],
    workers: int,
    *,
    timeout_s: Callable[[T], float],
    start: Callable[[], object] | None = None,
) -> Iterator[tuple[T, R]]:
    """Calls a function with each item in worker processes; yields items and results in order.

    Args:
        call: sent to the workers, as the items are.
        items: read as they are needed, one more than there are workers.
        workers: how many.
        timeout_s: how long a result may take, from when those before it are there.
        start: called once in each worker.

    Raises:
        LateWorkerError: a result took longer; the workers are killed.
    """
    pool = worker_pool(workers, start)
    waiting: deque[tuple[T, Future[R]]] = deque()
    patience_s = END_TIMEOUT_S

    def first() -> tuple[T, R]:
        item, future = waiting[0]
        limit_s = timeout_s(item)
        if not wait([future], timeout=limit_s).done:
            raise LateWorkerError(f"a worker has not ended within {limit_s:.0f} s")
        waiting.popleft()
        return item, future.result(0)

    try:
        for item in items:
            waiting.append((item, pool.submit(call, item)))
            if len(waiting) > workers:
                yield first()
        while waiting:
            yield first()
    except LateWorkerError:
        patience_s = 0.0
        raise
    finally:
        end_pool(pool, [future for _, future in waiting], patience_s)


class DaemonThread(Executor):
    """Runs calls one after another in a thread that the end of the process does not wait for.

    Args:
        name: of the thread.
    """

    def __init__(self, name: str) -> None:
        self._calls: SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Queues a call."""
        future: Future[T] = Future()
        self._calls.put((future, partial(fn, *args, **kwargs)))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Ends the thread after the queued calls, or after the call that runs."""
        with suppress(Empty):
            while cancel_futures:
                if (queued := self._calls.get_nowait()) is not None:
                    queued[0].cancel()
        self._calls.put(None)
        if wait:
            self._thread.join()

    def _run(self) -> None:
        while (queued := self._calls.get()) is not None:
            future, call = queued
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(call())
                except BaseException as error:
                    future.set_exception(error)


def end_pool(pool: Executor, submitted: Iterable[Future[Any]], patience_s: float) -> None:
    """Ends a pool of processes or a thread, also where a call never returns.

    Queued calls are cancelled. Where a call still runs after `patience_s`, the processes of the
    pool are killed; a thread is left to itself.

    Args:
        pool: of this module.
        submitted: its calls that may not be done.
        patience_s: how long calls that run are waited for.
    """
    hanging = wait([call for call in submitted if not call.cancel()], timeout=patience_s).not_done
    if hanging and isinstance(pool, ProcessPoolExecutor):
        for process in list(pool._processes.values()):  # noqa: SLF001 - no other way before 3.14
            process.kill()
    pool.shutdown(wait=not hanging, cancel_futures=True)


def _begin(start: Callable[..., object] | None, arguments: tuple[Any, ...]) -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if start is not None:
        start(*arguments)


def _end_with_parent() -> None:
    parent = parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
