"""Waiting for an object store that is away for a while."""

import time
from collections.abc import Callable
from typing import TypeVar

from ocr_lib.errors import ServiceError
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
    ends = time.monotonic() + STORE_AWAY_S
    while True:
        try:
            return action()
        except (ConflictError, DigestError, MissingObjectError, RefusedError):
            raise
        except ServiceError as error:
            if time.monotonic() > ends:
                raise
            say(f"{error} Trying again.")
            time.sleep(RETRY_S)
