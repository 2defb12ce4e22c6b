"""The right to change what serves, which the store itself enforces.

`production.json` carries a generation. Who takes the lease of a model to change what serves writes
the next generation first, on the condition that the object is as it was read; every later write is
made on the entity tag of that one. So the store refuses a deployment that was taken for dead and
goes on, whatever that one believes. Before the first version there is no object, since earlier
releases take an object without a version for damaged; the condition is then that there is none.

A write whose answer is lost is repeated until the store says what became of it: it holds exactly
what was to be written, or it refuses. Where it says neither, a repetition may still be on its way:
what was there is written again with another holder, and the store refuses whatever arrives later.
"""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from ocr_lib.errors import ServiceError
from ocr_lib.polling import Pauses, retry
from ocr_lib.registry.production import (
    Production,
    claim_production,
    fence_production,
    read_versioned,
    write_production,
)
from ocr_lib.storage.s3 import ConflictError, UnansweredError
from ocr_lib.storage.store import Store
from ocr_lib.storage.store_lease import LeaseLostError, StoreLease, store_lease

LEASE_WAIT_S = 90.0  # outlasts a deployment that died
SETTLE_S = 30.0  # for the store to say what became of a write; below the time that a lease holds


class UnknownOutcomeError(ServiceError):
    """Whether `production.json` was written is unknown: the store says nothing any more."""


@dataclass
class PointerLease:
    """The lease of a model, taken to change what serves.

    Attributes:
        model: the model's name.
        production: what served when the lease was taken, with the generation taken; None where
            nothing did.
        holder: tells this holder's writes from those of others.
    """

    model: str
    production: Production | None
    holder: str
    _lease: StoreLease
    _etag: str | None

    def check(self) -> None:
        """Checks that the lease is still held; asks no server.

        Raises:
            LeaseLostError: another process took it, or may have by now.
        """
        self._lease.check()

    def write(self, production: Production) -> Production:
        """Makes a version the one in production; returns what was written.

        Raises:
            LeaseLostError: another deployment took the lease; the store refused the write.
            UnansweredError: it was not written, and will not be.
            UnknownOutcomeError: the store does not say whether it was written, or will be.
        """
        generation = self.production.generation if self.production else 1
        written = replace(production, generation=generation, holder=self.holder)
        try:
            self._etag = retry(
                lambda: self._write(written),
                lambda error: isinstance(error, UnansweredError),
                SETTLE_S,
                Pauses(0.5, factor=2.0, longest_s=5.0, spread=0.5),
            )
        except UnansweredError as error:
            if self._fence():
                raise
            raise UnknownOutcomeError(
                f"whether production.json names version {written.version} of {self.model} is "
                f"unknown: {error}"
            ) from error
        self.production = written
        return written

    def _write(self, production: Production) -> str:
        """Writes once; a refusal may be due to an earlier attempt whose answer was lost."""
        self.check()
        try:
            return write_production(self._lease.store, production, self._etag)
        except ConflictError as error:
            stored, etag = read_versioned(self._lease.store, self.model)
            if stored == production and stored.holder == self.holder and etag:
                return etag
            raise LeaseLostError(
                f"{self.model}: another deployment changed production.json meanwhile. Look at what "
                "serves, then run this again."
            ) from error

    def _fence(self) -> bool:
        """Has the store refuse writes that may still arrive; tells whether it does so.

        Where there is no object yet, nothing can be written that would not be a version.
        """
        if self.production is None or self._etag is None:
            return False
        holder = secrets.token_hex(8)
        try:
            fenced = fence_production(self._lease.store, self.model, holder, self._etag)
        except ServiceError:
            return False
        self.production, self._etag = fenced
        self.holder = holder
        return True


@contextmanager
def deploying(store: Store, model: str, wait_s: float = LEASE_WAIT_S) -> Iterator[StoreLease]:
    """Keeps other processes from changing the versions of a model while the block lasts.

    Raises:
        ConflictError: another process did so for all of `wait_s`.
    """
    with store_lease(store, f"deploy-{model}", wait_s=wait_s) as lease:
        yield lease


@contextmanager
def pointer_lease(store: Store, model: str, wait_s: float = LEASE_WAIT_S) -> Iterator[PointerLease]:
    """Holds the lease of a model, and its next generation, while the block lasts.

    Raises:
        ConflictError: another process held it for all of `wait_s`, or changes production.json
            without it.
    """
    with deploying(store, model, wait_s) as lease:
        holder = secrets.token_hex(8)
        production, etag = claim_production(lease.store, model, holder)
        yield PointerLease(model, production, holder, lease, etag)
