"""The steps of a run, as people know them."""

import pytest

from tests.pipelines.kfp_api.recorded_runs import OUTLINE, STATES, progress, steps


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
