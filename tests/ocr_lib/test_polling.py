"""Waiting by a clock that costs no time."""

import ast
from pathlib import Path

import pytest

from ocr_lib.errors import ServiceError
from ocr_lib.polling import Clock, DeadlineError, Pauses, poll_until, retry

ROOT = Path(__file__).resolve().parents[2]
# Where else a process sleeps, and why.
SLEEPS_ITSELF = {
    "ocr_lib/serving/client.py": "fails over between servers, each with its own share of the time",
    "ocr_lib/storage/s3_http.py": "repeats requests below minio's client",
    "ocr_lib/training/barrier.py": "waits before every exchange, and watches the peers meanwhile",
}


class Watch:
    """A clock that only moves when it is slept on."""

    def __init__(self) -> None:
        self.at = 100.0
        self.slept: list[float] = []
        self.clock = Clock(lambda: self.at, self.sleep)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at += seconds


def sleeps(code: str) -> list[int]:
    """Returns the lines in which `time.sleep` is named, or an event that nothing sets."""
    lines = []
    for node in ast.walk(ast.parse(code)):
        named = ast.unparse(node) if isinstance(node, ast.Attribute) else ""
        if named in ("time.sleep", "threading.Event().wait"):
            lines.append(node.lineno)
        if isinstance(node, ast.ImportFrom) and node.module == "time":
            lines += [node.lineno for name in node.names if name.name == "sleep"]
    return lines


def test_nothing_else_sleeps() -> None:
    sleeping = {
        path.relative_to(ROOT).as_posix()
        for package in ("ocr_lib", "components", "pipelines", "benchmarks", "images")
        for path in (ROOT / package).rglob("*.py")
        if sleeps(path.read_text("utf-8"))
    }
    assert sleeping == {"ocr_lib/polling.py", *SLEEPS_ITSELF}


@pytest.mark.parametrize(
    "code",
    ["time.sleep(1)", "from time import sleep", "f(time.sleep)", "threading.Event().wait(1)"],
)
def test_every_way_to_sleep_is_seen(code: str) -> None:
    assert sleeps(code)


@pytest.fixture
def watch() -> Watch:
    return Watch()


def test_polling_ends_with_what_was_found(watch: Watch) -> None:
    answers = iter([None, 0, "", "found"])
    found = poll_until(lambda: next(answers), "an answer", 9.0, Pauses(2.0), clock=watch.clock)
    assert found == "found"
    assert watch.slept == [2.0, 2.0, 2.0]


def test_polling_says_what_it_waited_for(watch: Watch) -> None:
    with pytest.raises(DeadlineError, match=r"^waited 3\.5 s for the moon\. Look up\.$"):
        poll_until(
            lambda: False, "the moon", 3.5, Pauses(1.0), next_step="Look up.", clock=watch.clock
        )
    assert watch.slept == [1.0, 1.0, 1.0, 0.5]  # the last look is at the deadline


def test_advice_may_be_what_is_known_at_the_deadline(watch: Watch) -> None:
    with pytest.raises(DeadlineError, match=r"for the moon\. It is 102\.$"):
        poll_until(
            lambda: False,
            "the moon",
            2.0,
            Pauses(1.0),
            next_step=lambda: f"It is {watch.at:g}.",
            clock=watch.clock,
        )


def test_polling_without_time_looks_once(watch: Watch) -> None:
    with pytest.raises(ServiceError, match=r"^waited 0 s for the moon\.$"):
        poll_until(lambda: False, "the moon", 0.0, Pauses(1.0), clock=watch.clock)
    assert watch.slept == []


def test_what_a_look_raises_ends_polling(watch: Watch) -> None:
    with pytest.raises(ZeroDivisionError):
        poll_until(lambda: 1 // 0, "the moon", 9.0, Pauses(1.0), clock=watch.clock)


def test_pauses_grow_to_a_limit_and_spread() -> None:
    pauses = Pauses(1.0, factor=2.0, longest_s=5.0)
    assert [pauses.after(attempt) for attempt in range(1, 5)] == [1.0, 2.0, 4.0, 5.0]
    assert pauses.after(10**6) == 5.0
    spread = {Pauses(1.0, spread=0.5).after(1) for _ in range(100)}
    assert len(spread) > 1
    assert 0.5 <= min(spread) <= max(spread) <= 1.0


def test_a_failed_call_is_repeated(watch: Watch) -> None:
    outcomes: list[Exception | int] = [OSError("first"), OSError("second"), 7]
    said: list[str] = []

    def call() -> int:
        outcome = outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    result = retry(
        call,
        lambda error: isinstance(error, OSError),
        60.0,
        Pauses(1.0, factor=3.0),
        say=lambda error: said.append(str(error)),
        clock=watch.clock,
    )
    assert result == 7
    assert said == ["first", "second"]
    assert watch.slept == [1.0, 3.0]


def test_the_last_failure_is_raised_at_the_deadline(watch: Watch) -> None:
    calls: list[float] = []

    def call() -> None:
        calls.append(watch.at)
        raise OSError(f"failure {len(calls)}")

    with pytest.raises(OSError, match="failure 4"):
        retry(call, lambda _: True, 3.0, Pauses(1.0), clock=watch.clock)
    assert calls == [100.0, 101.0, 102.0, 103.0]


def test_other_failures_are_raised_at_once(watch: Watch) -> None:
    with pytest.raises(ZeroDivisionError):
        retry(
            lambda: 1 // 0,
            lambda error: isinstance(error, OSError),
            9.0,
            Pauses(1.0),
            clock=watch.clock,
        )
    assert watch.slept == []
