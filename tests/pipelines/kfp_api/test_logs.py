"""Logs from each place that may have them: two real servers, and Kubeflow's and Kubernetes' API."""

from collections.abc import Callable
from pathlib import Path

import pytest

from ocr_lib.errors import ConfigError, ServiceError
from ocr_lib.report.evaluation_result import REFUSED_BY
from ocr_lib.storage.store import Store
from pipelines.kfp_api import logs
from pipelines.kfp_api.api import Kubeflow
from pipelines.kfp_api.logs import read_log, remarks
from pipelines.kfp_api.steps import RunStep
from pipelines.kfp_api.view import View, look
from tests.ocr_lib.jobs.api_server import NAMESPACE, ApiServer
from tests.pipelines.kfp_api.kfp_server import KfpServer

Show = Callable[[str], View]


@pytest.fixture
def view(server: KfpServer, kubeflow: Kubeflow) -> Show:
    return lambda name: look(kubeflow, server.replay(name))


def step_of(view: View, name: str) -> RunStep:
    step = view.step(name)
    assert step is not None
    return step


def pod_of(view: View, step: RunStep, number: int = 0) -> str:
    assert view.progress.workflow is not None
    node = step.rounds[number].pod
    assert node is not None
    return view.progress.workflow.pod_name(node)


def test_a_step_is_found_by_name_or_title(view: Show) -> None:
    found = view("failed")
    assert found.step("GEN-LABEL") == found.step("Convert labels") == found.failed
    assert found.step("nothing") is None


def test_kubeflow_s_server_reads_it_for_each_round(
    server: KfpServer, kubeflow: Kubeflow, view: Show
) -> None:
    found = view("failed")
    step = step_of(found, "gen-label")
    for number in (0, 1):
        server.state.logs[pod_of(found, step, number)] = f"round {number}\n".encode()
    assert read_log(kubeflow, found, step, 1).lines == ["round 0"]
    assert read_log(kubeflow, found, step, 2).lines == ["round 1"]
    assert read_log(kubeflow, found, step).source == f"pod {pod_of(found, step, 1)}, by Kubeflow"
    with pytest.raises(ConfigError, match=r"--round 3: Convert labels has 2"):
        read_log(kubeflow, found, step, 3)


def test_of_a_step_that_its_driver_failed_the_driver_s_log_is_read(
    server: KfpServer, kubeflow: Kubeflow, view: Show
) -> None:
    found = view("driver_failed")
    step = step_of(found, "plan")
    assert "system-container-driver" in pod_of(found, step)
    server.state.logs[pod_of(found, step)] = b"KFP driver: no such secret\n"
    assert read_log(kubeflow, found, step).lines == ["KFP driver: no such secret"]


