"""The heartbeat: what it holds, how often it is written, and that a run ends with one."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ocr_lib.training import train
from ocr_lib.training.heartbeat import HEARTBEAT, INTERVAL_S, Heartbeat
from tests.ocr_lib.training.line_data import make_lines, small_config


class Clock:
    """A clock that stands still until it is moved."""

    now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


def read(folder: Path) -> dict[str, object]:
    values: dict[str, object] = json.loads((folder / HEARTBEAT).read_text("utf-8"))
    return values


def test_the_first_beat_is_written_at_once_and_knows_no_speed(tmp_path: Path, clock: Clock) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    Heartbeat(tmp_path, clock).beat(epoch=2, step=11, steps_left=40)
    values = read(tmp_path)
    at = values.pop("at")
    assert values == {"epoch": 2, "step": 11, "eta_s": None}
    assert before <= datetime.fromisoformat(str(at)) <= datetime.now(UTC)


def test_it_is_written_no_more_often_than_the_interval(tmp_path: Path, clock: Clock) -> None:
    heartbeat = Heartbeat(tmp_path, clock)
    heartbeat.beat(1, 1, 99)
    clock.now_s += INTERVAL_S - 0.1
    heartbeat.beat(1, 16, 84)
    assert read(tmp_path)["step"] == 1
    clock.now_s += 0.1
    heartbeat.beat(1, 16, 84)
    assert (read(tmp_path)["step"], read(tmp_path)["eta_s"]) == (16, 168.0)  # 2 s an update
    clock.now_s += 1.0
    heartbeat.beat(1, 17, 83)
    assert read(tmp_path)["step"] == 16


def test_the_end_is_written_whenever_it_comes(tmp_path: Path, clock: Clock) -> None:
    heartbeat = Heartbeat(tmp_path, clock)
    heartbeat.beat(1, 1, 1)
    heartbeat.end(1, 2)
    assert (read(tmp_path)["step"], read(tmp_path)["eta_s"]) == (2, 0.0)
    assert [path.name for path in tmp_path.iterdir()] == [HEARTBEAT]


def test_a_run_ends_with_a_heartbeat(tmp_path: Path) -> None:
    lines = make_lines(tmp_path / "train", 16, seed=1), make_lines(tmp_path / "eval", 4, seed=2)
    result = train(small_config(*lines, tmp_path / "run", **{"Global.epoch_num": 1}), quiet=True)
    values = read(tmp_path / "run")
    assert (values["epoch"], values["step"], values["eta_s"]) == (1, result.steps, 0.0)
