"""Sending, adopting and repeating jobs, against an API server and an object store."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from ocr_lib.errors import ConfigError, ServiceError
from ocr_lib.jobs.heartbeat import Beat, heartbeat_key, read_heartbeat
from ocr_lib.jobs.job_result import write_result
from ocr_lib.jobs.launcher import Launcher, TrainingJobError
from ocr_lib.jobs.paddlejob import ANNOTATION_ATTEMPT, build_paddlejob, job_name
from ocr_lib.storage.artifact_ref import ArtifactRef
from ocr_lib.storage.store import Store
from tests.ocr_lib.jobs.api_server import ApiServer
from tests.ocr_lib.jobs.cluster_objects import container, ended, job, pod
from tests.ocr_lib.jobs.specs import plain, work

Tree = dict[str, Any]
LINE = "2026-11-23T14:00:00Z node: fetching data\n"
BEAT = Beat(1, 5, 9.0, "2026-11-23T14:00:00Z")
DONE = ArtifactRef("s3://ocr/runs/x", "ab" * 32, {"steps": 7})


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ApiServer]:
    for module in ("launcher", "log_tailer"):
        monkeypatch.setattr(f"ocr_lib.jobs.{module}.POLL_S", 0.01, raising=False)
    with ApiServer() as server:
        yield server


@pytest.fixture
def run(request: pytest.FixtureRequest) -> str:
    return request.node.name.replace("[", "-").replace("]", "")


@pytest.fixture
def launcher(server: ApiServer, store: Store, run: str) -> Launcher:
    return Launcher(server.cluster, store, work(run), plain(run))


def end(made: Tree, kind: str, message: str = "") -> None:
    made["status"] = job("Created", kind, message=message)["status"]


def failing_first(
    server: ApiServer, launcher: Launcher, kind: str = "Failed", beat: Beat | None = None
) -> list[str]:
    """Plays an operator under which the first attempt fails; returns the attempts made.

    Args:
        server: whose operator it is.
        launcher: sends the job.
        kind: how the first attempt ends.
        beat: its last heartbeat.
    """
    attempts: list[str] = []

    def operate(made: Tree) -> None:
        attempts.append(made["metadata"]["annotations"][ANNOTATION_ATTEMPT])
        if len(attempts) == 1:
            if beat:
                launcher.store.put_json(heartbeat_key(launcher.work.key), beat.to_dict())
            end(made, kind, "has failed because it has reached the specified backoff limit")
        else:
            write_result(launcher.store, launcher.work, DONE)
            end(made, "Succeeded")

    server.on_create = operate
    server.pods = [pod(containerStatuses=container(2, lastState=ended(250, "aborted")))]
    return attempts


def test_a_result_that_is_there_needs_no_job(server: ApiServer, launcher: Launcher) -> None:
    write_result(launcher.store, launcher.work, DONE)
    assert launcher.run() == DONE
    assert server.asked == []


def test_a_job_that_succeeds_hands_on_its_result_and_goes(
    server: ApiServer, launcher: Launcher, run: str
) -> None:
    def operate(made: Tree) -> None:
        write_result(launcher.store, launcher.work, DONE)
        end(made, "Succeeded")

    server.on_create = operate
    server.pods, server.logs = [pod()], {pod()["metadata"]["name"]: LINE}
    assert launcher.run() == DONE
    assert server.jobs == {}
    keys = [item.key for item in launcher.store.list(f"runs/{run}/logs/01/")]
    assert [key.rpartition("/")[2] for key in keys] == ["worker-0-u0.log"]


def test_a_second_attempt_of_the_step_adopts_the_job(
    server: ApiServer, launcher: Launcher, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    made = build_paddlejob(replace(launcher.spec, attempt=2))
    server.jobs[job_name(launcher.spec.run)] = made
    assert launcher.adopt_or_create(launcher.spec).attempt == 2
    assert "which is there already" in caplog.text
    assert list(server.jobs.values()) == [made]


def test_a_job_of_something_else_is_named_and_left_alone(
    server: ApiServer, launcher: Launcher
) -> None:
    other = build_paddlejob(replace(launcher.spec, workers=3))
    server.jobs[job_name(launcher.spec.run)] = other
    with pytest.raises(ConfigError) as error:
        launcher.run()
    assert f"PaddleJob ns/{job_name(launcher.spec.run)}: made for other" in str(error.value)
    assert list(server.jobs.values()) == [other]


def test_a_job_on_its_way_out_is_waited_for(server: ApiServer, launcher: Launcher) -> None:
    leaving = build_paddlejob(replace(launcher.spec, workers=3))
    leaving["metadata"]["deletionTimestamp"] = "2026-11-23T14:00:00Z"
    server.jobs[job_name(launcher.spec.run)] = leaving
    server.keeps = 2
    assert launcher.adopt_or_create(launcher.spec) == launcher.spec
    assert server.jobs[job_name(launcher.spec.run)] == build_paddlejob(launcher.spec)


def test_a_job_that_is_there_and_cannot_be_read_is_waited_for_with_pauses_and_an_end(
    server: ApiServer, launcher: Launcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ocr_lib.jobs.launcher.GONE_S", 0.1)
    monkeypatch.setattr("ocr_lib.jobs.launcher.POLL_S", 0.1)
    exists = {"reason": "AlreadyExists", "message": "it already exists"}
    monkeypatch.setattr(
        server, "answer", lambda method, path, body: (409 if method == "POST" else 404, exists)
    )
    with pytest.raises(ServiceError, match=r"waited 0\.1 s for PaddleJob .* kubectl describe"):
        launcher.adopt_or_create(launcher.spec)
    assert len([asked for asked in server.asked if asked.startswith("POST")]) <= 4


def test_a_job_that_failed_half_way_starts_again_from_its_checkpoint(
    server: ApiServer, launcher: Launcher
) -> None:
    attempts = failing_first(server, launcher, beat=BEAT)
    assert launcher.run() == DONE
    assert attempts == ["1", "2"]
    assert read_heartbeat(launcher.store, launcher.work.key) is None  # the second has none yet


def test_one_that_failed_before_its_first_step_does_not(
    server: ApiServer, launcher: Launcher, run: str
) -> None:
    launcher.store.put_json(heartbeat_key(launcher.work.key), BEAT.to_dict())  # of an earlier job
    attempts = failing_first(server, launcher)
    with pytest.raises(TrainingJobError, match="exit code 250: aborted") as error:
        launcher.run()
    assert attempts == ["1"]
    assert server.jobs == {}
    assert f"Logs: {launcher.store.uri(f'runs/{run}')}/logs/" in str(error.value)
    said = launcher.store.get_json(f"runs/{run}/reason.json")
    assert said["kind"] == "crash"


def test_attempts_are_counted_across_steps(server: ApiServer, launcher: Launcher) -> None:
    launcher.store.put_json(heartbeat_key(launcher.work.key), BEAT.to_dict())
    attempts = failing_first(server, launcher)
    last = replace(launcher.spec, attempt=launcher.spec.options.retries + 1)
    made = build_paddlejob(last)
    end(made, "Failed", "backoff limit")
    server.jobs[job_name(last.run)] = made
    far = r"did not finish \(3 attempts\): .* It got to epoch 1, step 5, ETA 0:09\."
    with pytest.raises(TrainingJobError, match=far):
        launcher.run()
    assert attempts == []


def test_a_job_that_somebody_deletes_is_not_made_again(
    server: ApiServer, launcher: Launcher
) -> None:
    def vanish(made: Tree) -> None:
        server.jobs.clear()

    server.on_create = vanish
    with pytest.raises(TrainingJobError, match="the job was deleted"):
        launcher.run()
