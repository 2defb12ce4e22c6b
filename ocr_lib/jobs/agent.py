"""The process of a training pod: fetches the data once for all its ranks, runs and minds them.

Only this process has the object store's keys: Paddle's launcher writes the environment of the
ranks to files. It uploads checkpoints while they train, starts them again with a peer that was
replaced, passes on a request for their stacks, and tells the pod's status why they ended.
"""

import json
import logging
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

from ocr_lib.atomic import write_text
from ocr_lib.errors import MACHINE_FAILURES, OcrError, ServiceError, describe_system
from ocr_lib.jobs.heartbeat import HeartbeatUploader
from ocr_lib.jobs.job_result import log_key, read_result, write_result
from ocr_lib.jobs.local import RUN_FOLDER, prepare, publish_run
from ocr_lib.jobs.rendezvous import Rendezvous
from ocr_lib.jobs.retry import with_retries
from ocr_lib.jobs.snapshots import Snapshots
from ocr_lib.jobs.termination_reason import describe, write_reason
from ocr_lib.jobs.training_job import TrainRequest
from ocr_lib.jobs.worker import CONFIG, RESULT
from ocr_lib.jobs.workers import POLL_S, WorkerGroup
from ocr_lib.log_config import logging_configured
from ocr_lib.polling import CLOCK
from ocr_lib.regular_file import read_bounded
from ocr_lib.settings import Settings
from ocr_lib.storage.store import Store
from ocr_lib.terminal import echo

log = logging.getLogger("ocr_lib.jobs.agent")  # __name__ is __main__ in a pod
LOOK_S = 5.0  # between looks at the others' marks
TERMINATED = 128 + signal.SIGTERM


class Agent:
    """One machine's part of a run.

    Args:
        store: holds data, checkpoints and the marks of the other machines.
        work: what to train.
        settings: which machine of the job this is.
        folder: local disk; what an earlier container of the pod left there is used again.
    """

    def __init__(self, store: Store, work: TrainRequest, settings: Settings, folder: Path) -> None:
        self.work = work
        self.folder = folder
        self.settings = settings
        self.index = settings.node_index
        self.first = self.index == 0  # rank 0 is on the first worker
        self.attempt = settings.attempt
        self.devices = settings.devices
        self.store = store
        self.snapshots = Snapshots(self.store, work.key, folder / RUN_FOLDER)
        name = f"node-{self.index}"
        self.heartbeat = HeartbeatUploader(store, work.key, folder / RUN_FOLDER)
        self.group = Rendezvous(self.store, work.key, self.attempt, name, settings.nodes)
        self._ranks: WorkerGroup | None = None
        self._looked = 0.0
        self._again = self._ended = False

    def run(self) -> int:
        """Fetches, trains and hands on; returns the exit code."""
        with self.heartbeat:
            return self._run()

    def _run(self) -> int:
        if with_retries(lambda: read_result(self.store, self.work), log.warning):
            log.info("the run is complete already")
            return 0
        with_retries(self.group.join, log.warning)
        log.info("fetching data")
        with self.heartbeat.working():
            config = with_retries(lambda: prepare(self.store, self.work, self.folder), log.warning)
        write_text(self.folder / CONFIG, config.to_yaml())
        if not self.first:
            return self._train()
        if (self.folder / RESULT).exists():  # trained by an earlier container, not handed on
            with_retries(self._publish, log.warning)
            return 0
        with self.heartbeat.working():
            with_retries(self.snapshots.restore, log.warning)
        with self.snapshots:
            code = self._train()
        if code == 0:
            with_retries(self._publish, log.warning)
        elif self._ended:
            try:  # what was not uploaded yet, before the disk goes
                self.snapshots.save()
            except (OcrError, OSError) as error:
                log.error("the last checkpoint was not uploaded: %s", error)
        return code

    def end(self) -> None:
        """Ends the ranks, as Kubernetes asks for it; `run` then returns."""
        self._ended = True
        if self._ranks is None:
            raise SystemExit(TERMINATED)
        self._ranks.stop()

    def _train(self) -> int:
        """Runs the ranks, again each time a peer started again."""
        while True:
            self._again = False
            round_id = self._rendezvous()
            if not round_id:
                return TERMINATED
            self._ranks = WorkerGroup(self.folder, self.devices, self.index, round_id)
            code = self._ranks.wait(self._look)
            self.heartbeat.flush()
            if self._ended:
                return TERMINATED
            if not self._again:
                break
            log.info("a peer started again: the ranks start again from their last checkpoint")
        if code:
            self._explain(self._ranks, code)
        return code

    def _rendezvous(self) -> str:
        """Waits until all machines started, as long as the job may.

        Returns:
            The id of the round; empty when this pod was asked to end.
        """
        told = False
        while not self._ended:
            if round_id := with_retries(self.group.round_id, log.warning):
                return round_id
            if not told:
                log.info("waiting for the other pods to start")
            told = True
            CLOCK.sleep(POLL_S)
        return ""

    def _look(self) -> None:
        """Does what the others' marks ask for."""
        if self._ended and self._ranks:  # asked to end while these were being started
            self._ranks.stop()
        if time.monotonic() - self._looked < LOOK_S or self._ranks is None:
            return
        self._looked = time.monotonic()
        news = self.group.news()
        if news.stacks:
            self._ranks.write_stacks()
        if news.broken:
            self._again = True
            self._ranks.stop()

    def _explain(self, ranks: WorkerGroup, code: int) -> None:
        """Leaves the reason in the pod's status, and the logs in the store."""
        reasons = ranks.reasons()
        if reasons:
            write_reason(Path(self.settings.termination_log), reasons[0])
        name = f"{self.settings.pod_name}-ended-{int(time.time())}"
        key = log_key(self.work.key, self.attempt, name)
        with suppress(ServiceError):  # the watcher has a copy of the log
            self.store.put_bytes(key, ranks.tail())
            for batch in sorted((self.folder / RUN_FOLDER).glob("nonfinite_batch*.npz")):
                self.store.put_file(batch, f"{key.rpartition('/')[0]}/{batch.name}")
        log.error("the ranks ended with exit code %d", code)

    def _publish(self) -> None:
        with self.heartbeat.working():
            self._upload_run()

    def _upload_run(self) -> None:
        facts = json.loads(read_bounded(self.folder / RESULT))
        facts["failed_uploads"] = self.snapshots.failed
        log.info("uploading the run directory")
        pointer = publish_run(self.store, self.work, self.folder / RUN_FOLDER, facts)
        write_result(self.store, self.work, pointer)
        self.snapshots.clear()
        self.group.dissolve()


def main() -> int:
    """Runs this pod's part of the run that its environment names."""
    settings = Settings()
    try:
        settings = Settings.from_env()
        work = TrainRequest.from_json(settings.required("train_job"))
        with logging_configured(run=work.run, step="train", settings=settings):
            node = Agent(Store.from_env(), work, settings, Path.cwd())
            signal.signal(signal.SIGTERM, lambda *_: node.end())
            return node.run()
    except OcrError as error:
        echo(f"train: {error}", err=True)
        write_reason(Path(settings.termination_log), describe(error))
        return error.exit_code
    except OSError as error:
        if error.errno not in MACHINE_FAILURES:
            raise
        echo(f"train: {describe_system(error)}", err=True)
        write_reason(Path(settings.termination_log), describe(error))
        return 1


if __name__ == "__main__":
    sys.exit(main())
