"""The `paddlejob` backend: a run as a PaddleJob, sent or adopted, watched to its end.

This step may die at any moment and run again: the job's name follows from the run, its
attempt is written on it, its result is in the object store.
"""

import logging
import time
from contextlib import suppress
from dataclasses import dataclass, replace

from ocr_lib.errors import ConfigError, OcrError, ServiceError
from ocr_lib.jobs.heartbeat import clear_heartbeat
from ocr_lib.jobs.job_result import read_result, reason_key
from ocr_lib.jobs.kubernetes_api import KubernetesApi
from ocr_lib.jobs.log_tailer import LogTailer
from ocr_lib.jobs.paddlejob import (
    ANNOTATION_ATTEMPT,
    ANNOTATION_DIGEST,
    JobSpec,
    build_paddlejob,
    digest_of,
    job_name,
)
from ocr_lib.jobs.retry import with_retries
from ocr_lib.jobs.training_job import TrainRequest
from ocr_lib.jobs.watch import Outcome, WatchState, advance
from ocr_lib.polling import DeadlineError, Pauses, poll_until
from ocr_lib.storage.artifact_ref import ArtifactRef
from ocr_lib.storage.store import Store

log = logging.getLogger(__name__)
POLL_S = 3.0
GONE_S = 180.0  # for a deleted job and its pods to go
EXTRA_S = 1800.0  # the job's own deadline comes first


class TrainingJobError(OcrError):
    """The job ended without a result. The message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Launcher:
    """Sends a run to a cluster.

    Attributes:
        cluster: where to.
        store: where result, logs and reasons are.
        work: what to train.
        spec: the job to be.
    """

    cluster: KubernetesApi
    store: Store
    work: TrainRequest
    spec: JobSpec

    def run(self) -> ArtifactRef:
        """Returns the run's result, after as many attempts as the options allow.

        Raises:
            ConfigError: a job of that name was made for something else.
            TrainingJobError: it failed for good.
        """
        if (done := self._result()) is not None:
            log.info("%s is complete already", self.work.key)
            return done
        spec = self.adopt_or_create(self.spec)
        while True:
            end = self.watch(spec)
            done = self._result()
            if done is not None and end.result in ("succeeded", "gone"):
                self.cluster.delete_job(job_name(spec.run))
                return done
            if end.result == "succeeded":  # and nothing in the store
                end = replace(end, result="again", reason="the job left no result.", kind="crash")
            self._record(spec, end)
            if end.result != "again" or spec.attempt > spec.options.retries:
                self._give_up(spec, end)
            log.warning("%s Starting the whole job again from its last checkpoint.", end.reason)
            self.delete(job_name(spec.run))
            spec = self.adopt_or_create(replace(spec, attempt=spec.attempt + 1))

    def _result(self) -> ArtifactRef | None:
        return with_retries(lambda: read_result(self.store, self.work), log.warning)

    def adopt_or_create(self, spec: JobSpec) -> JobSpec:
        """Makes the job, or adopts an existing one; returns it with its attempt.

        Raises:
            ConfigError: the existing one was made for something else.
        """
        name = job_name(spec.run)
        return poll_until(
            lambda: self._adopt_or_create_once(spec),
            f"PaddleJob {name}, which is there and being deleted, or cannot be read, to go",
            GONE_S,
            Pauses(POLL_S, spread=0.5),
            next_step=f"Look at it with kubectl describe paddlejob {name}.",
        )

    def _adopt_or_create_once(self, spec: JobSpec) -> JobSpec | None:
        """Tries once; None where an earlier job is on its way out."""
        name = job_name(spec.run)
        if self.cluster.job(name) is None:
            with suppress(ServiceError):  # a former attempt's heartbeat says nothing of this one
                clear_heartbeat(self.store, self.work.key)
        if self.cluster.create_job(build_paddlejob(spec)):
            log.info(
                "PaddleJob %s/%s, %d workers, made", self.cluster.namespace, name, spec.workers
            )
            return spec
        job = self.cluster.job(name)
        if job is None or job["metadata"].get("deletionTimestamp"):
            return None
        notes = job["metadata"].get("annotations", {})
        if notes.get(ANNOTATION_DIGEST) != digest_of(spec):
            raise ConfigError(
                f"PaddleJob {self.cluster.namespace}/{name}",
                f"made for other data or settings (it says {notes.get(ANNOTATION_DIGEST)}, "
                f"this run is {digest_of(spec)})",
                f"Name this run otherwise, or end that job: kubectl delete paddlejob {name}",
            )
        log.info("going on with PaddleJob %s, which is there already", name)
        return replace(spec, attempt=int(notes.get(ANNOTATION_ATTEMPT, 1)))

    def watch(self, spec: JobSpec) -> Outcome:
        """Follows the job and its logs until it ends or cannot succeed any more."""
        follower = LogTailer(self.cluster, self.store, self.work.key, spec.attempt)
        state = WatchState()

        def look() -> Outcome | None:
            nonlocal state
            state = advance(state, follower.look(job_name(spec.run)), spec.options)
            for line in state.say:
                log.info("%s", line)
            if state.dump:
                follower.ask_for_stacks()
            return state.end

        deadline_s = 3600 * spec.options.deadline_hours + EXTRA_S
        try:
            end = poll_until(look, "the job to end", deadline_s, Pauses(POLL_S))
            heartbeat = follower.heartbeat
            heartbeat.read(time.monotonic())
            if heartbeat.reachable and not heartbeat.max_step:
                end = _hopeless(end)
            return replace(end, progress=heartbeat.beat.describe())
        except DeadlineError:
            return Outcome("failed", "the job outlived its own deadline.", "deadline")
        finally:
            follower.finish()

    def delete(self, name: str) -> None:
        """Deletes the job and waits until it is gone."""
        self.cluster.delete_job(name)
        poll_until(
            lambda: self.cluster.job(name) is None,
            f"PaddleJob {name}, which was deleted, to go",
            GONE_S,
            Pauses(POLL_S),
            next_step=f"Look at it with kubectl describe paddlejob {name}.",
        )

    def _record(self, spec: JobSpec, end: Outcome) -> None:
        """Leaves the reason in the store, best effort: the step's log has it too."""
        value = {
            "attempt": spec.attempt,
            "kind": end.kind,
            "reason": end.reason,
            "progress": end.progress,
        }
        try:
            self.store.put_json(reason_key(self.work.key), value)
        except ServiceError as error:
            log.warning("the reason was not uploaded: %s", error)

    def _give_up(self, spec: JobSpec, end: Outcome) -> None:
        """Ends what may still run, and says why."""
        self.cluster.delete_job(job_name(spec.run))
        tried = f" ({spec.attempt} attempts)" if spec.attempt > 1 else ""
        far = f" It got to {end.progress}." if end.progress else ""
        raise TrainingJobError(
            f"training did not finish{tried}: {end.reason}{far} "
            f"Logs: {self.store.uri(self.work.key)}/logs/"
        )


def _hopeless(end: Outcome) -> Outcome:
    """Makes an attempt that failed before its first step the last one: the next would as well."""
    if end.result == "again" and end.kind in ("error", "crash"):
        return replace(end, result="failed")
    return end