def test_the_archive_is_read_where_the_log_itself_is_not_served(
    server: KfpServer, kubeflow: Kubeflow, view: Show, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = view("failed")
    step = step_of(found, "gen-label")
    node = step.rounds[1].pod
    assert node is not None
    for size in (5, 6, 7):  # base64 ends differently
        server.state.archive[node.id] = b"first line\n" + b"x" * size
        assert read_log(kubeflow, found, step).lines == ["first line", "x" * size]
    monkeypatch.setattr(logs, "MAX_BYTES", 400)
    server.state.archive[node.id] = b"a" * 1000 + b"\nthe last line\n"
    log = read_log(kubeflow, found, step)
    assert (log.source, log.lines, log.cut) == ("Argo's archive", ["the last line"], True)


def test_a_running_pod_s_log_is_read_by_kubernetes(
    kubeflow: Kubeflow, view: Show, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = view("running")
    step = step_of(found, "plan")
    with pytest.raises(ServiceError, match="no Kubernetes cluster here"):
        read_log(kubeflow, found, step)
    with ApiServer() as cluster:
        path = cluster.kubeconfig(tmp_path / "config", NAMESPACE)
        monkeypatch.setenv("KUBECONFIG", str(path))
        with pytest.raises(ServiceError, match="there is no such pod"):
            read_log(kubeflow, found, step)
        cluster.logs[pod_of(found, step)] = "epoch 1\n"
        assert read_log(kubeflow, found, step).lines == ["epoch 1"]
        assert "/namespaces/kubeflow/" in cluster.asked[-1]
        assert "'container': ['main']" in cluster.asked[-1]


def test_the_object_store_is_read_with_keys_of_its_own(
    server: KfpServer, kubeflow: Kubeflow, view: Show, store: Store
) -> None:
    found = view("failed")
    step = step_of(found, "gen-label")
    with pytest.raises(ServiceError, match=r"object store, s3://ocr/kfp/.*executor-logs-0"):
        read_log(kubeflow, found, step, open_store=lambda: store)
    server.serves_v1beta1 = False  # no workflow: all that is known is the folder
    found = view("failed")
    step = step_of(found, "gen-label")
    folder = f"kfp/ocr-train-and-deploy/{found.run.run_id}/gen-label"
    store.put_bytes(f"{folder}/uuid/labels", b"not a log")
    with pytest.raises(ServiceError, match="there is none"):
        read_log(kubeflow, found, step, open_store=lambda: store)
    store.put_bytes(f"{folder}/uuid/executor-logs-0", b"gt.txt:3: no label\n")
    log = read_log(kubeflow, found, step, open_store=lambda: store)
    assert (log.source, log.lines) == (f"object store, {folder}/", ["gt.txt:3: no label"])


def test_the_store_is_read_at_the_end_alone(
    server: KfpServer, kubeflow: Kubeflow, view: Show, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.serves_v1beta1 = False
    found = view("failed")
    folder = f"kfp/ocr-train-and-deploy/{found.run.run_id}/gen-label"
    store.put_bytes(f"{folder}/uuid/executor-logs-0", b"a" * 10_000 + b"\nlast\n")
    monkeypatch.setattr(logs, "MAX_BYTES", 12)
    log = read_log(kubeflow, found, step_of(found, "gen-label"), open_store=lambda: store)
    assert (log.lines, log.cut) == (["last"], True)


def test_a_log_that_is_nowhere_says_where_it_was_looked_for(
    server: KfpServer, kubeflow: Kubeflow, view: Show
) -> None:
    found = view("failed")
    with pytest.raises(ServiceError) as error:
        read_log(kubeflow, found, step_of(found, "gen-label"))
    assert "by Kubeflow: it cannot read it; Argo's archive: " in str(error.value)
    assert "kept at s3://ocr/kfp/" in str(error.value)
    server.serves_v1beta1 = False
    found = view("failed")
    with pytest.raises(ServiceError, match="names no pod of it, and OCR_S3_ENDPOINT is not set"):
        read_log(kubeflow, found, step_of(found, "gen-label"))


def test_a_log_cannot_act_on_the_terminal(
    server: KfpServer, kubeflow: Kubeflow, view: Show
) -> None:
    found = view("failed")
    step = step_of(found, "gen-label")
    hostile = b"\x1b[2Jgone\r\n10%\r20%\ttab\n\xff\xe2\x80\xae\n"
    server.state.logs[pod_of(found, step, 1)] = hostile
    assert read_log(kubeflow, found, step).lines == [
        r"\u001b[2Jgone",
        "10%",
        "20%\ttab",
        "\N{REPLACEMENT CHARACTER}\\u202e",
    ]


def test_the_gate_s_reasons_come_from_the_step_s_log(
    server: KfpServer, kubeflow: Kubeflow, view: Show
) -> None:
    found = view("refused")
    assert remarks(kubeflow, found) == []
    words = f"counts\n{REFUSED_BY}accuracy: 0.4 is below 0.5\n{REFUSED_BY}samples: 9\n"
    server.state.logs[pod_of(found, step_of(found, "evaluate"))] = words.encode()
    assert remarks(kubeflow, found) == ["accuracy: 0.4 is below 0.5", "samples: 9"]


def test_of_a_failure_the_last_lines_are_told(
    server: KfpServer, kubeflow: Kubeflow, view: Show
) -> None:
    found = view("failed")
    text = "".join(f"line {number}\n\n" for number in range(9))
    server.state.logs[pod_of(found, step_of(found, "gen-label"), 1)] = text.encode()
    assert remarks(kubeflow, found) == [f"line {number}" for number in range(4, 9)]
    assert remarks(kubeflow, view("running")) == []
