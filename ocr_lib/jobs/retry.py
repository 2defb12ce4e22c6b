"""Waiting for an object store that is away for a while."""

from collections.abc import Callable
from typing import TypeVar

from ocr_lib.errors import ServiceError
from ocr_lib.polling import Pauses, retry
from ocr_lib.storage.s3 import ConflictError, DigestError, MissingObjectError, RefusedError

STORE_AWAY_S = 300.0  # how long it may be away before its users give up
RETRY_S = 5.0
T = TypeVar("T")


def with_retries(action: Callable[[], T], say: Callable[[str], None]) -> T:
    """Does what needs the object store, again while it is away.

    Raises:
        ServiceError: it was away for too long, does not hold what it should, or refuses the keys:
            a process has its keys for life, so that asking again would not help.
    """
    return retry(
        action,
        _passing,
        STORE_AWAY_S,
        Pauses(RETRY_S, spread=0.5),
        say=lambda error: say(f"{error} Trying again."),
    )


def _passing(error: Exception) -> bool:
    final = (ConflictError, DigestError, MissingObjectError, RefusedError)
    return isinstance(error, ServiceError) and not isinstance(error, final)
