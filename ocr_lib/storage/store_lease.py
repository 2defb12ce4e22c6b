"""One writer at a time, on any S3 store that lists what was just written.

Conditional writes would do, but not every store has them (rclone takes the header and ignores it).
So every contender writes an object of its own under the lease's prefix and then lists the prefix:
alone there, it holds the lease; otherwise it takes its object away and tries again later. Of two
contenders at least one lists after the other has written, so both can lose a round, never both win.

A holder rewrites its object all the time; one that has not for `HOLD_S`, by the store's own
clock, is taken for dead and its object removed.
"""

import random
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from ocr_lib.storage.s3 import ConflictError
from ocr_lib.storage.store import Store
from ocr_lib.terminal import echo

HOLD_S = 60.0
POLL_S = 0.5


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
    own = f"leases/{name}/{secrets.token_hex(8)}"
    ends = time.monotonic() + wait_s
    while not _take(store, own):
        if time.monotonic() > ends:
            raise ConflictError(
                f"{store.uri(f'leases/{name}')}: held by another process for over {wait_s:.0f} s. "
                "Wait until it is done, then run this again."
            )
        time.sleep(POLL_S * (0.5 + random.random()))  # noqa: S311 - spreads contenders, no secret
    done = threading.Event()
    renewer = threading.Thread(target=_renew, args=(store, own, done), daemon=True)
    renewer.start()
    try:
        yield
    finally:
        done.set()
        renewer.join()
        store.remove(own)


def _take(store: Store, own: str) -> bool:
    """Tries once; leaves nothing behind when another holder exists."""
    store.put_json(own, {})
    there = {item.key: item.modified for item in store.list(own.rpartition("/")[0] + "/")}
    alive = {key for key, modified in there.items() if there[own] - modified <= HOLD_S}
    for key in set(there) - alive:
        store.remove(key)
    if alive == {own}:
        return True
    store.remove(own)
    return False


def _renew(store: Store, own: str, done: threading.Event) -> None:
    while not done.wait(HOLD_S / 6):
        try:
            store.put_json(own, {})
        except Exception as error:  # there are more chances before others take it for dead
            echo(f"{store.uri(own)}: not renewed: {error}", err=True)
