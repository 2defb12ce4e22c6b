import itertools

import pytest

from ocr_lib.errors import ConfigError, ServiceError
from pipelines.kfp_api import schedules
from pipelines.kfp_api.api import Kubeflow
from pipelines.kfp_api.package import Package
from pipelines.kfp_api.upload import Version, upload
from tests.pipelines.kfp_api.kfp_server import Fault, KfpServer

CRON = "0 0 3 * * *"


@pytest.fixture
def version(kubeflow: Kubeflow, package: Package) -> Version:
    return upload(kubeflow, package, "one")


def create(kubeflow: Kubeflow, version: Version, cron: str = CRON) -> str:
    parameters = {"train_minutes": 5.0}
    return schedules.create(
        kubeflow, version, parameters, name="nightly", cron=cron, experiment="ocr"
    )[0]


def test_a_schedule_is_made_as_it_should_be(
    server: KfpServer, kubeflow: Kubeflow, version: Version
) -> None:
    made = server.state.schedules[create(kubeflow, version)]
    assert made.no_catchup
    assert made.max_concurrency == "1"
    assert made.trigger.cron_schedule.cron == CRON
    assert made.pipeline_version_reference.pipeline_version_id == version.version_id
    assert made.runtime_config.parameters == {"train_minutes": 5.0}
    assert server.active() == [made.recurring_run_id]


def test_a_new_one_takes_the_place_of_the_old_one(
    server: KfpServer, kubeflow: Kubeflow, version: Version
) -> None:
    create(kubeflow, version)
    second = create(kubeflow, version, "0 0 4 * * *")
    assert list(server.state.schedules) == [second]
    assert server.active() == [second]


CALLS = ("POST /recurringruns$", ":enable", "DELETE")


@pytest.mark.parametrize(
    ("call", "status", "after"),
    [
        (call, status, after)
        for call, (status, after) in itertools.product(
            CALLS, [(503, False), (503, True), (400, False), (400, True)]
        )
    ],
)
def test_whatever_fails_exactly_one_schedule_is_active(
    server: KfpServer,
    kubeflow: Kubeflow,
    impatient: Kubeflow,
    version: Version,
    call: str,
    status: int,
    after: bool,
) -> None:
    first = create(kubeflow, version)
    server.faults = [Fault(call, status, times=1000, after=after)]
    with pytest.raises(ServiceError):
        create(impatient, version)
    server.faults = []
    active = server.active()
    assert len(active) == 1
    assert active == [first] or first not in server.state.schedules
    last = create(kubeflow, version)  # and again puts everything right
    assert server.active() == list(server.state.schedules) == [last]


def test_an_answer_that_is_lost_once_is_no_failure(
    server: KfpServer, kubeflow: Kubeflow, version: Version
) -> None:
    create(kubeflow, version)
    server.faults = [Fault(call, 503, after=True) for call in (":enable", "DELETE")]
    assert create(kubeflow, version) in server.active()


def test_a_schedule_is_active_at_every_moment(
    server: KfpServer, kubeflow: Kubeflow, version: Version
) -> None:
    create(kubeflow, version)
    most = []
    answer = server._answer

    def watch(request: object) -> tuple[int, bytes]:
        found = answer(request)  # type: ignore[arg-type]
        most.append(len(server.active()))
        return found

    server._answer = watch  # type: ignore[method-assign]
    create(kubeflow, version)
    assert min(most) == 1


def test_pause_resume_and_delete(server: KfpServer, kubeflow: Kubeflow, version: Version) -> None:
    made = create(kubeflow, version)
    schedules.pause(kubeflow, made)
    assert server.active() == []
    schedules.resume(kubeflow, made)
    assert server.active() == [made]
    schedules.delete(kubeflow, made)
    schedules.delete(kubeflow, made)  # as when the first answer was lost
    assert schedules.find_all(kubeflow) == []


def test_an_unknown_name_lists_the_known_ones(kubeflow: Kubeflow, version: Version) -> None:
    create(kubeflow, version)
    with pytest.raises(ConfigError, match="no schedule of this name"):
        schedules.find_one(kubeflow, "nightli")
