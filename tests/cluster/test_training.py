"""Training on a real cluster, left alone and disturbed; what goes on ends with the same weights."""

import json
import logging
import re
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest

from components.clean_up.step import CleanUpRequest, clean_up, end_job
from components.step_context import StepContext
from ocr_lib.jobs.garbage_collector import RetentionLimits, collect_garbage
from ocr_lib.jobs.kubernetes_api import KubernetesApi
from ocr_lib.jobs.log_tailer import LogTailer
from ocr_lib.jobs.paddlejob import job_name
from ocr_lib.storage.store import Store
from tests.cluster import step_pod
from tests.cluster.harness import Namespace, endpoint_of_store, point_store, until
from tests.cluster.runs import Run, Runs, read_weights

pytestmark = pytest.mark.cluster
HALF_WAY = "epoch: [6/"
# Stops processes by a word of their command lines; what minds the ranks (`-m …`) is left alone.
STOP = """
import glob, os, signal, sys
for path in glob.glob("/proc/[0-9]*/cmdline"):
    pid, words = int(path.split("/")[2]), open(path).read().split("\\0")
    if pid != os.getpid() and "-m" not in words and any(w.endswith(sys.argv[1]) for w in words):
        os.kill(pid, signal.SIGSTOP)
"""


@pytest.fixture(scope="module")
def undisturbed(runs: Runs) -> Run:
    run = runs.start("undisturbed")
    assert run.wait() == 0, run.log[-3000:]
    return run


@pytest.fixture
def goes_on(
    runs: Runs, undisturbed: Run, store: Store, tmp_path: Path, request: pytest.FixtureRequest
) -> Callable[[Callable[[Run], None]], Run]:
    """Runs training, disturbs it half-way, and compares what it ends with."""

    def train(disturb: Callable[[Run], None], **settings: object) -> Run:
        name = re.sub(r"[^a-z0-9]+", "-", request.node.name.removeprefix("test_")).strip("-")
        run = runs.start(name, **settings)
        try:
            run.says(HALF_WAY)
            disturb(run)
            assert run.wait() == 0, run.log[-3000:]
        finally:
            run.remove()
        expected = read_weights(store, undisturbed.result.uri, tmp_path / "expected")
        assert read_weights(store, run.result.uri, tmp_path / "found") == expected
        return run

    return train


@pytest.fixture
def cluster(space: Namespace, monkeypatch: pytest.MonkeyPatch) -> KubernetesApi:
    monkeypatch.setenv("KUBECONFIG", str(space.kubeconfig))
    return KubernetesApi.connect()


def test_two_workers_train_to_the_end(undisturbed: Run, store: Store) -> None:
    for rank in (0, 1):
        assert f"[rank {rank}]" in undisturbed.log
    assert re.search(r"\[rank 0\].*global_step: \d+.*eta:", undisturbed.log)
    assert "all 2 processes hold the same weights" in undisturbed.log
    logs = [item.key for item in store.list("runs/undisturbed/logs/")]
    assert all(any(f"worker-{index}" in key for key in logs) for index in (0, 1)), logs
    assert store.list("runs/undisturbed/snapshots/") == []
    assert not undisturbed.exists


def test_a_run_that_is_complete_is_not_trained_again(runs: Runs, undisturbed: Run) -> None:
    done = undisturbed.result
    undisturbed.start()
    assert undisturbed.wait(180) == 0
    assert "is complete already" in undisturbed.log
    assert undisturbed.result == done


@pytest.mark.parametrize("index", [0, 1])
def test_a_worker_is_deleted(goes_on: Callable[..., Run], index: int) -> None:
    def disturb(run: Run) -> None:
        run.space.kubectl("delete", "pod", f"{run.job}-worker-{index}", "--wait=false")

    assert "going on from" in goes_on(disturb).log


def test_a_worker_is_killed_without_grace(goes_on: Callable[..., Run]) -> None:
    def disturb(run: Run) -> None:
        pod = f"{run.job}-worker-0"
        run.space.kubectl("delete", "pod", pod, "--grace-period=0", "--force", "--wait=false")

    assert "going on from" in goes_on(disturb).log


