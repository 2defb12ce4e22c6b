"""Progress: silent for quick work, lines into a pipe, a bar on a terminal."""

import io

import pytest

from ocr_lib import progress
from ocr_lib.progress import Progress, duration


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def clock(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def work(stream, clock, steps=10, seconds_each=2.0):
    with Progress(steps, "packing", "images", stream) as bar:
        for _ in range(steps):
            clock[0] += seconds_each
            bar.add()
    return stream.getvalue()


def test_a_pipe_gets_a_line_now_and_then(clock):
    lines = work(io.StringIO(), clock).splitlines()
    assert lines[0] == "packing  30% 3/10 images, 0/s, ETA 0:14"
    assert lines[-1] == "packing 100% 10/10 images, 0/s, ETA 0:00"
    assert len(lines) == 4


def test_a_terminal_gets_a_bar(clock):
    text = work(Terminal(), clock)
    assert "\r\x1b[K[###" in text
    assert text.endswith("\n")


def test_quick_work_prints_nothing(clock):
    assert work(io.StringIO(), clock, seconds_each=0.1) == ""


def test_an_error_ends_the_line_without_claiming_the_end(clock):
    stream = Terminal()

    def fail(bar):
        clock[0] += 1
        bar.add()
        raise RuntimeError

    with pytest.raises(RuntimeError), Progress(4, "packing", "images", stream) as bar:
        fail(bar)
    assert "100%" not in stream.getvalue()
    assert stream.getvalue().endswith("\n")


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (59.6, "1:00"), (3725, "1:02:05")])
def test_duration(seconds, text):
    assert duration(seconds) == text
