"""The process of a training pod: fetches the data once for all its ranks, runs and minds them.

Only this process has the object store's keys: Paddle's launcher writes the environment of the
ranks to files. It uploads checkpoints while they train, passes on a request for their stacks,
and tells the pod's status why they ended.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from components.shared.s3 import DigestError, MissingObjectError
from components.shared.store import Store
from components.train.here import RUN_FOLDER, prepare, publish_run
from components.train.job import Work
from components.train.paddlejob import ENV_ATTEMPT, ENV_DEVICES, ENV_JOB, ENV_NODE
from components.train.ranks import TERMINATED, Ranks
from components.train.reason import TERMINATION_LOG, describe, write_reason
from components.train.result import log_key, read_result, stacks_key, write_result
from components.train.snapshots import Snapshots
from components.train.worker import CONFIG, RESULT
from components.train.worker_log import NODE_PREFIX
from ocr_lib.atomic import write_text
from ocr_lib.errors import OcrError, ServiceError

STORE_AWAY_S = 300.0  # how long the object store may be away before the pod gives up
RETRY_S = 5.0
LOOK_S = 10.0  # between looks for a request for stacks
T = TypeVar("T")


class Node:
    """One machine's part of a run.

    Args:
        work: what to train.
        folder: local disk; what an earlier container of the pod left there is used again.
    """

    def __init__(self, work: Work, folder: Path) -> None:
        self.work = work
        self.folder = folder
        self.first = os.environ.get(ENV_NODE, "0") == "0"  # rank 0 is on the first worker
        self.store = Store.from_env()
        self.snapshots = Snapshots(self.store, work.key, folder / RUN_FOLDER)
        self._looked = 0.0
        self._request = ""

    def run(self) -> int:
        """Fetches, trains and hands on; returns the exit code."""
        if patiently(lambda: read_result(self.store, self.work)):
            say("the run is complete already")
            return 0
        say("fetching data")
        config = patiently(lambda: prepare(self.work, self.folder))
        write_text(self.folder / CONFIG, config.to_yaml())
        self._request = self._wanted()
        if not self.first:
            return self._train()
        patiently(self.snapshots.restore)
        with self.snapshots:
            code = self._train()
        if code == 0:
            patiently(self._publish)
        elif code == TERMINATED:
            self._save_last()
        return code

    def _train(self) -> int:
        devices = int(os.environ.get(ENV_DEVICES, "1"))
        ranks = Ranks(self.folder, devices)
        code = ranks.wait(lambda: self._look(ranks))
        if code and code != TERMINATED:
            self._explain(ranks, code)
        return code

    def _look(self, ranks: Ranks) -> None:
        """Has the stacks written once for each request."""
        if time.monotonic() - self._looked < LOOK_S:
            return
        self._looked = time.monotonic()
        wanted = self._wanted()
        if wanted and wanted != self._request:
            self._request = wanted
            ranks.write_stacks()

    def _wanted(self) -> str:
        """Returns the present request for stacks; empty where there is none."""
        with suppress(ServiceError):
            return json.dumps(self.store.get_json(stacks_key(self.work.key)))
        return self._request

    def _explain(self, ranks: Ranks, code: int) -> None:
        """Leaves the reason in the pod's status, and the logs in the store."""
        reasons = ranks.reasons()
        if reasons:
            write_reason(TERMINATION_LOG, reasons[0])
        pod, attempt = os.environ.get("HOSTNAME", "worker"), int(os.environ.get(ENV_ATTEMPT, "1"))
        name = f"{pod}-ended-{int(time.time())}"
        key = log_key(self.work.key, attempt, name)
        with suppress(ServiceError):  # the watcher has a copy of the log
            self.store.put_bytes(key, ranks.tail())
            for batch in sorted((self.folder / RUN_FOLDER).glob("nonfinite_batch*.npz")):
                self.store.put_file(batch, f"{key.rpartition('/')[0]}/{batch.name}")
        say(f"the ranks ended with exit code {code}")

    def _publish(self) -> None:
        facts = json.loads((self.folder / RESULT).read_text("utf-8"))
        say("uploading the run folder")
        pointer = publish_run(self.work, self.folder / RUN_FOLDER, facts)
        write_result(self.store, self.work, pointer)
        self.snapshots.clear()

    def _save_last(self) -> None:
        """Uploads what was not uploaded yet, before the pod's disk goes."""
        with suppress(OcrError, OSError):
            self.snapshots.save()


def patiently(action: Callable[[], T]) -> T:
    """Does what needs the object store, again while it is away.

    Raises:
        ServiceError: it was away for too long, or does not hold what it should.
    """
    ends = time.monotonic() + STORE_AWAY_S
    while True:
        try:
            return action()
        except (MissingObjectError, DigestError):
            raise
        except ServiceError as error:
            if time.monotonic() > ends:
                raise
            say(f"{error} Trying again.")
            time.sleep(RETRY_S)


def say(line: str) -> None:
    """Writes a line that counts as progress."""
    sys.stdout.write(f"{NODE_PREFIX}{line}\n")
    sys.stdout.flush()


def main() -> int:
    """Runs this pod's part of the run that its environment names."""
    try:
        return Node(Work.from_json(os.environ[ENV_JOB]), Path.cwd()).run()
    except OcrError as error:
        sys.stderr.write(f"train: {error}\n")
        write_reason(TERMINATION_LOG, describe(error))
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
