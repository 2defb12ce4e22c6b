"""A run as it stands, out of all that a real server told of it."""

import pytest

from pipelines.kfp_api.api import Kubeflow
from pipelines.kfp_api.view import look, outline
from tests.pipelines.kfp_api.kfp_server import KfpServer
from tests.pipelines.kfp_api.recorded_runs import OUTLINE, STATES

ENDED = {name: name not in ("running", "unschedulable") for name in STATES}


@pytest.mark.parametrize("serves_workflow", [True, False])
@pytest.mark.parametrize("name", STATES)
def test_each_recorded_run_is_seen_as_it_stood(
    server: KfpServer, kubeflow: Kubeflow, name: str, serves_workflow: bool
) -> None:
    server.serves_v1beta1 = serves_workflow
    view = look(kubeflow, server.replay(name))
    assert view.ended is ENDED[name]
    assert view.refused is (name == "refused")
    assert view.unchanged is (name == "unchanged")
    assert view.namespace
    states = {step.task.name: step.state for step in view.steps}
    assert states == STATES[name]
    failed = [task for task, state in STATES[name].items() if state == "FAILED"]
    assert (view.failed is None) is (not failed)
    if view.failed:
        assert view.failed.task.name == failed[0]


def test_a_step_is_found_by_its_name_or_its_title(server: KfpServer, kubeflow: Kubeflow) -> None:
    view = look(kubeflow, server.replay("refused"))
    by_name = view.step("gen-label")
    assert by_name is not None
    assert view.step(by_name.task.title.upper()) is by_name
    assert view.step("no-such-step") is None


def test_a_pipeline_that_was_seen_before_is_not_asked_for_again(
    server: KfpServer, kubeflow: Kubeflow
) -> None:
    view = look(kubeflow, server.replay("failed"))
    before = len(server.calls())
    again = look(kubeflow, view.run.run_id, view.outline)
    assert again.outline is view.outline
    assert len(server.calls()) - before <= before


def test_the_outline_is_the_pipelines(server: KfpServer, kubeflow: Kubeflow) -> None:
    view = look(kubeflow, server.replay("refused"))
    found = outline(kubeflow, view.run)
    assert [task.name for task in found.tasks] == [task.name for task in OUTLINE.tasks]
