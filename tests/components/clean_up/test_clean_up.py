from collections.abc import Iterator

import pytest

from components.clean_up.step import clean_up, end_job
from ocr_lib.errors import ServiceError
from ocr_lib.jobs.kubernetes_api import KubernetesApi
from ocr_lib.jobs.paddlejob import build_paddlejob, job_name
from ocr_lib.storage.store import Store
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
    server: ApiServer, store: Store, state: str
) -> None:
    run = f"clean-{state.lower()}"
    server.jobs[job_name(run)] = build_paddlejob(plain(run))
    server.pods, server.logs = [pod()], {pod()["metadata"]["name"]: "2026-11-23T14:00:00Z a\n"}
    server.keeps = 3
    clean_up(run, state, "paddlejob")
    clean_up(run, state, "paddlejob")
    assert server.jobs == {}
    assert len(store.list(f"runs/{run}/logs/01/")) == 1


def test_it_goes_without_an_object_store(
    server: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OCR_S3_ENDPOINT", raising=False)
    server.jobs[job_name("a")] = build_paddlejob(plain("a"))
    clean_up("a", "RUNNING", "paddlejob")
    assert server.jobs == {}


def test_training_in_the_step_leaves_nothing_and_needs_no_cluster(server: ApiServer) -> None:
    clean_up("a", "FAILED", "local")
    assert server.asked == []


def test_a_job_that_does_not_go_is_named(server: ApiServer) -> None:
    server.jobs["ocr-train-a"] = build_paddlejob(plain("a"))
    server.keeps = 10**6
    with pytest.raises(ServiceError, match="ocr-train-a is still there after 0 s"):
        end_job(server.cluster, "ocr-train-a", 0.1)
