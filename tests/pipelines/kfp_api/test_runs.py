import io
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import kfp_server_api as kfp
import pytest

from ocr_lib.errors import ServiceError
from pipelines.kfp_api import report, runs
from pipelines.kfp_api.api import Kubeflow, NotFoundError
from pipelines.kfp_api.package import Package
from pipelines.kfp_api.steps import steps_of, titles_of
from pipelines.kfp_api.upload import Version, upload
from pipelines.titles import TITLES
from tests.pipelines.kfp_api.kfp_server import Fault, KfpServer

BEGIN = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def version(kubeflow: Kubeflow, package: Package) -> Version:
    return upload(kubeflow, package, "one")


def start(kubeflow: Kubeflow, version: Version) -> Any:
    parameters = {"train_minutes": 5.0}
    return runs.start(kubeflow, version, parameters, name="a run", experiment="ocr")


def node(name: str, state: str, *, began: int = 0, ended: int | None = None, **more: Any) -> Any:
    return kfp.V2beta1PipelineTaskDetail(
        task_id=more.pop("id", name),
        display_name=name,
        state=state,
        start_time=BEGIN + timedelta(seconds=began),
        end_time=None if ended is None else BEGIN + timedelta(seconds=ended),
        **more,
    )


def run_with(*nodes: Any, state: str = "RUNNING") -> Any:
    return kfp.V2beta1Run(
        run_id="r1",
        state=state,
        created_at=BEGIN,
        run_details=kfp.V2beta1RunDetails(task_details=list(nodes)),
    )


def lines(*nodes: Any) -> list[str]:
    return [step.line() for step in steps_of(run_with(*nodes), TITLES, BEGIN + timedelta(hours=1))]


def test_a_run_names_its_version_and_carries_its_parameters(
    server: KfpServer, kubeflow: Kubeflow, version: Version
) -> None:
    run = server.state.runs[start(kubeflow, version).run_id]
    assert run.pipeline_version_reference.pipeline_version_id == version.version_id
    assert run.runtime_config.parameters == {"train_minutes": 5.0}
    assert server.state.experiments[run.experiment_id].display_name == "ocr"


def test_a_start_whose_answer_is_lost_is_not_repeated(
    server: KfpServer, kubeflow: Kubeflow, version: Version
) -> None:
    server.faults = [Fault("POST /runs", 503, after=True)]
    with pytest.raises(ServiceError, match="Whether the run 'a run' was started is unknown"):
        start(kubeflow, version)
    assert len(server.state.runs) == 1


def test_the_titles_come_from_what_the_server_holds(package: Package) -> None:
    found = titles_of({"pipeline_spec": package.spec, "platform_spec": package.platform})
    assert found == titles_of(package.spec) == TITLES
    assert list(found) == list(TITLES)  # in the order of the DAG
    assert titles_of(None) == {}


def test_steps_are_shown_without_the_server_s_own_nodes() -> None:
    shown = lines(
        node("root-driver", "SUCCEEDED", ended=5),
        node("plan", "SUCCEEDED", began=5, ended=25),
        node("executor", "SUCCEEDED", id="executor-1"),
        node("train", "RUNNING", began=3000),
    )
    assert shown == [
        "Look for new data              succeeded      0:20",
        "Train                          running       10:00",
    ]


def test_rounds_of_a_loop_are_one_line() -> None:
    rounds = [
        node("pack-lmdb", state, id=str(i), began=10 * i, ended=None if state == "RUNNING" else 90)
        for i, state in enumerate(["SUCCEEDED", "RUNNING", "SUCCEEDED"])
    ]
    assert lines(*rounds) == ["Pack LMDB shards               running     1:00:00  2/3 done"]
    failed = node("pack-lmdb", "FAILED", id="3", ended=9)
    assert "failed" in lines(*rounds, failed)[0]


def test_a_step_whose_executor_was_skipped_was_cached() -> None:
    child = kfp.PipelineTaskDetailChildTask(task_id="e")
    step = node("preflight", "SUCCEEDED", ended=9, child_tasks=[child])
    assert "cached" in lines(step, node("executor", "SKIPPED", id="e"))[0]
    again = node("executor", "SKIPPED", id="e", parent_task_id="preflight")
    assert "cached" in lines(node("preflight", "SUCCEEDED", ended=9), again)[0]


@pytest.mark.parametrize(
    ("states", "seconds", "code"),
    [
        (["PENDING", "RUNNING", "SUCCEEDED"], 60, 0),
        (["RUNNING", "FAILED"], 60, 1),
        (["RUNNING", "CANCELING", "CANCELED"], 60, 1),
        (["RUNNING"], 0.1, 3),
    ],
)
def test_following_ends_with_the_run_or_at_the_deadline(
    server: KfpServer,
    kubeflow: Kubeflow,
    version: Version,
    states: Sequence[str],
    seconds: float,
    code: int,
) -> None:
    run_id = start(kubeflow, version).run_id
    left = list(states)

    def progress(run: Any) -> None:
        run.state = left.pop(0) if len(left) > 1 else left[0]
        run.run_details = kfp.V2beta1RunDetails(task_details=[node("plan", run.state, ended=1)])

    server.progress = progress
    out = io.StringIO()
    deadline = timedelta(seconds=seconds)
    ended = runs.follow(kubeflow, run_id, deadline=deadline, out=out, poll_s=0.01)
    assert runs.exit_code(ended.state) == code
    shown = out.getvalue().splitlines()
    assert len(shown) == len(states)  # a line a change
    assert states[-1].lower() in shown[-1]


def test_following_lives_through_a_server_that_is_away(
    server: KfpServer, kubeflow: Kubeflow, version: Version
) -> None:
    run_id = start(kubeflow, version).run_id
    server.state.runs[run_id].state = "SUCCEEDED"
    server.faults = [Fault("GET /runs/", 503, times=2), Fault("GET /runs/", 0)]
    ended = runs.follow(kubeflow, run_id, deadline=timedelta(seconds=60), out=io.StringIO())
    assert ended.state == "SUCCEEDED"


def test_a_run_that_is_not_there_is_named(kubeflow: Kubeflow) -> None:
    with pytest.raises(NotFoundError, match="no run nine"):
        runs.get(kubeflow, "nine")


def test_the_reason_is_said_where_there_is_one_and_otherwise_where_to_find_it() -> None:
    failed = run_with(state="FAILED")
    failed.finished_at = BEGIN + timedelta(minutes=2)
    text = "\n".join(report.outcome(failed, "https://ui/#/runs/details/r1"))
    assert text.startswith("failed after 2:00")
    assert "in the failed step's log: https://ui/#/runs/details/r1" in text
    assert "runs/r1/" in text
    failed.error = kfp.GoogleRpcStatus(message="the quota is spent")
    assert "the quota is spent" in "\n".join(report.outcome(failed))
