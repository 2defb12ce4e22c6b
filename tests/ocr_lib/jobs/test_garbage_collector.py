from datetime import UTC, datetime
from typing import Any

import pytest

from components.clean_up.step import end_job
from ocr_lib.jobs.garbage_collector import (
    RetentionLimits,
    collect_garbage,
    expired_jobs,
    expiry_reason,
)
from ocr_lib.jobs.heartbeat import Beat
from ocr_lib.jobs.paddlejob import ANNOTATION_RUN
from ocr_lib.storage.s3 import S3Client
from ocr_lib.storage.store import Store
from tests.ocr_lib.jobs.api_server import ApiServer
from tests.ocr_lib.jobs.cluster_objects import job as job_with
from tests.ocr_lib.jobs.cluster_objects import pod

Tree = dict[str, Any]
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC).timestamp()
LIMITS = RetentionLimits(finished_s=3600, min_age_s=900, grace_s=600)


def stamp(ago_s: float) -> str:
    return datetime.fromtimestamp(NOW - ago_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def job(age_s: float, *conditions: str, run: str = "r", since_s: float = 0.0) -> Tree:
    made = job_with(*conditions)
    made["metadata"] |= {
        "creationTimestamp": stamp(age_s),
        "annotations": {ANNOTATION_RUN: run} if run else {},
    }
    made["spec"] = {"runPolicy": {"activeDeadlineSeconds": 86400}}
    for row in made["status"]["conditions"]:
        row["lastTransitionTime"] = stamp(since_s)
    return made


@pytest.mark.parametrize(
    ("made", "pods", "why"),
    [
        (job(100), [], ""),  # young
        (job(7200, "Running"), [pod()], ""),
        (job(7200, "Running"), [pod(phase="Pending")], ""),
        (job(7200, "Running"), [pod(phase="Failed"), pod(phase="Succeeded")], "no pod at work"),
        (job(7200, "Running"), [], "no pod at work"),
        (job(7200, "Running", run=""), [], ""),  # of no pipeline: only its deadline counts
        (job(86400 + 601, "Running", run=""), [], "24.0 h were allowed"),
        (job(86400 + 601, "Running"), [pod()], "24.0 h were allowed"),
        (job(7200, "Succeeded", since_s=3599), [], ""),
        (job(7200, "Succeeded", since_s=3600), [], "succeeded 1.0 h ago"),
        (job(7200, "Running=False", "Failed", since_s=5400), [pod()], "failed 1.5 h ago"),
    ],
)
def test_what_is_over_and_why(made: Tree, pods: list[Tree], why: str) -> None:
    found = expiry_reason(made, pods, NOW, LIMITS)
    assert why in found
    assert bool(why) == bool(found)


def test_only_what_is_over_at_both_looks_goes() -> None:
    with ApiServer() as server:
        for name in ("a", "b"):
            server.jobs[name] = job(7200, "Running", run=name) | {
                "metadata": {
                    **job(7200, run=name)["metadata"],
                    "name": name,
                    "creationTimestamp": "2020-01-01T00:00:00Z",
                }
            }
            server.jobs[name]["spec"] = {}
        assert set(collect_garbage(server.cluster, LIMITS, end_job, 0.0)) == {"a", "b"}
        assert server.jobs == {}
        assert collect_garbage(server.cluster, LIMITS, end_job, 0.0) == {}


def test_how_far_a_job_was_is_said_where_its_heartbeat_can_be_read(
    store: Store, closed_port: int
) -> None:
    at = datetime.fromtimestamp(NOW - 3600, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    store.put_json("runs/reaped/heartbeat.json", Beat(2, 70, 9.0, at).to_dict())
    away = Store(S3Client(f"http://127.0.0.1:{closed_port}", "k", "s", "us-east-1"), "ocr")
    with ApiServer() as server:
        server.jobs["a"] = job(7200, "Running", run="reaped")
        server.jobs["a"]["metadata"]["name"] = "a"
        why = "its run reaped has no pod at work"
        assert expired_jobs(server.cluster, NOW, LIMITS) == {"a": why}
        assert expired_jobs(server.cluster, NOW, LIMITS, away) == {"a": why}
        far = "epoch 2, step 70, ETA 0:09; last heartbeat 1:00:00 ago"
        assert expired_jobs(server.cluster, NOW, LIMITS, store) == {"a": f"{why} ({far})"}


def test_a_run_between_two_attempts_of_a_step_is_left_alone() -> None:
    with ApiServer() as server:
        server.jobs["a"] = job(7200, "Running")
        server.jobs["a"]["metadata"]["creationTimestamp"] = "2020-01-01T00:00:00Z"
        server.jobs["a"]["spec"] = {}
        answer = server.answer

        def with_pod_later(method: str, path: str, body: Tree | None) -> tuple[int, Any]:
            answered = answer(method, path, body)
            if path.endswith("/pods"):
                server.pods = [pod()]  # the next attempt's
            return answered

        server.answer = with_pod_later  # type: ignore[method-assign]
        assert collect_garbage(server.cluster, LIMITS, end_job, 0.0) == {}
        assert list(server.jobs) == ["a"]
