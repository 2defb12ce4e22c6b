import io
from datetime import timedelta
from typing import Any

import pytest

from pipelines.kfp_api.api import Kubeflow
from pipelines.kfp_api.follow import follow
from tests.pipelines.kfp_api.kfp_server import Fault, KfpServer

MINUTE = timedelta(minutes=1)


def followed(
    kubeflow: Kubeflow, run_id: str, deadline: timedelta = MINUTE
) -> tuple[str, list[str]]:
    out = io.StringIO()
    view = follow(kubeflow, run_id, deadline=deadline, out=out, poll_s=0.01)
    return view.state, out.getvalue().splitlines()


def become(server: KfpServer, run_id: str, *names: str) -> None:
    """Lets a run be as another recorded one at each look, the last for ever."""
    stages = []
    for name in names:
        other = server.replay(name)
        stages.append((server.state.runs[other], server.state.workflows[other]))
    left = list(stages)

    def progress(run: Any) -> None:
        then, workflow = left.pop(0) if len(left) > 1 else left[0]
        run.state, run.finished_at = then.state, then.finished_at
        run.run_details = then.run_details
        server.state.workflows[run_id] = workflow

    server.progress = progress


def test_a_line_is_printed_for_each_change_until_the_end(
    server: KfpServer, kubeflow: Kubeflow
) -> None:
    run_id = server.replay("unchanged")
    become(server, run_id, "running", "running", "canceled")
    state, lines = followed(kubeflow, run_id)
    assert state == "FAILED"
    assert lines[0].startswith("Look for new data              running")
    assert "failed" in lines[1]
    assert "Error (exit code 143)" in lines[1]
    assert len(lines) == 1 + 10  # each step is listed at the end


def test_a_pod_that_waits_is_said_once(server: KfpServer, kubeflow: Kubeflow) -> None:
    run_id = server.replay("unschedulable")
    looks = 0

    def progress(run: Any) -> None:
        nonlocal looks
        looks += 1
        if looks == 4:
            run.state = "FAILED"

    server.progress = progress
    _, lines = followed(kubeflow, run_id)
    waits = [line for line in lines if line.startswith("waits ")]
    assert len(waits) == 1
    assert "0/1 nodes are available" in waits[0]
    assert sum("pending" in line for line in lines) == 1


def test_following_stops_at_the_deadline(server: KfpServer, kubeflow: Kubeflow) -> None:
    state, lines = followed(kubeflow, server.replay("running"), timedelta(seconds=0.1))
    assert state == "RUNNING"
    assert len(lines) == 1


def test_following_lives_through_a_server_that_is_away(
    server: KfpServer, kubeflow: Kubeflow
) -> None:
    run_id = server.replay("refused")
    server.faults = [
        Fault("GET /runs/", 503, times=2),
        Fault("GET /runs/", 0),
        Fault("GET /apis/v1beta1", 502, times=2),
        Fault("GET /apis/v1beta1", 0),
    ]
    state, lines = followed(kubeflow, run_id)
    assert state == "SUCCEEDED"
    assert len(lines) == 10
    assert all(fault.times == 0 for fault in server.faults)


@pytest.mark.parametrize("status", [404, 403, 501])
def test_a_server_without_the_older_api_is_followed_by_the_newer(
    server: KfpServer, impatient: Kubeflow, status: int
) -> None:
    run_id = server.replay("refused")
    server.faults = [Fault("GET /apis/v1beta1", status, times=9)]
    state, lines = followed(impatient, run_id)
    assert state == "SUCCEEDED"
    assert [line.split()[-3] for line in lines if "2/2 done" in line] == [
        "cached",
        "cached",
        "0:10",
    ]
