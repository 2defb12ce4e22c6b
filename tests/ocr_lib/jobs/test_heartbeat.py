"""The heartbeat on its way: from the file of rank 0, through a real store, to the watcher."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ocr_lib.jobs.heartbeat import (
    HEARTBEAT,
    INTERVAL_S,
    Beat,
    HeartbeatReader,
    HeartbeatUploader,
    clear_heartbeat,
    heartbeat_key,
    read_heartbeat,
)
from ocr_lib.storage.s3 import S3Client
from ocr_lib.storage.store import Store

RUN = "runs/beating"
FIRST = Beat(1, 40, 410.5, "2026-01-31T12:00:00Z")
SECOND = Beat(2, 80, 370.0, "2026-01-31T12:00:40Z")


class Clock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def away(store: Store, closed_port: int) -> Store:
    """The store's bucket at an address where nothing answers."""
    return Store(S3Client(f"http://127.0.0.1:{closed_port}", "k", "s", "us-east-1"), store.bucket)


@pytest.fixture(autouse=True)
def _nothing_there(store: Store) -> None:
    clear_heartbeat(store, RUN)


def write(folder: Path, beat: Beat) -> None:
    (folder / HEARTBEAT).write_text(json.dumps(beat.to_dict()))


def uploader(store: Store, folder: Path, clock: Clock) -> HeartbeatUploader:
    return HeartbeatUploader(store, RUN, folder, clock)


def test_the_trainer_writes_what_is_read_here(tmp_path: Path) -> None:
    from ocr_lib.training import heartbeat

    assert (heartbeat.HEARTBEAT, heartbeat.INTERVAL_S) == (HEARTBEAT, INTERVAL_S)
    heartbeat.Heartbeat(tmp_path).end(3, 120)
    beat = Beat.from_dict(json.loads((tmp_path / HEARTBEAT).read_text()))
    assert (beat.epoch, beat.step, beat.eta_s) == (3, 120, 0.0)
    assert beat.age_s(datetime.now(UTC)) < 60


def test_the_object_is_the_contract_and_is_written_at_most_every_interval(
    store: Store, tmp_path: Path
) -> None:
    clock = Clock()
    heart = uploader(store, tmp_path, clock)
    heart.update()
    assert read_heartbeat(store, RUN) is None  # nothing to tell yet
    write(tmp_path, FIRST)
    heart.update()
    assert store.get_json("runs/beating/heartbeat.json") == {
        "epoch": 1,
        "step": 40,
        "eta_s": 410.5,
        "at": "2026-01-31T12:00:00Z",
    }
    write(tmp_path, SECOND)
    clock.now += INTERVAL_S - 1
    heart.update()
    assert read_heartbeat(store, RUN) == FIRST
    clock.now += 1
    heart.update()
    assert read_heartbeat(store, RUN) == SECOND


def test_the_last_one_goes_up_at_once(store: Store, tmp_path: Path) -> None:
    heart = uploader(store, tmp_path, Clock())
    for beat in (FIRST, SECOND):
        write(tmp_path, beat)
        heart.flush()
    assert read_heartbeat(store, RUN) == SECOND


def test_the_uploaders_own_work_is_a_sign_of_life_that_keeps_the_step(
    store: Store, tmp_path: Path
) -> None:
    clock = Clock()
    heart = uploader(store, tmp_path, clock)
    with heart.working():
        heart.update()
    first = read_heartbeat(store, RUN)
    assert first is not None
    assert (first.epoch, first.step, first.eta_s, first.describe()) == (0, 0, None, "")
    write(tmp_path, FIRST)
    clock.now += INTERVAL_S
    heart.update()
    clock.now += INTERVAL_S
    heart.update()  # neither news of the trainer nor work of its own
    assert read_heartbeat(store, RUN) == FIRST
    with heart.working():
        heart.update()
    later = read_heartbeat(store, RUN)
    assert later is not None
    assert (later.epoch, later.step, later.eta_s) == (1, 40, None)
    assert later.at > FIRST.at


def test_in_the_background_it_uploads_what_is_new_alone(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ocr_lib.jobs.heartbeat.POLL_S", 0.01)
    write(tmp_path, FIRST)  # of an earlier process
    with uploader(store, tmp_path, Clock()) as heart:
        write(tmp_path, SECOND)
        heart.flush()
    assert read_heartbeat(store, RUN) == SECOND
    clear_heartbeat(store, RUN)
    with uploader(store, tmp_path, Clock()) as heart:
        heart.flush()
    assert read_heartbeat(store, RUN) is None


def test_a_store_that_is_away_holds_nothing_up_and_is_told_once(
    store: Store, away: Store, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write(tmp_path, FIRST)
    heart = uploader(away, tmp_path, Clock())
    heart.flush()
    heart.flush()
    said = [line for line in caplog.messages if line.startswith("a heartbeat was not uploaded: ")]
    assert len(said) == 1
    heart._store = store
    heart.flush()
    assert read_heartbeat(store, RUN) == FIRST


def test_the_watcher_dates_changes_by_its_own_clock(store: Store) -> None:
    reader = HeartbeatReader(store, RUN)
    reader.read(5.0)
    assert (reader.changed_at, reader.reachable, reader.max_step) == (None, True, 0)
    for now, beat in ((10.0, FIRST), (20.0, FIRST), (30.0, SECOND)):
        store.put_json(heartbeat_key(RUN), beat.to_dict())
        reader.read(now)
    assert (reader.changed_at, reader.max_step) == (30.0, 80)
    assert reader.beat.describe() == "epoch 2, step 80, ETA 6:10"
    store.put_json(heartbeat_key(RUN), Beat(at=FIRST.at).to_dict())
    reader.read(40.0)
    assert (reader.changed_at, reader.max_step) == (40.0, 80)  # a peer that starts again


def test_a_store_that_does_not_answer_is_no_news(store: Store, away: Store) -> None:
    store.put_json(heartbeat_key(RUN), FIRST.to_dict())
    reader = HeartbeatReader(store, RUN)
    reader.read(10.0)
    reader._store = away
    reader.read(20.0)
    assert (reader.reachable, reader.changed_at, reader.beat) == (False, 10.0, FIRST)
    reader._store = store
    reader.read(30.0)
    assert (reader.reachable, reader.changed_at) == (True, 10.0)


@pytest.mark.parametrize(
    "value",
    [
        [],
        {"epoch": 1},
        {"epoch": "x", "step": 1, "eta_s": 0, "at": FIRST.at},
        {"epoch": -1, "step": 1, "eta_s": 0, "at": FIRST.at},
        {"epoch": 1, "step": 1, "eta_s": float("inf"), "at": FIRST.at},
        {"epoch": 1, "step": 1, "eta_s": 0, "at": "yesterday"},
    ],
)
def test_what_is_no_heartbeat_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="not a heartbeat"):
        Beat.from_dict(value)


def test_an_object_that_is_none_counts_as_none(store: Store) -> None:
    for content in (b"{", b"[]", b'{"epoch": 1}'):
        store.put_bytes(heartbeat_key(RUN), content)
        assert read_heartbeat(store, RUN) is None
