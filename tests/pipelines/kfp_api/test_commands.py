"""`ocr pipeline …` as a user types it, against a server that speaks Kubeflow's API."""

import json
from pathlib import Path

import kfp_server_api as kfp
import pytest
import yaml

from pipelines.cli import main as cli
from pipelines.cli.commands import PIPELINE_COMMANDS
from pipelines.kfp_api.package import Package
from pipelines.kfp_api.workflow import read_workflow
from tests.pipelines.kfp_api.kfp_server import KfpServer


@pytest.fixture
def ocr(server: KfpServer, capsys: pytest.CaptureFixture[str], package: Package):  # type: ignore[no-untyped-def]
    def run(*words: str) -> tuple[int, str]:
        with_package = words[0] in ("upload", "run") or words[:2] == ("schedule", "create")
        own = ["--package", str(package.path)] if with_package else []
        code = cli.main(["pipeline", *words, *own, "--host", server.url])
        shown = capsys.readouterr()
        return code, shown.out + shown.err

    return run


@pytest.mark.parametrize("name", PIPELINE_COMMANDS)
def test_every_subcommand_has_help_with_examples(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["pipeline", name, "--help"]) == 0
    assert f"ocr pipeline {name}" in capsys.readouterr().out.split("Examples:")[1]


def test_upload_says_the_version_and_its_page(server, ocr) -> None:  # type: ignore[no-untyped-def]
    server.pages = True
    code, text = ocr("upload")
    assert code == 0
    assert "uploaded, read back and equal" in text
    assert f"{server.url}/#/pipelines/details/" in text
    assert "there already, read back and equal" in ocr("upload")[1]


def test_run_follows_to_the_end(server, ocr) -> None:  # type: ignore[no-untyped-def]
    def progress(run: kfp.V2beta1Run) -> None:
        run.state = "SUCCEEDED"

    server.progress = progress
    code, text = ocr("run", "--param", "train_minutes=5")
    assert code == 0
    (run,) = server.state.runs.values()
    assert run.runtime_config.parameters == {"train_minutes": 5.0}
    assert f"http://localhost:8080/#/runs/details/{run.run_id}, after" in text
    assert text.splitlines()[-1] == "succeeded"


def test_a_refusal_is_exit_code_0_and_said(server, ocr) -> None:  # type: ignore[no-untyped-def]
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


def test_a_failure_is_exit_code_1_with_the_log_s_end(server, ocr) -> None:  # type: ignore[no-untyped-def]
    run_id = server.replay("failed")
    lines = [f"line {number}" for number in range(300)]
    server.state.logs = dict.fromkeys(pods(server, run_id), "\n".join(lines).encode())
    code, text = ocr("status", run_id, "--follow")
    assert code == 1
    assert "           line 299" in text.splitlines()
    code, text = ocr("logs", run_id)  # of the step that failed
    assert code == 0
    assert "Convert labels: pod " in text
    assert "the last 200 lines" in text
    assert "line 99\n" not in text
    assert "line 100\n" in text
    assert ocr("logs", run_id, "Train")[0] == 1  # it has none
    code, text = ocr("logs", run_id, "nothing")
    assert code == 2
    assert "nothing: no such step. Steps: plan, gen-label," in text


def test_cancel_waits_and_says_what_became_of_clean_up(server, ocr) -> None:  # type: ignore[no-untyped-def]
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


def test_cancel_that_hangs_says_why_at_the_deadline(server, ocr) -> None:  # type: ignore[no-untyped-def]
    run_id = server.replay("unschedulable")
    code, text = ocr("cancel", run_id, "--deadline", "0.001")
    assert code == 3
    assert "canceling: not ended after 0.001 minutes" in text
    assert "0/1 nodes are available" in text
    assert "clean-up   not begun: the run's training job may still hold its nodes" in text


def pods(server: KfpServer, run_id: str) -> list[str]:
    """Returns the names of all pods of a recorded run."""
    found = read_workflow(json.dumps(server.state.workflows[run_id]))
    assert found is not None
    return [found.pod_name(node) for node in found.nodes if node.kind == "Pod"]


def end_when_canceling(run: kfp.V2beta1Run) -> None:
    if run.state == "CANCELING":
        run.state = "FAILED"


def test_a_wrong_parameter_stops_before_anything_is_sent(server, ocr) -> None:  # type: ignore[no-untyped-def]
    code, text = ocr("run", "--param", "train_backend=paddlejobs")
    assert code == 2
    assert "Did you mean paddlejob." in text
    assert server.requests == []


def test_status_and_cancel(server, ocr) -> None:  # type: ignore[no-untyped-def]
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


def test_a_schedule_from_making_to_deleting(server, ocr) -> None:  # type: ignore[no-untyped-def]
    code, text = ocr("schedule", "create", "nightly", "--cron", "0 0 3 * * *")
    assert code == 0
    assert text.count("runs next") == 3
    assert "UTC" in text
    (made,) = server.state.schedules.values()
    assert made.runtime_config.parameters == {"skip_if_unchanged": True}
    assert "replaced, active" in ocr("schedule", "create", "nightly", "--cron", "0 0 4 * * *")[1]
    assert "nightly                  active  0 0 4 * * *" in ocr("schedule", "list")[1]
    assert ocr("schedule", "pause", "nightly") == (0, "nightly: paused\n")
    assert "nightly                  paused" in ocr("schedule", "list")[1]
    assert ocr("schedule", "resume", "nightly") == (0, "nightly: active\n")
    assert ocr("schedule", "delete", "nightly")[0] == 0
    assert ocr("schedule", "list") == (0, "no schedules\n")
    assert ocr("schedule", "pause", "nightly")[0] == 2


def test_five_fields_are_refused_before_anything_is_sent(server, ocr) -> None:  # type: ignore[no-untyped-def]
    code, text = ocr("schedule", "create", "nightly", "--cron", "0 3 * * *")
    assert code == 2
    assert "Put a 0 before it: 0 0 3 * * *" in text
    assert server.requests == []


def test_images_come_by_digest(tmp_path: Path) -> None:
    import json
    import subprocess
    import sys

    images = {name: f"registry/{name}@sha256:{'0' * 64}" for name in ("data", "train", "serve")}
    (tmp_path / "images.json").write_text(json.dumps(images))
    out = tmp_path / "package.yaml"
    command = ["pipeline", "compile", "--out", str(out), "--images", str(tmp_path / "images.json")]
    subprocess.run([sys.executable, "-m", "pipelines.cli.main", *command], check=True, timeout=240)
    executors = next(yaml.safe_load_all(out.read_bytes()))["deploymentSpec"]["executors"]
    assert {value["container"]["image"] for value in executors.values()} == set(images.values())
