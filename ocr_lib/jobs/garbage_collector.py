"""Deletes training jobs that no run waits for any more.

An exit handler can be lost: with its node, with the namespace's quota, with the workflow. What is
over is decided here from the job and the pipeline's pods alone, twice, a minute apart: between two
attempts of a step a run has no pod for some seconds.
"""

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ocr_lib.errors import ServiceError
from ocr_lib.jobs.heartbeat import describe_heartbeat
from ocr_lib.jobs.kubernetes_api import KubernetesApi
from ocr_lib.jobs.paddlejob import ANNOTATION_RUN, MANAGED_BY
from ocr_lib.jobs.watch import condition
from ocr_lib.polling import CLOCK
from ocr_lib.storage.store import Store

log = logging.getLogger(__name__)
Tree = Mapping[str, Any]
SELECTOR = ",".join(f"{name}={value}" for name, value in MANAGED_BY.items())
RUN_LABEL = "pipeline/runid"  # on every pod that Kubeflow Pipelines makes for a run
SECOND_LOOK_S = 60.0
LIVE = ("Pending", "Running")


@dataclass(frozen=True, slots=True)
class RetentionLimits:
    """When a job is over.

    Attributes:
        finished_s: a finished job goes after so long.
        min_age_s: no job younger than this goes.
        grace_s: beyond its own deadline.
    """

    finished_s: float = 6 * 3600.0
    min_age_s: float = 900.0
    grace_s: float = 1800.0


def expiry_reason(job: Tree, pods: Iterable[Tree], now: float, limits: RetentionLimits) -> str:
    """Returns why no run waits for a job any more; empty where one may.

    Args:
        job: the PaddleJob.
        pods: of the pipeline's run that made it.
        now: seconds since 1970.
        limits: when a job is over.
    """
    age = now - seconds(job["metadata"]["creationTimestamp"])
    if age < limits.min_age_s:
        return ""
    for kind in ("Succeeded", "Failed"):
        if ended := condition(job, kind):
            ago = now - seconds(ended.get("lastTransitionTime", ""))
            return f"{kind.lower()} {ago / 3600:.1f} h ago" if ago >= limits.finished_s else ""
    deadline_s = float(job["spec"].get("runPolicy", {}).get("activeDeadlineSeconds") or 0)
    if deadline_s and age > deadline_s + limits.grace_s:
        return f"{age / 3600:.1f} h old, {deadline_s / 3600:.1f} h were allowed"
    run = job["metadata"].get("annotations", {}).get(ANNOTATION_RUN, "")
    live = [pod for pod in pods if pod.get("status", {}).get("phase") in LIVE]
    if run and not live:
        return f"its run {run} has no pod at work"
    return ""


def expired_jobs(
    cluster: KubernetesApi, now: float, limits: RetentionLimits, store: Store | None = None
) -> dict[str, str]:
    """Returns the jobs that are over: name → why.

    Args:
        cluster: where they are.
        now: seconds since 1970.
        limits: when a job is over.
        store: holds the runs' heartbeats, which say how far each was; None leaves that out.
    """
    expired = {}
    for job in cluster.jobs(SELECTOR):
        run = job["metadata"].get("annotations", {}).get(ANNOTATION_RUN, "")
        pods = cluster.pods(f"{RUN_LABEL}={run}") if run else []
        if why := expiry_reason(job, pods, now, limits):
            expired[job["metadata"]["name"]] = why + _how_far(run, now, store)
    return expired


def _how_far(run: str, now: float, store: Store | None) -> str:
    """Returns what a run's heartbeat says; nothing decides by it, so it may be missing."""
    if store is None or not run:
        return ""
    with suppress(ServiceError):
        return f" ({describe_heartbeat(store, f'runs/{run}', datetime.fromtimestamp(now, UTC))})"
    return ""


def collect_garbage(
    cluster: KubernetesApi,
    limits: RetentionLimits,
    end: Callable[[KubernetesApi, str], None],
    second_look_s: float = SECOND_LOOK_S,
    store: Store | None = None,
) -> dict[str, str]:
    """Ends what is over at both looks; returns name → why."""
    over = expired_jobs(cluster, time.time(), limits, store)
    if over:
        CLOCK.sleep(second_look_s)
        again = expired_jobs(cluster, time.time(), limits, store)
        over = {name: again[name] for name in over if name in again}
    for name, why in over.items():
        end(cluster, name)
        log.info("ended %s: %s", name, why)
    return over


def seconds(timestamp: str) -> float:
    """Returns a Kubernetes time as seconds since 1970; 0 where there is none."""
    return datetime.fromisoformat(timestamp).timestamp() if timestamp else 0.0
