"""What the watcher is fed with, from an API server and an object store."""

import json
from collections.abc import Iterator

import pytest

from ocr_lib.jobs.heartbeat import Beat, clear_heartbeat, heartbeat_key
from ocr_lib.jobs.log_tailer import LogTailer
from ocr_lib.storage.s3 import S3Client
from ocr_lib.storage.store import Store
from tests.ocr_lib.jobs.api_server import ApiServer
from tests.ocr_lib.jobs.cluster_objects import job, pod

RUN = "runs/tailed"
RECORD = {"level": "WARNING", "logger": "ocr_lib.jobs.agent", "message": "trying again"}
STEP = "[2026/11/23 14:40:14] ppocr INFO: epoch: [1/2], global_step: 5, eta: 0:00:09"


@pytest.fixture
def server() -> Iterator[ApiServer]:
    with ApiServer() as server:
        server.jobs["tailed"] = job("Running")
        server.pods = [pod()]
        lines = ("OCR_RANK 0 2", json.dumps(RECORD), STEP, "LAUNCH INFO waiting")
        text = "".join(f"2026-11-23T14:00:0{n}Z {line}\n" for n, line in enumerate(lines))
        server.logs = {pod()["metadata"]["name"]: text}
        yield server


def test_lines_are_shown_by_rank_and_records_as_people_read_them(
    server: ApiServer, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    tailer = LogTailer(server.cluster, store, RUN, 1)
    tailer.look("tailed")
    tailer.look("tailed")  # the kubelet repeats what it said
    assert capsys.readouterr().out.splitlines() == [
        "[rank 0] OCR_RANK 0 2",
        "[rank 0] WARNING agent: trying again",
        f"[rank 0] {STEP}",
    ]
    tailer.finish()
    (item,) = store.list(f"{RUN}/logs/01/")
    kept = store.get_end(item.key, 10_000).decode()
    assert json.dumps(RECORD) in kept  # as it was
    assert "LAUNCH INFO" in kept


def test_progress_is_the_heartbeat_s_whatever_the_log_says(
    server: ApiServer, store: Store, closed_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ocr_lib.jobs.log_tailer.HEARTBEAT_S", 0.0)
    clear_heartbeat(store, RUN)
    tailer = LogTailer(server.cluster, store, RUN, 1)
    look = tailer.look("tailed")
    assert (look.progress_at, look.store_reachable) == (None, True)  # though a step was logged
    store.put_json(heartbeat_key(RUN), Beat(1, 5, 9.0, "2026-11-23T14:00:00Z").to_dict())
    first = tailer.look("tailed")
    assert first.progress_at == first.at
    again = tailer.look("tailed")
    assert again.progress_at == first.progress_at < again.at
    client = S3Client(f"http://127.0.0.1:{closed_port}", "k", "s", "us-east-1")
    monkeypatch.setattr(store, "client", client)
    away = tailer.look("tailed")
    assert (away.progress_at, away.store_reachable) == (first.progress_at, False)


def test_the_logs_of_many_pods_take_no_more_than_a_few(
    server: ApiServer, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ocr_lib.jobs.log_tailer.MAX_KEPT_TOGETHER", 40_000)
    row = "2026-11-23T14:00:{:02}Z " + "x" * 180 + "\n"
    server.logs = {}
    server.pods = [pod(number, uid=f"{number:08}") for number in range(20)]
    for item in server.pods:
        server.logs[item["metadata"]["name"]] = "".join(map(row.format, range(40)))
    run = "runs/many"
    tailer = LogTailer(server.cluster, store, run, 1, quiet=True)
    tailer.look("tailed")
    tailer.finish()
    kept = store.list(f"{run}/logs/01/")
    assert len(kept) == 20
    assert 20_000 < sum(item.size for item in kept) <= 40_000
    for item in kept:
        assert (
            store.get_end(item.key, 1000)
            .decode()
            .splitlines()[-1]
            .startswith("2026-11-23T14:00:39")
        )
