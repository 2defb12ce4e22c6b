"""clean-up: ends the training job of a run that is over.

The status that an exit handler is told cannot be relied on: it reads RUNNING after a run was
terminated, and after one whose steps were all cached. So the cluster itself is looked at.
"""

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from components.step_context import StepContext
from ocr_lib.errors import OcrError
from ocr_lib.jobs.kubernetes_api import KubernetesApi
from ocr_lib.jobs.log_tailer import LogTailer
from ocr_lib.jobs.paddlejob import ANNOTATION_ATTEMPT, job_name
from ocr_lib.polling import Clock, Pauses, poll_until
from ocr_lib.runspec.spec_store import find_spec
from ocr_lib.storage.store import Store

log = logging.getLogger(__name__)
DEADLINE_S = 300.0
POLL_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanUpRequest:
    """The run that is over.

    Attributes:
        run: names it.
        state: how it ended, as far as the backend knows: for the log only.
    """

    run: str
    state: str


def clean_up(context: StepContext, request: CleanUpRequest) -> None:
    """Ends the run's job, if there is one; may be called any number of times.

    A run without a spec has not come to training, and one that trained in its step has no job.
    Where the store does not answer, the cluster is looked at all the same.

    Raises:
        ServiceError: the job is still there after the deadline.
    """
    context.log.info("the run ended (the backend says %s)", request.state)
    run, name = request.run, job_name(request.run)
    if not may_have_job(context.store, run):
        context.log.info("it has no training job")
        return
    cluster = KubernetesApi.connect()
    job = cluster.job(name)
    if job is None:
        context.log.info("no PaddleJob %s is left", name)
        return
    attempt = int(job["metadata"].get("annotations", {}).get(ANNOTATION_ATTEMPT, 1))
    save_logs(context.store, cluster, run, name, attempt)
    end_job(cluster, name, clock=context.clock)
    context.log.info("PaddleJob %s is gone", name)


def may_have_job(store: Store, run: str) -> bool:
    """Tells whether a run may have left a training job on the cluster."""
    try:
        spec = find_spec(store, run)
    except OcrError as error:
        log.warning("%s Looking at the cluster all the same.", error)
        return True
    return spec is not None and spec.train_backend != "local"


def save_logs(store: Store, cluster: KubernetesApi, run: str, name: str, attempt: int) -> None:
    """Uploads the workers' logs while there are any; the job goes even if this fails."""
    with suppress(OcrError):
        follower = LogTailer(cluster, store, f"runs/{run}", attempt, quiet=True)
        follower.look(name)
        follower.finish()


def end_job(
    cluster: KubernetesApi,
    name: str,
    deadline_s: float = DEADLINE_S,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Deletes a job and waits until it is gone with its pods.

    Raises:
        ServiceError: it is still there after the deadline.
    """
    cluster.delete_job(name)
    poll_until(
        lambda: cluster.job(name) is None,
        f"PaddleJob {name} to go",
        deadline_s,
        Pauses(POLL_S),
        next_step=f"Delete it by hand, or wait for `ocr reap`: kubectl delete paddlejob {name}",
        clock=Clock(clock),
    )
