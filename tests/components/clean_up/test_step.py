from collections.abc import Iterator
from pathlib import Path

import pytest

from components.clean_up.step import CleanUpRequest, clean_up, end_job
from components.step_context import StepContext
from ocr_lib.errors import ServiceError
from ocr_lib.jobs.kubernetes_api import KubernetesApi
from ocr_lib.jobs.paddlejob import build_paddlejob, job_name
from ocr_lib.runspec.spec_store import pin_spec
from ocr_lib.storage.s3 import S3Client
from ocr_lib.storage.store import Store
from tests.components.run_specs import run_spec
from tests.ocr_lib.jobs.api_server import ApiServer
from tests.ocr_lib.jobs.cluster_objects import pod
from tests.ocr_lib.jobs.specs import plain


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ApiServer]:
    monkeypatch.setattr("components.clean_up.step.POLL_S", 0.01)
    with ApiServer() as server:
        monkeypatch.setattr(KubernetesApi, "connect", lambda: server.cluster)
        yield server


@pytest.mark.parametrize("state", ["COMPLETE", "FAILED", "RUNNING"])
def test_the_job_goes_whatever_the_state_says_and_its_logs_stay(
    server: ApiServer, store: Store, tmp_path: Path, state: str
) -> None:
    run = f"clean-{state.lower()}"
    server.jobs[job_name(run)] = build_paddlejob(plain(run))
    server.pods, server.logs = [pod()], {pod()["metadata"]["name"]: "2026-11-23T14:00:00Z a\n"}
    server.keeps = 3
    pin_spec(store, run, run_spec(train_backend="paddlejob"))
    context = StepContext(store, tmp_path)
    clean_up(context, CleanUpRequest(run=run, state=state))
    clean_up(context, CleanUpRequest(run=run, state=state))
    assert server.jobs == {}
    assert len(store.list(f"runs/{run}/logs/01/")) == 1


def test_it_goes_while_the_store_does_not_answer(
    server: ApiServer, store: Store, closed_port: int, tmp_path: Path
) -> None:
    client = S3Client(f"http://127.0.0.1:{closed_port}", "key", "secret", "us-east-1")
    server.jobs[job_name("a")] = build_paddlejob(plain("a"))
    context = StepContext(Store(client, store.bucket), tmp_path)
    clean_up(context, CleanUpRequest(run="a", state="RUNNING"))
    assert server.jobs == {}


def test_training_in_the_step_or_none_at_all_leaves_nothing_and_needs_no_cluster(
    server: ApiServer, store: Store, tmp_path: Path
) -> None:
    pin_spec(store, "in-step", run_spec(train_backend="local"))
    for run in ("in-step", "never-planned"):
        clean_up(StepContext(store, tmp_path), CleanUpRequest(run=run, state="FAILED"))
    assert server.asked == []


def test_a_cluster_without_paddlejobs_has_nothing_to_clean_up(
    server: ApiServer, store: Store, tmp_path: Path
) -> None:
    pin_spec(store, "no-crd", run_spec(train_backend="paddlejob"))
    clean_up(StepContext(store, tmp_path), CleanUpRequest(run="no-crd", state="FAILED"))
    assert server.asked != []


def test_a_job_that_does_not_go_is_named(server: ApiServer) -> None:
    server.jobs["ocr-train-a"] = build_paddlejob(plain("a"))
    server.keeps = 10**6
    with pytest.raises(ServiceError, match=r"waited 0\.1 s for PaddleJob ocr-train-a to go"):
        end_job(server.cluster, "ocr-train-a", 0.1)