def test_a_worker_is_evicted(goes_on: Callable[..., Run]) -> None:
    def disturb(run: Run) -> None:
        pod = f"{run.job}-worker-1"
        path = f"/api/v1/namespaces/{run.space.name}/pods/{pod}/eviction"
        body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod}}
        run.space.kubectl("create", "--raw", path, "-f", "-", content=body)

    goes_on(disturb)


def test_the_object_store_is_away_for_a_minute(goes_on: Callable[..., Run]) -> None:
    def disturb(run: Run) -> None:
        address, port = endpoint_of_store(run.space.kubectl)
        point_store(run.space, address, 1)
        try:
            with pytest.raises(AssertionError):
                run.says("RESULT", 60)
        finally:
            point_store(run.space, address, port)

    goes_on(disturb)


def test_a_step_that_is_killed_and_starts_again_adopts_its_job(
    goes_on: Callable[..., Run],
) -> None:
    def disturb(run: Run) -> None:
        uid = run.space.get("paddlejob", run.job)["metadata"]["uid"]
        run.kill()
        run.start()
        run.says("which is there already")
        assert run.space.get("paddlejob", run.job)["metadata"]["uid"] == uid

    goes_on(disturb)


def _stop(run: Run, word: str) -> None:
    run.space.kubectl("exec", f"{run.job}-worker-1", "--", "python3", "-c", STOP, word)


def test_a_rank_that_is_frozen_is_missed_by_the_others(goes_on: Callable[..., Run]) -> None:
    run = goes_on(lambda run: _stop(run, "worker.py"))
    # As it waits for the other one's word, or in the middle of an exchange, where gloo gives up.
    missed = ("process 1 gave no sign of life for 60 s", "lost another process while exchanging")
    assert any(text in run.log for text in missed)
    assert "a peer started again: the ranks start again" in run.log
    assert "Starting the whole job again" not in run.log


def test_a_group_that_stands_still_is_started_again(goes_on: Callable[..., Run]) -> None:
    def disturb(run: Run) -> None:
        _stop(run, "--multiprocessing-fork")  # its rank lives, and waits for a batch for ever

    waits = {"overrides": ["Train.loader.num_workers=1"], "options": {"stall_minutes": 1.5}}
    run = goes_on(disturb, **waits)
    assert "asking the workers for their stacks" in run.log
    assert "trainer.py" in run.log.split("asking the workers")[1]
    assert "Starting the whole job again from its last checkpoint" in run.log


@pytest.mark.parametrize(
    ("name", "settings", "reason"),
    [
        (
            "oom",
            {"resources": {"requests": {"memory": "150Mi"}, "limits": {"memory": "150Mi"}}},
            "it needed more memory than its limit of 150Mi. Set a larger memory limit",
        ),
        (
            "unschedulable",
            {"node_selector": {"ocr/pool": "nowhere"}, "options": {"pending_minutes": 0.2}},
            "no node takes it: 0/1 nodes are available: 1 node(s) didn't match",
        ),
        (
            "image",
            {"image": "ocr-pipelines/none:1", "options": {"image_minutes": 0.2}},
            "image ocr-pipelines/none:1 cannot be pulled",
        ),
        (
            "data",
            {"overrides": ["Global.character_dict_path=/nowhere/dictionary.txt"]},
            "/nowhere/dictionary.txt",
        ),
        (
            "nonfinite",
            {"overrides": ["Optimizer.lr.max_lr=1e30", "Optimizer.clip_norm_global=null"]},
            "the loss is not finite at step",
        ),
    ],
)
def test_what_cannot_work_ends_with_the_reason(
    runs: Runs, store: Store, name: str, settings: dict[str, object], reason: str
) -> None:
    run = runs.start(name, **settings)
    assert run.wait(600) == 1, run.log[-3000:]
    last = run.log.splitlines()[-1]
    assert reason in last, last
    assert last.startswith("train: training did not finish:")
    assert reason in store.get_json(f"runs/{name}/reason.json")["reason"]
    until(lambda: not run.exists, 60, "the job is gone")


