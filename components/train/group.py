"""How the machines of a job learn of each other: marks in the store, looked at now and then.

A pod that is replaced starts its ranks anew and waits for the others; those still wait in the
middle of a step for the one that is gone, some of them for ever. So every machine leaves a mark
when it starts. Whoever sees a peer's mark change starts its own ranks again, and all meet.
"""

import secrets
from contextlib import suppress
from typing import NamedTuple

from components.shared.store import Store
from ocr_lib.errors import ServiceError

STACKS = "stacks-wanted"  # the watcher's mark: everybody writes down where it stands


class News(NamedTuple):
    """What changed since the last look: a peer started again; stacks are wanted."""

    broken: bool = False
    stacks: bool = False


class Group:
    """The machines of one attempt of a job.

    Args:
        store: where the marks are.
        run_key: of the run in the store.
        attempt: of the job.
        name: of this machine, or of whoever looks on.
    """

    def __init__(self, store: Store, run_key: str, attempt: int, name: str) -> None:
        self._store = store
        self._prefix = f"{run_key}/group/{attempt:02d}/"
        self._name = name
        self._known: dict[str, str] = {}

    def join(self) -> None:
        """Leaves this machine's mark; what is there already is no news.

        Raises:
            ServiceError: the store is away.
        """
        self.mark(self._name)
        self._known = self._marks()

    def mark(self, name: str) -> None:
        """Writes a mark anew."""
        self._store.put_json(self._prefix + name, {"mark": secrets.token_hex(8)})

    def news(self) -> News:
        """Looks at the marks; nothing is new while the store is away."""
        with suppress(ServiceError):
            now, known = self._marks(), self._known
            self._known = {**known, **now}
            changed = {name for name in now if known.get(name, now[name]) != now[name]}
            stacks = now.get(STACKS) != known.get(STACKS)
            return News(bool(changed - {STACKS, self._name}), stacks)
        return News()

    def dissolve(self) -> None:
        """Removes the marks of all attempts: the run is complete."""
        for item in self._store.list(self._prefix.rstrip("/").rpartition("/")[0] + "/"):
            self._store.remove(item.key)

    def _marks(self) -> dict[str, str]:
        found = self._store.list(self._prefix)
        return {item.key.rpartition("/")[2]: item.etag for item in found}
