"""One line a record: text for people, JSON in pods, and never a secret."""

import io
import json
import logging
from datetime import datetime
from pathlib import Path

import pytest

from ocr_lib.errors import ConfigError
from ocr_lib.log_config import logging_configured, readable
from ocr_lib.settings import Settings

CANARY = "canary-7d1f0c"
LOG = logging.getLogger("ocr_lib.jobs.launcher")


def logged(settings: Settings, *messages: str, error: bool = False) -> list[str]:
    stream = io.StringIO()
    with logging_configured(run="r1", step="train", settings=settings, stream=stream):
        for message in messages:
            LOG.warning("%s", message)
        if error:
            try:
                raise ZeroDivisionError(CANARY)
            except ZeroDivisionError:
                LOG.exception("a defect")
    return stream.getvalue().splitlines()


def test_on_a_terminal_a_record_is_a_line_of_text() -> None:
    (line,) = logged(Settings(), "two\nlines \x1b[2J")
    time, level, name, message = line.split(" ", 3)
    assert (level, name) == ("WARNING", "launcher:")
    assert message == r"two\nlines \u001b[2J"
    datetime.strptime(time, "%Y-%m-%dT%H:%M:%S")


def test_in_a_pod_a_record_is_an_object_on_one_line() -> None:
    (line,) = logged(Settings(kubernetes_host="10.0.0.1"), "two\nlines")
    value = json.loads(line)
    datetime.strptime(value.pop("time"), "%Y-%m-%dT%H:%M:%S.%fZ")
    assert value == {
        "level": "WARNING",
        "logger": "ocr_lib.jobs.launcher",
        "message": "two\nlines",
        "run": "r1",
        "step": "train",
    }
    assert readable(line) == "WARNING launcher: two\nlines"


@pytest.mark.parametrize("line", ["node: x", "{", "[1]", "{}", '{"level": 1}', '{"a": {"b": 1}}'])
def test_other_lines_are_readable_as_they_are(line: str) -> None:
    assert readable(line) == line


def test_the_format_can_be_chosen() -> None:
    in_pod = {"kubernetes_host": "10.0.0.1"}
    assert not logged(Settings(**in_pod, log_format="text"), "x")[0].startswith("{")
    assert logged(Settings(log_format="json"), "x")[0].startswith("{")
    with pytest.raises(ConfigError, match="OCR_LOG_FORMAT: 'xml' is no format"):
        logged(Settings(log_format="xml"), "x")


@pytest.mark.parametrize("kind", ["text", "json"])
def test_no_secret_is_logged_not_even_in_a_traceback(kind: str) -> None:
    settings = Settings(s3_secret_key=CANARY, log_format=kind)
    lines = logged(settings, f"signed with {CANARY}", error=True)
    text = "\n".join(lines)
    assert CANARY not in text
    assert text.count("[hidden]") == 2
    assert "ZeroDivisionError" in text
    assert CANARY in "\n".join(logged(Settings(log_format=kind), CANARY))  # it is seen otherwise


def test_logging_is_as_before_once_the_block_ends() -> None:
    loggers = [logging.getLogger(name) for name in ("ocr_lib", "components", "pipelines")]
    before = [(item.level, item.propagate, list(item.handlers)) for item in loggers]
    with logging_configured(settings=Settings()):
        assert all(item.level == logging.INFO and not item.propagate for item in loggers)
    assert [(item.level, item.propagate, list(item.handlers)) for item in loggers] == before


def test_a_module_that_runs_as_a_program_names_its_logger() -> None:
    """There `__name__` is `__main__`, whose records no one formats or shows."""
    root = Path(__file__).parents[2]
    nameless = [
        path.relative_to(root)
        for package in ("ocr_lib", "components", "pipelines")
        for path in (root / package).rglob("*.py")
        if '__name__ == "__main__"' in (text := path.read_text("utf-8"))
        and "getLogger(__name__)" in text
    ]
    assert nameless == []
