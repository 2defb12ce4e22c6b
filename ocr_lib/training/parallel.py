"""Several processes that train one network, as `python -m paddle.distributed.launch` starts them.

A process is called a rank, as Paddle does. Rank 0 reads and writes the run directory and decides
what depends on the clock; `broadcast_from_rank0` sends its answers to the others,
so that the ranks never disagree on what to do next. Before every exchange the ranks wait for each
other: Paddle's gloo gives up on a peer after thirty fixed seconds, less than a slow disk or a long
save may take.
"""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr
from io import StringIO
from typing import TypeVar

import numpy as np
import paddle
from paddle import distributed
from paddle.base import core

from ocr_lib.errors import ConfigError
from ocr_lib.settings import Settings
from ocr_lib.training import serialization
from ocr_lib.training.barrier import GO_ON, Barrier, PeerError

SAME_DATA = "give every node the same configuration, and the same data under the same paths"
FAREWELL_S = 5.0  # how long the first process lets the others read why it stops
T = TypeVar("T")


class Parallel:
    """The processes of a run, seen from one of them; this class is a process that trains alone.

    Attributes:
        rank: this process, from 0.
        world_size: number of processes.
        on_gpus: whether they exchange between GPUs; gradients then go by `paddle.DataParallel`,
            else by the exact backend (`gradient_sync`).
    """

    rank = 0
    world_size = 1
    on_gpus = False

    @property
    def is_main_process(self) -> bool:
        """Whether this is the process that writes and logs."""
        return self.rank == 0

    def describe(self) -> str:
        """Says how the processes exchange; "" for one."""
        return ""

    def broadcast_from_rank0(self, compute: Callable[[], T]) -> T:
        """Returns at every rank what `compute` returns at rank 0: plain values, lists, arrays.

        Raises:
            PeerError: `compute` failed at rank 0, which raises its own error.
        """
        return compute()

    def all_reduce_sums(self, values: Sequence[float]) -> list[float]:
        """Returns the sums over all ranks."""
        return list(values)

    def all_reduce(self, tensor: paddle.Tensor, synchronized: bool = False) -> None:
        """Replaces a tensor by its sum over all ranks; equal bytes at every rank.

        Args:
            tensor: changed in place.
            synchronized: all ranks are known to be here within seconds, after `barrier`.
        """

    def barrier(self) -> None:
        """Waits for all ranks."""

    def assert_equal_across_ranks(self, what: str, value: str, fix: str = SAME_DATA) -> None:
        """Checks that all ranks hold the same text.

        Args:
            what: names it in the error.
            value: this rank's.
            fix: what to do where they differ.

        Raises:
            ConfigError: they do not.
        """

    def report_failure(self, error: BaseException) -> None:
        """Tells the others why this rank stops."""

    def close(self) -> None:
        """Leaves; the first rank waits for the others."""


class _ProcessGroup(Parallel):
    """One of several processes, over Paddle's collectives."""

    def __init__(self, minutes: float, on_gpus: bool) -> None:
        settings = Settings.from_env()
        self.rank = settings.rank
        self.world_size = settings.world_size
        self.on_gpus = on_gpus
        self._deadline_s = 60 * minutes
        self._barrier = _connect(self.rank, self.world_size)

    def describe(self) -> str:
        how = (
            "paddle.DataParallel over NCCL"
            if self.on_gpus
            else "gloo, in one message after each step"
        )
        return (
            f"{self.world_size} processes, each with batches of its own; "
            f"gradients are averaged by {how}"
        )

    def broadcast_from_rank0(self, compute: Callable[[], T]) -> T:
        data = serialization.dumps(compute()) if self.is_main_process else b""
        with self._exchange("what the first process decides"):
            size = paddle.to_tensor(np.array([len(data)], np.int64))
            distributed.broadcast(size, 0)
            content = np.frombuffer(data, np.uint8) if data else np.zeros(size.item(), np.uint8)
            tensor = paddle.to_tensor(content)
            distributed.broadcast(tensor, 0)
        value: T = serialization.loads(tensor.numpy().tobytes())
        return value

    def all_reduce_sums(self, values: Sequence[float]) -> list[float]:
        tensor = paddle.to_tensor(np.array(values, np.float64))
        self.all_reduce(tensor)
        return [float(value) for value in tensor.numpy()]

    def all_reduce(self, tensor: paddle.Tensor, synchronized: bool = False) -> None:
        with self._exchange("gradients or counts", synchronized):
            distributed.all_reduce(tensor)

    def barrier(self) -> None:
        self._barrier.wait("a step", self._deadline_s)

    def assert_equal_across_ranks(self, what: str, value: str, fix: str = SAME_DATA) -> None:
        rank0_value = self.broadcast_from_rank0(lambda: value)
        differing = self.all_reduce_sums([float(rank0_value != value)])[0]
        if differing:
            raise ConfigError(
                what,
                f"{differing:.0f} of {self.world_size} processes see another one than the first",
                fix,
            )

    def report_failure(self, error: BaseException) -> None:
        self._barrier.fail(str(error) or type(error).__name__)
        self._deadline_s = FAREWELL_S  # the others may be gone as well

    def close(self) -> None:
        self._barrier.leave(self._deadline_s)

    @contextmanager
    def _exchange(self, what: str, synchronized: bool = False) -> Iterator[None]:
        if not synchronized:
            self._barrier.wait(what, self._deadline_s)
        try:
            yield
        except RuntimeError as error:  # gloo's: connection reset, timed out
            cause = str(error).strip().splitlines()[-1]
            raise PeerError(
                f"lost another process while exchanging {what} ({cause}). {GO_ON}."
            ) from None


def init_process_group(minutes: float, use_gpu: bool) -> Parallel:
    """Joins the processes that a launcher started with this one.

    Args:
        minutes: how long to wait for the others, each time.
        use_gpu: exchange between GPUs where Paddle has them.

    Returns:
        A `Parallel` of one where no launcher started this process, or only this one.

    Raises:
        PeerError: the others cannot be reached.
    """
    if Settings.from_env().world_size < 2:
        return Parallel()
    on_gpus = use_gpu and paddle.is_compiled_with_cuda()
    if not on_gpus:
        os.environ["PADDLE_DISTRI_BACKEND"] = "gloo"
    return _ProcessGroup(minutes, on_gpus)


def _connect(rank: int, world_size: int) -> Barrier:
    paddle_output = StringIO()
    try:
        with redirect_stderr(paddle_output):  # paddle lists flags that were not set
            distributed.init_parallel_env()
    except Exception as error:
        sys.stderr.write(paddle_output.getvalue())
        raise PeerError(
            f"process {rank} cannot join the {world_size} processes of this run ({error}). "
            "Check the launcher's --master, and that the nodes reach each other's ports."
        ) from error
    host, port = _store_address()
    return Barrier(core.create_or_get_global_tcp_store(), rank, world_size, (host, port))


def _store_address() -> tuple[str, int]:
    """Returns where paddle put its store, by its own rules."""
    settings = Settings.from_env()
    if settings.rendezvous_host and settings.rendezvous_port:
        return settings.rendezvous_host, settings.rendezvous_port
    endpoints = settings.rendezvous or settings.required("rank_endpoints")
    host, port = endpoints.split(",")[0].rsplit(":", 1)
    return host, int(port)
