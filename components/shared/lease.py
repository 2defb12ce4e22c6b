"""One writer at a time, on any S3 store that lists what was just written.

Conditional writes would do, but not every store has them (rclone takes the header and ignores it).
So every contender writes an object of its own under the lease's prefix and then lists the prefix:
alone there, it holds the lease; otherwise it takes its object away and tries again later. Of two
contenders at least one lists after the other has written, so both can lose a round, never both win.
"""

import random
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager

from components.shared.s3 import ConflictError
from components.shared.store import Store

POLL_S = 0.2


@contextmanager
def lease(
    store: Store, name: str, *, hold_s: float = 900.0, wait_s: float = 60.0
) -> Iterator[None]:
    """Holds the lease `name` while the block lasts.

    Args:
        store: where the lease is kept, below `leases/<name>/`.
        name: what is being protected.
        hold_s: the longest the block may take; a contender's object older than that is taken for
            the remains of one that died.
        wait_s: how long to wait for another holder.

    Raises:
        ConflictError: somebody else held it for all of `wait_s`.
    """
    own = f"leases/{name}/{secrets.token_hex(8)}"
    ends = time.monotonic() + wait_s
    while not _take(store, name, own, hold_s):
        if time.monotonic() > ends:
            raise ConflictError(
                f"{store.uri(f'leases/{name}')}: held by another process for over {wait_s:.0f} s. "
                "Wait until it is done, then run this again."
            )
        time.sleep(POLL_S * (0.5 + random.random()))  # noqa: S311 - spreads contenders, no secret
    try:
        yield
    finally:
        store.remove(own)


def _take(store: Store, name: str, own: str, hold_s: float) -> bool:
    """Tries once; leaves nothing behind when somebody else is there."""
    if _others(store, name, own, hold_s):
        return False
    store.put_json(own, {"holder": own})
    if not _others(store, name, own, hold_s):
        return True
    store.remove(own)
    return False


def _others(store: Store, name: str, own: str, hold_s: float) -> bool:
    """Tells whether anybody else is there; takes away what the dead left."""
    now = time.time()
    alive = False
    for item in store.list(f"leases/{name}/"):
        if item.key == own:
            continue
        if now - item.modified > hold_s:
            store.remove(item.key)
        else:
            alive = True
    return alive
