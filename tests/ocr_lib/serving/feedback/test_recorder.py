"""Which lines are kept, within bounds, whatever the store does."""

import pytest

from ocr_lib.errors import ConfigError
from ocr_lib.serving.feedback.recorder import FeedbackLimits, FeedbackRecorder
from ocr_lib.serving.feedback.samples import FeedbackStore
from ocr_lib.storage.store import Store
from tests.ocr_lib.serving.feedback.recorded import LINES, reading, record


def test_doubtful_lines_are_kept_and_others_not(store: Store) -> None:
    offers = (
        (LINES[0], reading("abc", 0.79)),
        (LINES[1], reading("cab", 0.81)),
        (b"bad", reading("", 0.0, "not an image")),
        (LINES[0], reading("abc", 0.79)),
    )
    assert record(store, "doubts", FeedbackLimits(below=0.8), *offers) == (2, 0)
    (line,) = FeedbackStore(store, "doubts").lines()  # the same image once
    assert line.recognition == reading("abc", 0.79)
    assert line.reason == "score 0.79 below 0.80"
    assert FeedbackStore(store, "doubts").image(line) == LINES[0]


def test_a_line_that_somebody_reads_otherwise_is_kept(store: Store) -> None:
    with FeedbackRecorder(store, "disputes") as recorder:
        recorder.offer(LINES[0], reading("abc", 0.99), other="abd")
        recorder.offer(LINES[1], reading("cab", 0.99), other="cab")
    (line,) = FeedbackStore(store, "disputes").lines()
    assert line.reason == "read 'abd' by another reader"


def test_what_is_kept_is_bounded(store: Store) -> None:
    offers = [(image, reading("x", 0.1)) for image in LINES]
    assert record(store, "few", FeedbackLimits(lines_a_day=2), *offers) == (2, 2)
    assert record(store, "few", FeedbackLimits(lines_a_day=3), *offers[2:]) == (
        1,
        1,
    )  # counted together
    small = FeedbackLimits(bytes_a_day=len(LINES[0]) + len(LINES[1]))
    assert record(store, "small", small, *offers)[0] == 2
    assert record(store, "none", FeedbackLimits(share=0.0), *offers) == (0, 0)
    assert list(FeedbackStore(store, "none").lines()) == []


def test_a_store_that_is_down_disturbs_nobody(
    store: Store, closed_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCR_S3_ENDPOINT", f"http://127.0.0.1:{closed_port}")
    with FeedbackRecorder(Store.from_env(timeout_s=1), "down") as recorder:
        recorder.offer(LINES[0], reading("abc", 0.1))
    assert (recorder.recorded, recorder.dropped) == (0, 1)
    assert "does not answer" in recorder.problem


def test_a_line_that_cannot_be_written_costs_no_other(store: Store) -> None:
    """JSON has no place for half a character, nor for a score that is no number."""
    with FeedbackRecorder(store, "odd") as recorder:
        recorder.offer(LINES[0], reading("\ud800", 0.1))
        recorder.offer(LINES[1], reading("cab", float("nan")), other="abd")
        recorder.offer(LINES[2], reading("a", 0.1))
    assert (recorder.recorded, recorder.dropped) == (1, 2)
    assert recorder.problem.startswith("ValueError: Out of range float")
    assert [line.recognition.text for line in FeedbackStore(store, "odd").lines()] == ["a"]


def test_bad_limits_are_named(store: Store) -> None:
    with pytest.raises(ConfigError, match="from 0 to 1"):
        FeedbackLimits(share=1.5)
