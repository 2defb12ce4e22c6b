"""Keeps some of the lines that a client reads: doubtful or disputed ones, within bounds."""

import hashlib
import queue
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType

from ocr_lib.errors import ConfigError, OcrError
from ocr_lib.serving.client import ServedRecognition
from ocr_lib.serving.feedback.samples import FeedbackStore
from ocr_lib.serving.limits import MAX_IMAGE_BYTES
from ocr_lib.storage.store import Store

WAITING = 256  # lines; when the store is slower than the client, further ones are let go
RECOUNT = 50  # lines kept between two looks at what other recorders kept
CLOSE_TIMEOUT_S = 30.0


@dataclass(frozen=True)
class FeedbackLimits:
    """What is kept at most.

    Attributes:
        below: lines of a lower score are kept, 0 to 1.
        share: of those, this share, 0 to 1. Which ones depends on the image alone.
        lines_a_day: by all recorders of a model together, give or take `RECOUNT` each.
        bytes_a_day: of images, likewise.
    """

    below: float = 0.8
    share: float = 1.0
    lines_a_day: int = 1000
    bytes_a_day: int = 64 << 20

    def __post_init__(self) -> None:
        if not (0 <= self.below <= 1 and 0 <= self.share <= 1):
            raise ConfigError("feedback", "a share or a score is not from 0 to 1", "Correct it")


class FeedbackRecorder:
    """Give it to `Recognizer(…, recorder=…)`; it never slows a request down or makes it fail.

    Usage: `with FeedbackRecorder(store, "ocr") as keep, Recognizer(url, recorder=keep) as r: …`.

    Attributes:
        recorded: lines that were written.
        dropped: lines that were doubtful, and not kept because of a limit or an error.
        problem: the last error, or "".
    """

    def __init__(self, store: Store, model: str, limits: FeedbackLimits | None = None) -> None:
        self.recorded = 0
        self.dropped = 0
        self.problem = ""
        self._lines = FeedbackStore(store, model)
        self._limits = limits or FeedbackLimits()
        self._day, self._count, self._bytes = "", 0, 0
        self._waiting: queue.Queue[tuple[bytes, ServedRecognition, str] | None] = queue.Queue(
            WAITING
        )
        self._writer = threading.Thread(target=self._write, daemon=True)
        self._writer.start()

    def __enter__(self) -> "FeedbackRecorder":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def offer(self, image: bytes, recognition: ServedRecognition, other: str | None = None) -> None:
        """Takes a line into consideration; returns at once.

        Args:
            image: the encoded file.
            recognition: what the model read.
            other: what another reader says it says: another version, a second model, a person. A
                line on which they disagree is kept however sure the model was.
        """
        if recognition.error is not None or not self._sampled(image):
            return
        if other is not None and other != recognition.text:
            reason = f"read {other!r} by another reader"
        elif recognition.score < self._limits.below:
            reason = f"score {recognition.score:.2f} below {self._limits.below:.2f}"
        else:
            return
        try:
            self._waiting.put_nowait((image, recognition, reason))
        except queue.Full:
            self.dropped += 1

    def close(self, timeout_s: float = CLOSE_TIMEOUT_S) -> None:
        """Writes what is waiting; what is not written in time is let go."""
        try:
            self._waiting.put(None, timeout=timeout_s)
        except queue.Full:
            return
        self._writer.join(timeout_s)

    def _sampled(self, image: bytes) -> bool:
        digest = hashlib.sha256(image).digest()
        return int.from_bytes(digest[-4:]) < self._limits.share * 2**32

    def _write(self) -> None:
        while (item := self._waiting.get()) is not None:
            try:
                self._keep(*item)
            except Exception as error:  # one line is lost, those after it are not
                known = isinstance(error, OcrError)
                self.problem = str(error) if known else f"{type(error).__name__}: {error}"
                self.dropped += 1

    def _keep(self, image: bytes, recognition: ServedRecognition, reason: str) -> None:
        day = datetime.now(UTC).date().isoformat()
        if day != self._day or self.recorded % RECOUNT == 0:
            self._day, (self._count, self._bytes) = day, self._lines.count(day)
        room = self._limits.bytes_a_day - self._bytes
        if self._count >= self._limits.lines_a_day or len(image) > min(room, MAX_IMAGE_BYTES):
            self.dropped += 1
            return
        self._lines.keep(image, recognition, reason)
        self.recorded += 1
        self._count += 1
        self._bytes += len(image)
