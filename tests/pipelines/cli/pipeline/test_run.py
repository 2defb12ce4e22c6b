"""`ocr pipeline run`, `status` and `cancel`, against a server that speaks Kubeflow's API."""

import kfp_server_api as kfp

from tests.pipelines.cli.pipeline.conftest import Ocr, pods
from tests.pipelines.kfp_api.kfp_server import KfpServer


def test_run_follows_to_the_end(server: KfpServer, ocr: Ocr) -> None:
    def progress(run: kfp.V2beta1Run) -> None:
        run.state = "SUCCEEDED"

    server.progress = progress
    code, text = ocr("run", "--param", "train_minutes=5")
    assert code == 0
    (run,) = server.state.runs.values()
    assert run.runtime_config.parameters == {"train_minutes": 5.0}
    assert f"http://localhost:8080/#/runs/details/{run.run_id}, after" in text
    assert text.splitlines()[-1] == "succeeded"


def test_a_refusal_is_exit_code_0_and_said(server: KfpServer, ocr: Ocr) -> None:
    run_id = server.replay("refused")
    assert ocr("logs", run_id, "evaluate")[0] == 1
    words = "evaluate: refused by accuracy: 0.4000 is below 0.5000\n"
    server.state.logs = dict.fromkeys(pods(server, run_id), words.encode())
    for command in (("status", run_id), ("status", run_id, "--follow")):
        code, text = ocr(*command)
        assert code == 0
        assert "(passed=false)" in text
        assert "           accuracy: 0.4000 is below 0.5000" in text.splitlines()
    code, text = ocr("logs", run_id, "evaluate")
    assert code == 0
    assert "Evaluate and decide: pod " in text
    assert "refused by accuracy" in text


def test_cancel_waits_and_says_what_became_of_clean_up(server: KfpServer, ocr: Ocr) -> None:
    ends = {"canceled": 0, "clean_up_failed": 1}
    for name, expected in ends.items():
        run_id = server.replay(name)
        run = server.state.runs[run_id]
        run.state = "RUNNING"
        server.progress = end_when_canceling
        code, text = ocr("cancel", run_id)
        assert code == expected
        assert "clean-up, still runs" in text
        assert "ended after " in text
        assert ("delete paddlejob" in text) == bool(expected)


def test_cancel_that_hangs_says_why_at_the_deadline(server: KfpServer, ocr: Ocr) -> None:
    run_id = server.replay("unschedulable")
    code, text = ocr("cancel", run_id, "--deadline", "0.001")
    assert code == 3
    assert "canceling: not ended after 0.001 minutes" in text
    assert "0/1 nodes are available" in text
    assert "clean-up   not begun: the run's training job may still hold its nodes" in text


def end_when_canceling(run: kfp.V2beta1Run) -> None:
    if run.state == "CANCELING":
        run.state = "FAILED"


def test_a_wrong_parameter_stops_before_anything_is_sent(server: KfpServer, ocr: Ocr) -> None:
    code, text = ocr("run", "--param", "train_backend=paddlejobs")
    assert code == 2
    assert "The nearest known name is paddlejob." in text
    assert server.requests == []


def test_status_and_cancel(server: KfpServer, ocr: Ocr) -> None:
    assert ocr("status") == (0, "no runs yet\n")
    ocr("run", "--detach", "--name", "mine")
    (run_id,) = server.state.runs
    assert run_id in ocr("status")[1]
    assert "mine" in ocr("status", run_id)[1]
    code, text = ocr("cancel", run_id, "--detach")
    assert code == 0
    assert "clean-up, still runs" in text
    assert server.state.runs[run_id].state == "CANCELING"
    server.state.runs[run_id].state = "FAILED"
    assert ocr("cancel", run_id) == (0, "It has ended already: failed.\n")
    assert len(server.calls(":terminate")) == 1
