"""What became of each step, from both of the server's answers; they are recorded."""

import json
from datetime import UTC, datetime
from typing import Any

import kfp_server_api as kfp
import pytest

from pipelines.kfp_api.outline import outline_of
from pipelines.kfp_api.rounds import Progress, progress_in_details, progress_in_workflow
from pipelines.kfp_api.steps import FINAL, Step, steps_of
from pipelines.kfp_api.workflow import read_workflow
from tests.pipelines.kfp_api.kfp_server import RECORDED, read_model

OUTLINE = outline_of(json.loads((RECORDED / "pipeline.json").read_text("utf-8")))
NOW = datetime(2026, 11, 28, 7, tzinfo=UTC)
NOT_RUN_BUT_PLAN = {
    task.name: "NOT RUN" for task in OUTLINE.tasks if task.name not in ("plan", "clean-up")
}
FIRST_STEPS = {"plan": "SUCCEEDED", "gen-label": "SUCCEEDED", "pack-lmdb": "SUCCEEDED"}
STATES: dict[str, dict[str, str]] = {
    "refused": {
        **{"plan": "SUCCEEDED", "gen-label": "CACHED", "pack-lmdb": "CACHED"},
        **{"preflight": "SUCCEEDED", "train": "SUCCEEDED", "read-lines": "SUCCEEDED"},
        **{"evaluate": "SUCCEEDED", "export": "SKIPPED", "deploy": "SKIPPED"},
        "clean-up": "SUCCEEDED",
    },
    "unchanged": {
        **{task.name: "SKIPPED" for task in OUTLINE.tasks},
        **{"plan": "SUCCEEDED", "clean-up": "SUCCEEDED"},
    },
    "failed": {
        **NOT_RUN_BUT_PLAN,
        **{"plan": "SUCCEEDED", "gen-label": "FAILED", "clean-up": "SUCCEEDED"},
    },
    "driver_failed": {**NOT_RUN_BUT_PLAN, "plan": "FAILED", "clean-up": "SUCCEEDED"},
    "canceled": {**NOT_RUN_BUT_PLAN, "plan": "FAILED", "clean-up": "SUCCEEDED"},
    "clean_up_failed": {**NOT_RUN_BUT_PLAN, "plan": "FAILED", "clean-up": "FAILED"},
    "running": {"plan": "RUNNING"},
    "unschedulable": {**FIRST_STEPS, "preflight": "PENDING"},
}


def recorded(name: str) -> tuple[Any, dict[str, Any]]:
    value = json.loads((RECORDED / f"{name}.json").read_text("utf-8"))
    return read_model(value["run"], "V2beta1Run"), value["workflow"]


def progress(name: str, source: str) -> Progress:
    run, manifest = recorded(name)
    if source == "list of tasks":
        return progress_in_details(run.run_details.task_details, OUTLINE)
    workflow = read_workflow(json.dumps(manifest))
    assert workflow is not None
    return progress_in_workflow(workflow, OUTLINE)


def steps(name: str, source: str) -> dict[str, Step]:
    ended = recorded(name)[0].state in FINAL
    found = steps_of(progress(name, source), OUTLINE, ended=ended, now=NOW)
    return {step.task.name: step for step in found}


def test_every_recorded_run_is_looked_at() -> None:
    assert {path.stem for path in RECORDED.glob("*.json")} == {*STATES, "pipeline"}


@pytest.mark.parametrize("source", ["workflow", "list of tasks"])
@pytest.mark.parametrize("name", STATES)
def test_each_step_is_shown_as_what_it_is(name: str, source: str) -> None:
    found = steps(name, source)
    expected = STATES[name]
    assert {task: step.state for task, step in found.items()} == expected
    times = [step.seconds for step in found.values() if step.seconds is not None]
    assert all(0 <= seconds < 3600 for seconds in times)
    assert len(times) == sum(
        state not in ("CACHED", "SKIPPED", "NOT RUN") for state in expected.values()
    )


@pytest.mark.parametrize("source", ["workflow", "list of tasks"])
def test_a_running_step_s_time_is_that_since_its_start(source: str) -> None:
    assert steps("running", source)["plan"].seconds == 884.0  # from 6:45:16 to 7:00


@pytest.mark.parametrize("source", ["workflow", "list of tasks"])
def test_rounds_of_a_loop_are_counted_and_attempts_are_not(source: str) -> None:
    found = steps("refused", source)
    assert [len(found[name].rounds) for name in ("plan", "gen-label", "read-lines")] == [1, 2, 2]
    assert found["gen-label"].line().endswith("2/2 done")


def test_the_workflow_knows_reasons_and_groups() -> None:
    assert steps("failed", "workflow")["gen-label"].reason == "Error (exit code 1)"
    driver = "Kubeflow's driver of this step: Error (exit code 1)"
    assert steps("driver_failed", "workflow")["plan"].reason == driver
    waiting = steps("unschedulable", "workflow")["preflight"]
    assert waiting.reason.startswith("no node fits: 0/1 nodes are available")
    assert waiting.line().endswith("no node fits")
    skipped = {OUTLINE.groups[name] for name in progress("refused", "workflow").skipped}
    assert skipped == {"accepted"}
    assert progress("refused", "list of tasks").skipped == progress("refused", "workflow").skipped


def test_a_server_without_retries_of_its_own_names_each_node_once() -> None:
    run, _ = recorded("refused")
    plain = [task for task in run.run_details.task_details if not task.display_name.endswith(")")]
    found = steps_of(progress_in_details(plain, OUTLINE), OUTLINE, ended=True, now=NOW)
    assert {step.task.name: step.state for step in found} == STATES["refused"]


def test_a_step_that_was_started_twice_is_one_round_unless_it_is_in_a_loop() -> None:
    def task(name: str, state: str, minute: int) -> Any:
        start = datetime(2026, 11, 28, 6, minute, tzinfo=UTC)
        return kfp.V2beta1PipelineTaskDetail(
            display_name=name, state=state, start_time=start, end_time=start
        )

    twice = [
        task(name, state, minute)
        for name in ("plan", "gen-label")
        for state, minute in (("RUNNING", 9), ("FAILED", 1))
    ]
    found = steps_of(progress_in_details(twice, OUTLINE), OUTLINE, ended=False, now=NOW)
    assert [(step.task.name, step.state, len(step.rounds)) for step in found] == [
        ("plan", "RUNNING", 1),
        ("gen-label", "FAILED", 2),
    ]
