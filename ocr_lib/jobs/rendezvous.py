"""How the machines of a job learn of each other: marks in the store, looked at now and then.

A pod that is replaced restarts its ranks and waits for the others; those still wait in the
middle of a step for the lost one, some of them for ever. So every machine leaves a mark
when it starts. An agent that sees a peer's mark change restarts its own ranks, and all meet.

Where they meet is named by the marks that they know. Without that, machines that start again
within the same seconds could meet while one of them has yet to hear of the other's start: it would
then leave, and the other would wait for ranks that are gone.
"""

import hashlib
import json
import secrets
from contextlib import suppress
from typing import NamedTuple

from ocr_lib.errors import ServiceError
from ocr_lib.storage.store import Store

STACKS = "stacks-wanted"  # the watcher's mark: everybody writes down where it stands


class RendezvousChange(NamedTuple):
    """What the marks say: a peer started again since this round; stacks are requested again."""

    broken: bool = False
    stacks: bool = False


class Rendezvous:
    """The machines of one attempt of a job.

    Args:
        store: where the marks are.
        run_key: of the run in the store.
        attempt: of the job.
        name: of this machine, or of the watcher.
        machines: how many there are.
    """

    def __init__(
        self, store: Store, run_key: str, attempt: int, name: str, machines: int = 1
    ) -> None:
        self._store = store
        self._prefix = f"{run_key}/group/{attempt:02d}/"
        self._name = name
        self._machines = machines
        self._own_mark = ""
        self._known: dict[str, str] = {}

    def join(self) -> None:
        """Leaves this machine's mark.

        Raises:
            ServiceError: the store is away.
        """
        self.mark(self._name)
        self._own_mark = self._marks().get(self._name, "")

    def round_id(self) -> str:
        """Returns the id of the rendezvous round; empty while a machine has not joined.

        Only pods that saw the same restarts of all machines have the same id. A pod that was
        replaced because it seemed dead finds no peer: it knows its own start, the others its
        successor's.

        Raises:
            ServiceError: the store is away.
        """
        self._known = self._marks()
        machines = {name: mark for name, mark in self._known.items() if name != STACKS}
        machines[self._name] = self._own_mark
        if len(machines) < self._machines:
            return ""
        return hashlib.sha256(json.dumps(machines, sort_keys=True).encode()).hexdigest()[:16]

    def mark(self, name: str) -> None:
        """Writes a mark again."""
        self._store.put_json(self._prefix + name, {"mark": secrets.token_hex(8)})

    def news(self) -> RendezvousChange:
        """Looks at the marks; nothing is new while the store is away."""
        with suppress(ServiceError):
            now, known = self._marks(), self._known
            self._known = {**known, STACKS: now.get(STACKS, "")}
            peers = known.keys() - {STACKS, self._name}
            broken = any(now.get(name, known[name]) != known[name] for name in peers)
            return RendezvousChange(broken, now.get(STACKS, "") != known.get(STACKS, ""))
        return RendezvousChange()

    def dissolve(self) -> None:
        """Removes the marks of all attempts: the run is complete."""
        for item in self._store.list(self._prefix.rstrip("/").rpartition("/")[0] + "/"):
            self._store.remove(item.key)

    def _marks(self) -> dict[str, str]:
        items = self._store.list(self._prefix)
        return {item.key.rpartition("/")[2]: item.etag for item in items}
