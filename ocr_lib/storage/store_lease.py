"""One writer at a time, on any S3 store.

Where the store honours conditional writes, the lease is one object, `holder.json`: it is taken by
creating it, or by replacing it after its holder gave it back, and the store lets one contender do
so. A lease is given back by a conditional write too, never by deleting, which takes no condition.

Where the store ignores conditions (rclone does), every contender writes an object of its own under
the lease's prefix and then lists the prefix: alone there, it holds the lease; if not, it removes
its object and tries again later. Of two contenders at least one lists after the other has written,
so both can lose a round, never both win. Version 0.1 knew no other way. So that its clients and
those of today exclude each other, a lease by conditional writes is taken by listing as well.

A holder renews its objects all the time; one that has not for `HOLD_S`, by the store's own clock,
is taken for dead. A holder that was only slow is told by `StoreLease.check`; what a lease protects
is written with a condition as well, since the pause can come right after the check.
"""

import logging
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Protocol

from ocr_lib.errors import ServiceError
from ocr_lib.polling import Pauses, poll_until
from ocr_lib.storage.s3 import ConflictError, MissingObjectError
from ocr_lib.storage.store import Store

log = logging.getLogger(__name__)
HOLD_S = 60.0
RENEWALS = 6  # in that time, so that one may fail
CALL_S = 5.0  # for one answer of the store: a renewal, with its repetitions, ends within HOLD_S / 2
POLL_S = 0.75
PROBES = "leases/probe/"  # where the store is tried
HOLDER = "holder.json"
FREE = {"holder": None}


class LeaseLostError(ConflictError):
    """A lease is no longer held: another process may do what it protects."""


class StoreLease:
    """A lease that was taken.

    Args:
        lease: the contender that took it.
        store: where it is kept, with calls that end well within the time that the lease holds.
        taken_at: when its object was about to be written, by `seconds_since_boot`.
    """

    def __init__(self, lease: "Lease", store: Store, taken_at: float) -> None:
        self.store = store
        self._lease = lease
        self._renewed_at = taken_at
        self._lost = ""

    def check(self) -> None:
        """Checks that the lease is still held; asks this machine's clock, not the store.

        Raises:
            LeaseLostError: another process took it, or may have by now.
        """
        silent_s = seconds_since_boot() - self._renewed_at
        if not self._lost and silent_s > HOLD_S:
            self._lost = f"not renewed for {silent_s:.0f} s, so another process may hold it"
        if self._lost:
            raise LeaseLostError(
                f"{self._lease.key}: {self._lost}. Look at what was done meanwhile, then run this "
                "again."
            )

    def renew(self) -> None:
        """Shows once that the holder is alive; a failure is logged, and kept where it is final."""
        begun = seconds_since_boot()
        try:
            self.check()
            self._lease.renew()
            self._renewed_at = begun
        except LeaseLostError as error:
            log.warning("%s", error)
        except (ConflictError, MissingObjectError) as error:
            self._lost = f"taken by another process ({error})"
            log.warning("%s: %s", self._lease.key, self._lost)
        except Exception as error:  # there are more chances before others take it for dead
            log.warning("%s: not renewed: %s", self._lease.key, error)

    def give_back(self) -> None:
        """Ends holding it; a store that is away does not replace the outcome of the block."""
        try:
            self._lease.give_back()
        except ServiceError as error:
            log.warning("%s: not given back, it ends in %.0f s: %s", self._lease.key, HOLD_S, error)


@contextmanager
def store_lease(store: Store, name: str, *, wait_s: float = 90.0) -> Iterator[StoreLease]:
    """Holds the lease `name` while the block lasts.

    Args:
        store: where the lease is kept, below `leases/<name>/`.
        name: what is being protected.
        wait_s: how long to wait for another holder; above `HOLD_S` outlasts a dead one.

    Raises:
        ConflictError: another process held it for all of `wait_s`.
    """
    prefix = f"leases/{name}/"
    conditional = store.honours_conditions(PROBES)
    quick = store.with_timeout(CALL_S)
    taken_at = 0.0

    def take() -> Lease | None:
        nonlocal taken_at
        taken_at = seconds_since_boot()
        lease: Lease = BothLeases(quick, prefix) if conditional else ListedLease(quick, prefix)
        return lease if lease.take() else None

    lease = poll_until(
        take,
        f"{store.uri(f'leases/{name}')}: held by another process",
        wait_s,
        Pauses(POLL_S, spread=0.7),  # random, so that contenders do not meet again
        next_step="Wait until it is done, then run this again.",
        error=ConflictError,
    )
    held, done = StoreLease(lease, quick, taken_at), threading.Event()
    renewer = threading.Thread(target=_renew, args=(held, done), daemon=True)
    renewer.start()
    try:
        yield held
    finally:
        done.set()
        renewer.join()
        held.give_back()


