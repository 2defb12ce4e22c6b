"""One writer at a time, on any S3 store.

Where the store honours conditional writes, the lease is one object, `holder.json`: it is taken by
creating it, or by replacing it after its holder gave it back, and the store lets one contender do
so. A lease is given back by a conditional write too, never by deleting, which takes no condition.

Where the store ignores conditions (rclone does), every contender writes an object of its own under
the lease's prefix and then lists the prefix: alone there, it holds the lease; if not, it removes
its object and tries again later. Of two contenders at least one lists after the other has written,
so both can lose a round, never both win.

A holder renews its object all the time; one that has not for `HOLD_S`, by the store's own clock,
is taken for dead. A holder that was only slow may then write next to its successor: what a lease
protects is written with a condition as well.
"""

import logging
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Protocol

from ocr_lib.errors import ServiceError
from ocr_lib.polling import Pauses, poll_until
from ocr_lib.storage.s3 import ConflictError, MissingObjectError
from ocr_lib.storage.store import Store

log = logging.getLogger(__name__)
HOLD_S = 60.0
POLL_S = 0.75
PROBES = "leases/probe/"  # where the store is tried
FREE = {"holder": None}


@contextmanager
def store_lease(store: Store, name: str, *, wait_s: float = 90.0) -> Iterator[None]:
    """Holds the lease `name` while the block lasts.

    Args:
        store: where the lease is kept, below `leases/<name>/`.
        name: what is being protected.
        wait_s: how long to wait for another holder; above `HOLD_S` outlasts a dead one.

    Raises:
        ConflictError: another process held it for all of `wait_s`.
    """
    prefix = f"leases/{name}/"
    lease: Lease
    if store.honours_conditions(PROBES):
        lease = ConditionalLease(store, f"{prefix}holder.json")
    else:
        lease = ListedLease(store, prefix)
    poll_until(
        lease.take,
        f"{store.uri(f'leases/{name}')}: held by another process",
        wait_s,
        Pauses(POLL_S, spread=0.7),  # random, so that contenders do not meet again
        next_step="Wait until it is done, then run this again.",
        error=ConflictError,
    )
    done = threading.Event()
    renewer = threading.Thread(target=_renew, args=(lease, done), daemon=True)
    renewer.start()
    try:
        yield
    finally:
        done.set()
        renewer.join()
        try:
            lease.give_back()
        except ServiceError as error:  # the outcome of the block is what counts
            log.warning("%s: not given back, it ends in %.0f s: %s", lease.key, HOLD_S, error)


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
    """A lease on a store that lists what was just written."""

    def __init__(self, store: Store, prefix: str) -> None:
        self.key = f"{prefix}{secrets.token_hex(8)}"
        self._prefix = prefix
        self._store = store

    def take(self) -> bool:
        """Tries once; leaves nothing behind when another holder exists."""
        self._store.put_json(self.key, {})
        written = {item.key: item.modified for item in self._store.list(self._prefix)}
        now = written.get(self.key, 0.0)
        alive = {key for key, modified in written.items() if now - modified <= HOLD_S}
        for key in set(written) - alive:
            self._store.remove(key)
        if alive == {self.key}:
            return True
        self._store.remove(self.key)
        return False

    def renew(self) -> None:
        """Writes its object again."""
        self._store.put_json(self.key, {})

    def give_back(self) -> None:
        """Removes its object."""
        self._store.remove(self.key)


def _renew(lease: Lease, done: threading.Event) -> None:
    while not done.wait(HOLD_S / 6):
        try:
            lease.renew()
        except Exception as error:  # there are more chances before others take it for dead
            log.warning("%s: not renewed: %s", lease.key, error)
