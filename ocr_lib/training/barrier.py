"""A barrier before each exchange between processes, which notices that one is gone.

A collective operation blocks until every process takes part. A process that waits here can say
what it waits for, sees why another process stopped, and gives up after a deadline of its own.
"""

import threading
import time

from paddle.base import core

from ocr_lib.errors import OcrError

BEAT_S = 5.0  # seconds between heartbeats
LOST_S = 60.0  # a process without one for so long is gone
# What paddle's store raises where it cannot read, or cannot send.
STORE_ERRORS = (RuntimeError, ValueError)
GO_ON = "Look at the other processes' logs; the same command goes on from the last checkpoint"


class PeerError(OcrError):
    """Another process of the run stopped, or does not answer."""


class Barrier:
    """Counts the processes that have arrived, in a store that they all reach.

    Args:
        store: paddle's TCP store.
        rank: this process.
        world_size: number of processes.
        address: host and port of the store.
    """

    def __init__(
        self, store: core.Store, rank: int, world_size: int, address: tuple[str, int]
    ) -> None:
        self._store = store
        self._rank = rank
        self._world = world_size
        self._waits = 0
        self._over = threading.Event()
        self._beats = threading.Thread(target=self._beat, args=address, daemon=True)
        self._beats.start()

    def wait(self, what: str, deadline_s: float) -> None:
        """Waits until every process is here for the same exchange.

        Args:
            what: the exchange, for messages.
            deadline_s: seconds to wait at most.

        Raises:
            PeerError: another process failed, is gone, or is not here in time.
        """
        self._waits += 1
        goal = self._waits * self._world
        started = time.monotonic()
        pause, detector = 1e-4, _FailureDetector(self._world)
        arrived = self._add("arrived", 1)
        while arrived < goal:
            time.sleep(pause)
            pause = min(2 * pause, 0.02)
            arrived = self._add("arrived", 0)
            waited = time.monotonic() - started
            if waited > detector.next_check_s:
                self._check_peers(detector, waited, what)
            if waited > deadline_s:
                missing = goal - arrived
                raise PeerError(
                    f"{missing} of {self._world} processes did not come to exchange {what} within "
                    f"{deadline_s:.0f} s. {GO_ON}."
                )

    def fail(self, why: str) -> None:
        """Tells the others why this process stops."""
        try:
            if self._store.add("failed", 1) == 1:
                self._store.set("why", f"process {self._rank} stopped: {why}")
        except STORE_ERRORS:  # the process that kept the store is gone too
            return

    def leave(self, deadline_s: float) -> None:
        """Ends the signs of life; the process that keeps the store leaves last."""
        self._over.set()
        try:
            left = self._store.add("left", 1)
            end = time.monotonic() + deadline_s
            while self._rank == 0 and left < self._world and time.monotonic() < end:
                time.sleep(0.02)
                left = self._store.add("left", 0)
        except STORE_ERRORS:
            return

    def _add(self, key: str, count: int) -> int:
        try:
            return int(self._store.add(key, count))
        except STORE_ERRORS as error:
            raise PeerError(f"the first process of the run is gone ({error}). {GO_ON}.") from None

    def _check_peers(self, detector: "_FailureDetector", waited: float, what: str) -> None:
        """Looks whether the others are alive; called every second of waiting."""
        detector.next_check_s = waited + 1
        if self._add("failed", 0):
            why = self._store.get("why").decode().rstrip(".")
            raise PeerError(f"{why}. {GO_ON}.")
        beats = [self._add(f"alive {rank}", 0) for rank in range(self._world)]
        lost = detector.lost(beats, waited)
        if lost:
            names = ", ".join(str(rank) for rank in lost)
            raise PeerError(
                f"process {names} gave no sign of life for {LOST_S:.0f} s while the others waited "
                f"to exchange {what}. {GO_ON}."
            )

    def _beat(self, host: str, port: int) -> None:
        """Gives signs of life over a connection of its own: stores are not for two threads."""
        try:
            store = core.TCPStore(host, port, False, self._world, 60)
            while True:
                store.add(f"alive {self._rank}", 1)
                if self._over.wait(BEAT_S):
                    return
        except STORE_ERRORS:  # the store is gone; its waiters say so
            return


class _FailureDetector:
    """When each process last gave a sign of life, seen from one wait."""

    def __init__(self, world_size: int) -> None:
        self.next_check_s = 1.0
        self._beats = [-1] * world_size
        self._seen_s = [0.0] * world_size

    def lost(self, beats: list[int], now_s: float) -> list[int]:
        """Takes the present counts; returns the processes whose count stands still."""
        for rank, count in enumerate(beats):
            if count != self._beats[rank]:
                self._beats[rank], self._seen_s[rank] = count, now_s
        return [rank for rank, seen in enumerate(self._seen_s) if now_s - seen > LOST_S]
