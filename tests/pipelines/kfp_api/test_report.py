"""What is said of runs that a real server answered for."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ocr_lib.jobs.heartbeat import Beat, heartbeat_key
from ocr_lib.storage.s3 import S3Client
from ocr_lib.storage.store import Store
from pipelines.kfp_api import report
from pipelines.kfp_api.api import Kubeflow
from pipelines.kfp_api.connection import connect
from pipelines.kfp_api.view import View, look
from tests.pipelines.kfp_api.kfp_server import EPOCH, KfpServer

NOW = datetime(2026, 11, 28, 7, tzinfo=UTC)
Show = Callable[[str], View]


@pytest.fixture
def view(server: KfpServer, kubeflow: Kubeflow) -> Show:
    def show(name: str) -> View:
        return replace(look(kubeflow, server.replay(name)), seen=NOW)

    return show


def test_a_refused_candidate_is_said_in_words(view: Show) -> None:
    found = view("refused")
    assert found.refused
    lines = report.outcome(found, ["accuracy: 0.4 is below 0.5"])
    assert lines[0] == "succeeded after 4:06"
    assert lines[1].startswith("refused    the gate did not accept the candidate (passed=false)")
    assert lines[2] == "           accuracy: 0.4 is below 0.5"
    assert lines[-1] == f"           ocr pipeline logs {found.run.run_id} evaluate"


def test_a_run_without_news_says_so_and_is_not_refused(view: Show) -> None:
    found = view("unchanged")
    assert not found.refused
    assert report.outcome(found)[1].startswith("unchanged  nothing new")


def test_a_failure_names_the_step_its_reason_and_the_place_of_its_log(view: Show) -> None:
    found = view("failed")
    folder = f"s3://ocr/kfp/ocr-train-and-deploy/{found.run.run_id}/gen-label"
    assert report.outcome(found, ["gt.txt:3: no label"]) == [
        "failed after 2:14",
        "failed     Convert labels: Error (exit code 1)",
        "           gt.txt:3: no label",
        f"log        ocr pipeline logs {found.run.run_id} gen-label",
        f"           {folder}/0b1c2d3e-0000-4000-8000-000000000000/executor-logs-0",
    ]


def test_without_the_workflow_the_place_of_a_log_is_known_but_for_one_part(
    server: KfpServer, view: Show
) -> None:
    server.serves_v1beta1 = False
    found = view("failed")
    place = f"kfp/ocr-train-and-deploy/{found.run.run_id}/gen-label/<uuid>/executor-logs-0"
    assert f"           {place} in the object store" in report.outcome(found)
    found.run.runtime_config = type("Config", (), {"pipeline_root": "s3://mine/root/"})
    assert f"           s3://mine/root{place.removeprefix('kfp')} in the object store" in (
        report.outcome(found)
    )


def test_a_driver_s_log_is_not_where_the_steps_are(view: Show) -> None:
    lines = report.outcome(view("driver_failed"))
    assert "failed     Look for new data: Kubeflow's driver of this step: Error" in lines[1]
    assert lines[2].startswith("log        ocr pipeline logs")
    assert len(lines) == 3


def test_checkpoints_are_named_where_training_began(server: KfpServer, view: Show) -> None:
    assert not any("kept" in line for line in report.outcome(view("failed")))
    found = view("refused")
    found.run.state = "FAILED"
    assert f"runs/{found.run.run_id}/ in the object store" in report.outcome(found)[-1]


def test_a_pod_that_fits_on_no_node_is_said_with_the_scheduler_s_reason(view: Show) -> None:
    found = view("unschedulable")
    (wait,) = report.waits(found)
    assert wait.lines[0].startswith(
        "waits      Check data and configuration for 18:35: no node fits: "
        "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector."
    )
    pod = "ocr-train-and-deploy-psgm8-system-container-impl-2843860435"  # as kubectl named it
    assert wait.lines[1].endswith(f"kubectl -n kubeflow describe pod {pod}")
    assert report.outcome(found)[1:] == list(wait.lines)
    assert report.waits(view("running")) == []


def test_a_pod_of_kubeflow_s_own_that_waits_is_named_too(server: KfpServer, view: Show) -> None:
    run_id = server.replay("running")
    workflow = server.state.workflows[run_id]
    nodes = workflow["status"]["nodes"]
    waiting = {
        "type": "Pod",
        "phase": "Pending",
        "message": "Unschedulable: 0/1 nodes are available: 1 Insufficient cpu.",
        "startedAt": "2026-11-28T06:58:00Z",
        "finishedAt": None,
        "templateName": "system-dag-driver",
    }
    workflow["status"]["nodes"] = {
        key: {**node, **waiting} for key, node in nodes.items() if "root-driver(0)" in node["name"]
    }
    found = replace(look(Kubeflow(connect(server.url)), run_id), seen=NOW)
    (wait,) = report.waits(found)
    assert wait.lines[0].startswith("waits      root-driver for 2:00: no node fits: 0/1")


@pytest.mark.parametrize(("minutes", "said"), [(2.9, False), (3.1, True)])
def test_without_the_workflow_a_pod_that_does_not_start_is_said_after_minutes(
    server: KfpServer, view: Show, minutes: float, said: bool
) -> None:
    server.serves_v1beta1 = False
    found = view("unschedulable")
    began = datetime(2026, 11, 28, 6, 41, 25, tzinfo=UTC)  # of the pod that waits
    waits = report.waits(replace(found, seen=began + timedelta(minutes=minutes)))
    assert bool(waits) == said
    if said:
        assert waits[0].lines == (
            "waits      no pod has started for 3:06",
            f"           kubectl -n kubeflow describe pod -l pipeline/runid={found.run.run_id}",
        )
    assert report.waits(view("running")) == []


def test_a_run_of_which_nothing_starts_is_said_too(server: KfpServer, view: Show) -> None:
    run_id = server.replay("running")
    del server.state.workflows[run_id]
    server.state.runs[run_id].run_details = None
    found = replace(look(Kubeflow(connect(server.url)), run_id), seen=NOW)
    assert report.waits(found)[0].lines[0] == "waits      no pod has started for 15:14"


def test_cancelling_says_whether_clean_up_ran_and_what_to_do_otherwise(view: Show) -> None:
    assert report.cancelled(view("canceled"), 5) == ["ended after 8:13; Kubeflow calls it failed"]
    found = view("clean_up_failed")
    assert not report.cleaned_up(found)
    by_hand = f"kubectl -n kubeflow delete paddlejob ocr-train-{found.run.run_id}"
    assert any(by_hand in line for line in report.cancelled(found, 5))
    late = report.cancelled(view("unschedulable"), 5)
    assert late[0] == "running: not ended after 5 minutes"
    assert "no node fits" in late[1]
    assert "clean-up   not begun" in late[3]


def test_a_link_leads_to_a_user_interface_or_says_how_to_open_one() -> None:
    path = "runs/details/r1"
    with KfpServer() as server:  # the API's own port
        closed = report.see(Kubeflow(connect(server.url)), path)
        named = report.see(Kubeflow(connect(server.url, "https://ui.example.org/")), path)
        assert server.calls("GET /$") == ["GET /"]  # asked once, and not where the UI is named
    assert "port-forward svc/ml-pipeline-ui 8080:80" in closed[1]
    assert closed[0] == "see        http://localhost:8080/#/runs/details/r1, after"
    assert named == ["see        https://ui.example.org/#/runs/details/r1"]
    with KfpServer(pages=True) as server:
        assert report.see(Kubeflow(connect(server.url)), path) == [
            f"see        {server.url}/#/runs/details/r1"
        ]


def test_what_others_named_cannot_act_on_the_terminal(view: Show) -> None:
    found = view("running")
    found.run.display_name = "mine\x1b[2J\nroot"
    assert report.heading(found) == r"mine\u001b[2J\nroot"
    assert r"mine\u001b[2J\nroot" in report.row(found.run)


def test_a_run_that_goes_on_has_no_end(view: Show) -> None:
    found = view("running")
    assert found.run.finished_at == EPOCH
    assert report.outcome(found) == [
        f"running: it goes on; `ocr pipeline status {found.run.run_id}` shows it"
    ]


def test_while_it_trains_the_heartbeat_says_how_far(
    view: Show, store: Store, closed_port: int
) -> None:
    found = view("refused")
    key = heartbeat_key(f"runs/{found.run.run_id}")
    store.remove(key)
    assert report.training(found, lambda: store) == []  # it does not train any more
    steps = [replace(s, state="RUNNING") if s.task.name == "train" else s for s in found.steps]
    trains = replace(found, steps=tuple(steps))
    assert report.training(trains, None) == []
    assert report.training(trains, lambda: store) == ["training   no heartbeat yet"]
    at = f"{NOW - timedelta(seconds=12):%Y-%m-%dT%H:%M:%SZ}"
    store.put_json(key, Beat(3, 1200, 421.0, at).to_dict())
    assert report.training(trains, lambda: store) == [
        "training   epoch 3, step 1,200, ETA 7:01; last heartbeat 0:12 ago"
    ]
    store.put_json(key, Beat(at=at).to_dict())
    assert "before its first step" in report.training(trains, lambda: store)[0]
    away = Store(S3Client(f"http://127.0.0.1:{closed_port}", "k", "s", "us-east-1"), "ocr")
    assert report.training(trains, lambda: away)[0].startswith("training   not known: ")