def test_a_terminated_run_leaves_nothing(
    runs: Runs,
    store: Store,
    cluster: KubernetesApi,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    run = runs.start("terminated")
    run.says(HALF_WAY)
    run.kill()
    assert run.exists
    clean_up(StepContext(store, tmp_path), CleanUpRequest(run="terminated", state="RUNNING"))
    assert not run.exists
    until(lambda: not run.workers, 60, "the workers are gone")
    logs = {key: store for item in store.list("runs/terminated/logs/") if (key := item.key)}
    assert any("worker-0" in key for key in logs)
    clean_up(StepContext(store, tmp_path), CleanUpRequest(run="terminated", state="RUNNING"))
    assert "no PaddleJob ocr-train-terminated is left" in caplog.text


def test_what_the_exit_handler_missed_is_reaped(
    runs: Runs, cluster: KubernetesApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KFP_POD_NAME", "of-a-pipeline")
    orphan = runs.start("orphan")
    monkeypatch.delenv("KFP_POD_NAME")
    by_hand = runs.start("by-hand")
    for run in (orphan, by_hand):
        until(lambda run=run: run.exists, 180, "the job is there")
        run.kill()
    assert collect_garbage(cluster, RetentionLimits(), end_job, 1) == {}  # too young
    over = collect_garbage(cluster, RetentionLimits(min_age_s=0), end_job, 1)
    assert over == {orphan.job: "its run orphan has no pod at work"}
    assert not orphan.exists
    end_job(cluster, by_hand.job)


def test_a_job_made_for_something_else_is_not_touched(runs: Runs, cluster: KubernetesApi) -> None:
    first = runs.start("taken")
    until(lambda: first.exists, 180, "the job is there")
    first.kill()
    other = runs.start("taken", overrides=["Global.seed=99"])
    assert other.wait(180) == 2
    assert "made for other data or settings" in other.log.splitlines()[-1]
    assert first.exists
    end_job(cluster, first.job)


def test_the_steps_pod_is_deleted_and_its_next_attempt_adopts_the_job(
    runs: Runs, undisturbed: Run, store: Store, tmp_path: Path
) -> None:
    space, name = runs.space, "launcher"
    step_pod.add_account(space)
    step_pod.start(space, name, runs.settings(name))

    def log() -> str:
        return space.kubectl("logs", name, "--tail=-1")

    def phase() -> str:
        return str(space.get("pod", name)["status"]["phase"])

    until(lambda: phase() == "Running", 180, "the step runs")
    until(lambda: HALF_WAY in log(), 300, "training is half-way")
    uid = space.get("paddlejob", job_name(name))["metadata"]["uid"]
    space.kubectl("delete", "pod", name, "--grace-period=0", "--force")
    step_pod.start(space, name, runs.settings(name))
    until(lambda: phase() == "Running", 180, "the step runs again")
    until(lambda: "which is there already" in log(), 180, "the job is adopted")
    assert space.get("paddlejob", job_name(name))["metadata"]["uid"] == uid
    until(lambda: phase() in ("Succeeded", "Failed"), 600, "the step ends")
    assert phase() == "Succeeded", log()[-3000:]
    expected = read_weights(store, undisturbed.result.uri, tmp_path / "expected")
    assert read_weights(store, store.uri(f"runs/{name}"), tmp_path / "found") == expected


def test_a_job_that_somebody_deletes_is_not_made_again(runs: Runs) -> None:
    run = runs.start("deleted")
    run.says("global_step")
    run.space.kubectl("delete", "paddlejob", run.job, "--wait=false")
    assert run.wait(300) == 1
    assert "the job was deleted" in run.log.splitlines()[-1]
    assert not run.exists


def test_a_job_that_ended_and_went_while_nobody_watched(
    runs: Runs, store: Store, cluster: KubernetesApi
) -> None:
    run = runs.start("ttl", options={"keep_hours": 0.002}, overrides=["Global.epoch_num=10"])
    run.says("global_step")
    run.kill()
    follower = LogTailer(cluster, store, "runs/ttl", 1, quiet=True)
    with (runs.folder / "ttl.looks.jsonl").open("a", encoding="utf-8") as file:

        def gone() -> bool:
            look = follower.look(run.job)
            file.write(json.dumps(asdict(look)) + "\n")
            return look.job is None

        until(gone, 180, "the finished job is gone")
    run.start()
    assert run.wait(180) == 0, run.log[-3000:]
    assert "is complete already" in run.log