class Lease(Protocol):
    """A contender for one lease."""

    key: str

    def take(self) -> bool:
        """Tries once to become its holder."""
        ...

    def renew(self) -> None:
        """Shows that its holder is alive.

        Raises:
            ConflictError: another process took it.
            MissingObjectError: another process removed its object.
        """
        ...

    def give_back(self) -> None:
        """Ends holding it."""
        ...


class ConditionalLease:
    """A lease on a store that honours conditional writes."""

    def __init__(self, store: Store, key: str) -> None:
        self.key = key
        self._store = store
        self._holder = secrets.token_hex(8)
        self._renewals = 0
        self._etag = ""

    def take(self) -> bool:
        """Tries once; of several contenders the store lets one through."""
        former: str | None = None
        with suppress(MissingObjectError):
            value, former = self._store.get_versioned(self.key)
            age_s = self._store.age_s(self.key)
            if value != FREE and age_s is not None and age_s <= HOLD_S:
                return False
        with suppress(ConflictError):
            self._write(former)
            return True
        return False

    def renew(self) -> None:
        """Writes another number; after an unknown outcome, looks first who holds it.

        Raises:
            ConflictError: another process took it.
            MissingObjectError: another process removed its object.
        """
        self._as_holder(self._write)

    def give_back(self) -> None:
        """Marks it as free unless another process took it; looks first as `renew` does."""
        with suppress(ConflictError, MissingObjectError):
            self._as_holder(lambda etag: self._store.replace_json(self.key, FREE, etag))

    def _as_holder(self, write: Callable[[str], object]) -> None:
        """Calls `write` with the entity tag; again where only an answer of the store was lost.

        Raises:
            ConflictError: another process took it.
        """
        try:
            write(self._etag)
        except ConflictError:
            value, etag = self._store.get_versioned(self.key)
            if value["holder"] != self._holder:
                raise
            write(etag)

    def _write(self, former: str | None) -> None:
        self._renewals += 1
        value = {"holder": self._holder, "renewals": self._renewals}
        self._etag = self._store.replace_json(self.key, value, former)


class ListedLease:
    """A lease on a store that lists what was just written.

    Args:
        store: where the lease is kept.
        prefix: of the objects of all contenders.
        beside: key of an object there that is no contender's.
    """

    def __init__(self, store: Store, prefix: str, beside: str = "") -> None:
        self.key = f"{prefix}{secrets.token_hex(8)}"
        self._prefix = prefix
        self._store = store
        self._beside = beside

    def take(self) -> bool:
        """Tries once; leaves nothing behind when another holder exists."""
        self._store.put_json(self.key, {})
        written = {item.key: item.modified for item in self._store.list(self._prefix)}
        written.pop(self._beside, None)
        now = written.get(self.key, 0.0)
        alive = {key for key, modified in written.items() if now - modified <= HOLD_S}
        for key in set(written) - alive:
            self._store.remove(key)
        if alive == {self.key}:
            return True
        self._store.remove(self.key)
        return False

    def renew(self) -> None:
        """Writes its object again.

        Raises:
            MissingObjectError: another process removed it.
        """
        self._store.get_json(self.key)
        self._store.put_json(self.key, {})

    def give_back(self) -> None:
        """Removes its object."""
        self._store.remove(self.key)


class BothLeases:
    """A lease by conditional writes that clients of version 0.1, which only list, observe too."""

    def __init__(self, store: Store, prefix: str) -> None:
        self.key = f"{prefix}{HOLDER}"
        self._conditional = ConditionalLease(store, self.key)
        self._listed = ListedLease(store, prefix, self.key)

    def take(self) -> bool:
        """Tries once; who has the first is alone among clients of today, then asks the others."""
        if not self._conditional.take():
            return False
        alone = False
        try:
            alone = self._listed.take()
        finally:
            if not alone:
                self._conditional.give_back()
        return alone

    def renew(self) -> None:
        """Renews both.

        Raises:
            ConflictError: another process took it.
            MissingObjectError: another process removed an object of it.
        """
        self._conditional.renew()
        self._listed.renew()

    def give_back(self) -> None:
        """Gives both back."""
        self._listed.give_back()
        self._conditional.give_back()


def seconds_since_boot() -> float:
    """Returns the time of a clock that goes on while the process, or the machine, is suspended."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def _renew(held: StoreLease, done: threading.Event) -> None:
    while not done.wait(HOLD_S / RENEWALS):
        try:
            held.renew()
        except Exception:
            log.exception("a defect")
