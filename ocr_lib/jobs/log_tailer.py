"""Looks at a job, its pods, logs and heartbeat in turn: what the watcher is fed with.

Logs are asked for at each look, not streamed: a connection that breaks, a container that
restarts, a pod that is replaced all look the same then, and one thread does it all.
"""

import logging
import time
from contextlib import suppress
from typing import Any

from ocr_lib.errors import ServiceError
from ocr_lib.jobs.diagnosis import name_of, restarts
from ocr_lib.jobs.heartbeat import HeartbeatReader
from ocr_lib.jobs.job_result import log_key
from ocr_lib.jobs.kubernetes_api import KubernetesApi, KubernetesError
from ocr_lib.jobs.pod_log import PodLog, is_chatter
from ocr_lib.jobs.rendezvous import STACKS, Rendezvous
from ocr_lib.jobs.watch import Observation
from ocr_lib.log_config import readable
from ocr_lib.storage.store import Store
from ocr_lib.terminal import echo

log = logging.getLogger(__name__)
UPLOAD_S = 60.0  # between uploads of the logs
HEARTBEAT_S = 10.0  # between reads of the heartbeat
SLACK_S = 5  # of clocks: lines read twice are told by their times
MAX_FOLLOWED = 16  # workers whose lines are shown; all of them count for diagnosis
MAX_KEPT = 4 << 20  # characters at the end of a log that are kept for the store
MAX_KEPT_TOGETHER = 64 << 20  # of the logs of all pods, those that were replaced included
Tree = dict[str, Any]


class LogTailer:
    """Follows one attempt of a job.

    Args:
        cluster: where it runs.
        store: where the logs go.
        run_key: of the run in the store.
        attempt: of the job.
        quiet: the lines are kept for the store, not shown.
    """

    def __init__(
        self,
        cluster: KubernetesApi,
        store: Store,
        run_key: str,
        attempt: int,
        *,
        quiet: bool = False,
    ) -> None:
        self._quiet = quiet
        self._cluster = cluster
        self._store = store
        self._run_key = run_key
        self._attempt = attempt
        self._logs: dict[str, PodLog] = {}
        self._restarts: dict[str, int] = {}
        self._tails: dict[str, list[str]] = {}
        self.heartbeat = HeartbeatReader(store, run_key)
        self._heartbeat_read: float | None = None
        self._uploaded = time.monotonic()

    def look(self, name: str) -> Observation:
        """Returns what is to be seen now; new lines of the logs are shown and kept."""
        selector = f"training.kubeflow.org/job-name={name}"
        pods = self._cluster.pods(selector)
        for pod in pods:
            self._read(pod)
        self._forget()
        if time.monotonic() - self._uploaded > UPLOAD_S:
            self.upload()
        now = time.monotonic()
        if self._heartbeat_read is None or now - self._heartbeat_read >= HEARTBEAT_S:
            self._heartbeat_read = now
            self.heartbeat.read(now)
        return Observation(
            at=now,
            job=self._cluster.job(name),
            pods=tuple(pods),
            events=tuple(self._cluster.events(name)),
            progress_at=self.heartbeat.changed_at,
            store_reachable=self.heartbeat.reachable,
        )

    def ask_for_stacks(self) -> None:
        """Leaves a request in the store, where every node looks."""
        with suppress(ServiceError):
            Rendezvous(self._store, self._run_key, self._attempt, "watcher").mark(STACKS)

    def finish(self) -> None:
        """Reads and uploads what is left."""
        self.upload()

    def upload(self) -> None:
        """Puts the logs read so far into the store; training does not depend on it."""
        self._uploaded = time.monotonic()
        for uid, lines in self._tails.items():
            pod_log = self._logs[uid]
            key = log_key(self._run_key, self._attempt, f"{pod_log.worker}-{uid[:8]}")
            try:
                self._store.put_bytes(key, "".join(lines).encode())
            except ServiceError as error:
                log.warning("a log was not uploaded: %s", error)
                return

    def _read(self, pod: Tree) -> None:
        """Reads what is new in a pod's log, the end of its former container's included."""
        uid, name = pod["metadata"]["uid"], pod["metadata"]["name"]
        pod_log = self._logs.setdefault(uid, PodLog(name_of(pod)))
        with suppress(KubernetesError):
            began = time.monotonic()
            since = int(began - pod_log.read_at) + SLACK_S if pod_log.last else None
            if restarts(pod) > self._restarts.get(uid, 0):
                self._show(uid, pod_log, self._cluster.log(name, since_s=since, previous=True))
            self._restarts[uid] = restarts(pod)
            self._show(uid, pod_log, self._cluster.log(name, since_s=since))
            pod_log.read_at = began

    def _show(self, uid: str, pod_log: PodLog, text: str) -> None:
        tail = self._tails.setdefault(uid, [])
        shown = len(self._logs) <= MAX_FOLLOWED or pod_log.worker == "worker-0"
        for line in pod_log.read(text):
            tail.append(f"{line.time} {line.text}\n")
            if shown and not self._quiet and not is_chatter(line.text):
                echo(f"{pod_log.prefix}{readable(line.text)}", flush=True)
        _cut(tail, MAX_KEPT)

    def _forget(self) -> None:
        """Leaves of each log its part of what is kept of all."""
        for tail in self._tails.values():
            _cut(tail, MAX_KEPT_TOGETHER // len(self._tails))


def _cut(tail: list[str], most: int) -> None:
    """Drops the first lines of a log's end until at most `most` characters are left."""
    while sum(map(len, tail)) > most:
        del tail[: len(tail) // 2 + 1]
