"""How a process logs: one line a record on standard error, text for people, JSON in pods.

Modules log to `logging.getLogger(__name__)`; entry points say once where that goes. Output that a
command was asked for is no log: it goes through `ocr_lib.terminal.echo`.
"""

import json
import logging
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from typing import TextIO

from ocr_lib.errors import ConfigError
from ocr_lib.settings import Settings
from ocr_lib.terminal import printable

PACKAGES = ("ocr_lib", "components", "pipelines")
TEXT, JSON = "text", "json"
HIDDEN = "[hidden]"
MIN_SECRET = 8  # characters; a shorter one would hide words of every other message


class LineFormatter(logging.Formatter):
    """Turns a record into one line, with the values of secrets left out.

    Args:
        run: names the run; empty where there is none.
        step: of the pipeline; empty where there is none.
        secrets: values that no line may hold.
    """

    def __init__(self, run: str = "", step: str = "", secrets: Sequence[str] = ()) -> None:
        super().__init__()
        self._context = {"run": run, "step": step}
        self._secrets = [secret for secret in secrets if len(secret) >= MIN_SECRET]

    def format(self, record: logging.LogRecord) -> str:
        """Returns `time level logger: message`, a traceback as further lines."""
        lines = [f"{_time(record)[:19]} {record.levelname} {_short(record)}: {self._text(record)}"]
        if record.exc_info:
            lines += self.formatException(record.exc_info).splitlines()
        return "\n".join(printable(self._hide(line), keep="\t") for line in lines)

    def _text(self, record: logging.LogRecord) -> str:
        return record.getMessage()

    def _hide(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, HIDDEN)
        return text


class JsonFormatter(LineFormatter):
    """The same as a JSON object: time, level, logger, message, run, step, and exception if any."""

    def format(self, record: logging.LogRecord) -> str:
        """Returns the record on one line."""
        value = {
            "time": _time(record),
            "level": record.levelname,
            "logger": record.name,
            "message": self._hide(self._text(record)),
            **self._context,
        }
        if record.exc_info:
            value["exception"] = self._hide(self.formatException(record.exc_info))
        return json.dumps(value, ensure_ascii=True)


@contextmanager
def logging_configured(
    *,
    run: str = "",
    step: str = "",
    settings: Settings | None = None,
    stream: TextIO | None = None,
) -> Iterator[None]:
    """Sends what this project logs to one place while the block lasts; for entry points.

    Args:
        run: names the run, for each line.
        step: of the pipeline, for each line.
        settings: says the format, and which values are secret; None for those of the environment.
        stream: where to; None for standard error.

    Raises:
        ConfigError: there is no such format.
    """
    settings = settings or Settings.from_env()
    kind = settings.log_format or (JSON if settings.kubernetes_host else TEXT)
    if kind not in (TEXT, JSON):
        raise ConfigError("OCR_LOG_FORMAT", f"{kind!r} is no format", f"Give {TEXT} or {JSON}")
    formatter = JsonFormatter if kind == JSON else LineFormatter
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(formatter(run, step, settings.secrets()))
    with ExitStack() as stack:
        for name in PACKAGES:
            stack.enter_context(_handled_by(logging.getLogger(name), handler))
        yield


def readable(line: str) -> str:
    """Returns a line of `JsonFormatter` as people read it; any other line as it is."""
    if not line.startswith("{"):
        return line
    try:
        value = json.loads(line)
        return f"{value['level']} {value['logger'].rpartition('.')[2]}: {value['message']}"
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return line


@contextmanager
def _handled_by(logger: logging.Logger, handler: logging.Handler) -> Iterator[None]:
    """Sends a package's records to one handler alone: the host program may have another format."""
    before = logger.level, logger.propagate
    logger.setLevel(logging.INFO)
    logger.propagate = False
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before[0])
        logger.propagate = before[1]


def _time(record: logging.LogRecord) -> str:
    at = datetime.fromtimestamp(record.created, UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"


def _short(record: logging.LogRecord) -> str:
    return record.name.rpartition(".")[2]
