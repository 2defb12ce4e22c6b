"""The run's log: kept until the run begins, PaddleOCR's lines, numbers as JSON."""

import json
from pathlib import Path

import pytest

from ocr_lib.training.log import PeerLog, RunLog, StepTimer, metric_line, step_line


def test_what_is_logged_before_the_run_begins_is_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = RunLog(tmp_path / "run")
    log.info("first")
    log.metrics("train", loss=1.0)
    assert not (tmp_path / "run").exists()
    log.open()
    log.info("second")
    log.close()
    lines = (tmp_path / "run/train.log").read_text("utf-8").splitlines()
    assert [line.split(" ppocr INFO: ")[1] for line in lines] == ["first", "second"]
    assert capsys.readouterr().out.splitlines() == lines


def test_a_resumed_run_appends(tmp_path: Path) -> None:
    for text in ("one", "two"):
        log = RunLog(tmp_path, quiet=True)
        log.open()
        log.info(text)
        log.close()
    assert len((tmp_path / "train.log").read_text("utf-8").splitlines()) == 2


def test_numbers_that_are_not_finite_become_null(tmp_path: Path) -> None:
    log = RunLog(tmp_path, quiet=True)
    log.open()
    log.metrics("eval", acc=0.5, loss=float("nan"), best=float("inf"))
    log.close()
    row = json.loads((tmp_path / "metrics.jsonl").read_text("utf-8"))
    assert (row["kind"], row["acc"], row["loss"], row["best"]) == ("eval", 0.5, None, None)


def test_another_process_logs_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = PeerLog()
    log.open()
    log.info("x")
    log.metrics("train", loss=1.0)
    log.close()
    assert capsys.readouterr().out == ""
    assert list(tmp_path.iterdir()) == []


class Clock:
    """Replaces the timer's clock."""

    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("ocr_lib.training.log.time.perf_counter", clock)
    return clock


def test_the_line_has_speed_waiting_and_eta(clock: Clock) -> None:
    timer = StepTimer()
    for _ in range(2):
        clock.now_s += 1.0
        timer.loaded()
        clock.now_s += 3.0
        timer.stepped(8)
    line = step_line(2, 5, 40, {"lr": 0.5, "loss": 1.25}, timer, 100)
    assert line == (
        "epoch: [2/5], global_step: 40, lr: 0.500000, loss: 1.250000, "
        "avg_reader_cost: 1.00000 s, avg_batch_cost: 4.00000 s, avg_samples: 8.0, "
        "ips: 2.00000 samples/s, eta: 0:06:40"
    )


def test_other_work_is_not_counted(clock: Clock) -> None:
    timer = StepTimer()
    clock.now_s += 1.0
    paused_at = timer.pause()
    clock.now_s += 60.0
    timer.resume(paused_at)
    assert timer.elapsed_s == 1.0
    timer.loaded()
    assert timer.reader_s == 1.0


def test_metrics_are_listed() -> None:
    assert metric_line("cur metric", {"acc": 0.5, "fps": 2}) == "cur metric, acc: 0.5, fps: 2"
