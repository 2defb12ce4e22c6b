from typing import Any

import pytest

from ocr_lib.errors import ServiceError
from pipelines.kfp_api import runs
from pipelines.kfp_api.api import Kubeflow, NotFoundError
from pipelines.kfp_api.package import Package
from pipelines.kfp_api.upload import Version, upload
from tests.pipelines.kfp_api.kfp_server import Fault, KfpServer


@pytest.fixture
def version(kubeflow: Kubeflow, package: Package) -> Version:
    return upload(kubeflow, package, "one")


def start(kubeflow: Kubeflow, version: Version) -> Any:
    parameters = {"train_minutes": 5.0}
    return runs.start(kubeflow, version, parameters, name="a run", experiment="ocr")


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


def test_a_run_that_is_not_there_is_named(kubeflow: Kubeflow) -> None:
    with pytest.raises(NotFoundError, match="no run nine"):
        runs.get(kubeflow, "nine")


@pytest.mark.parametrize(
    ("state", "code"),
    [("SUCCEEDED", 0), ("SKIPPED", 0), ("FAILED", 1), ("CANCELED", 1), ("RUNNING", 3), (None, 3)],
)
def test_the_exit_code_says_how_a_run_ended(state: str | None, code: int) -> None:
    assert runs.exit_code(state) == code
