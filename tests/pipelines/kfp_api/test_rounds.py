"""What became of each step, from both of the server's answers; they are recorded."""

from datetime import UTC, datetime
from typing import Any

import kfp_server_api as kfp
import pytest

from pipelines.kfp_api.rounds import progress_in_details
from pipelines.kfp_api.steps import steps_of
from tests.pipelines.kfp_api.kfp_server import RECORDED
from tests.pipelines.kfp_api.recorded_runs import NOW, OUTLINE, STATES, recorded, steps


def test_every_recorded_run_is_looked_at() -> None:
    assert {path.stem for path in RECORDED.glob("*.json")} == {*STATES, "pipeline"}


@pytest.mark.parametrize("source", ["workflow", "list of tasks"])
def test_rounds_of_a_loop_are_counted_and_attempts_are_not(source: str) -> None:
    found = steps("refused", source)
    assert [len(found[name].rounds) for name in ("plan", "gen-label", "read-lines")] == [1, 2, 2]
    assert found["gen-label"].line().endswith("2/2 done")


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
