"""A client of a served model, with numpy and tritonclient alone.

`with RecognitionClient("host:8001") as client: client.read("line.png").text`
"""

import json
import random
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

import numpy as np
import tritonclient.grpc as grpc
from tritonclient.utils import InferenceServerException

from ocr_lib.errors import ImageError, ServiceError
from ocr_lib.regular_file import open_regular
from ocr_lib.serving.client_tls import PROBE_TIMEOUT_S, tls_problem
from ocr_lib.serving.connection import QUEUE_FULL, TritonConnection, triton_error
from ocr_lib.serving.endpoints import Server, Servers
from ocr_lib.serving.limits import MAX_IMAGE_BYTES, MAX_IMAGES, REFUSAL, RequestLimits
from ocr_lib.text.recognition import Recognition

DEFAULT_MODEL = "ocr"
BATCH = MAX_IMAGES  # of one request, fewer where they have more bytes than one may
BATCH_BYTES = RequestLimits.max_bytes
TOO_LARGE = f"the image has more than {MAX_IMAGE_BYTES:,} bytes"
IN_FLIGHT = 4  # requests at once
FIRST_PAUSE_S = 0.05  # before a refused request is sent again; doubles each time
MAX_PAUSE_S = 2.0
OUTPUTS = ("TEXT", "SCORE", "ERROR")

Image = str | Path | bytes


@dataclass(frozen=True, slots=True)
class ServedRecognition(Recognition):
    """A recognition with the version of the model that made it."""

    version: int = 0


class Recorder(Protocol):
    """Receives what was read; see `ocr_lib/serving/feedback/recorder.py`."""

    def offer(self, image: bytes, recognition: ServedRecognition) -> None:
        """Takes a line and what was read on it; must not raise and not take long."""


class RecognitionClient:
    """Reads text lines on one or several Triton servers.

    Requests take turns over the servers. One that a server refuses because it is full, starting or
    gone is sent to the next one, again and again until the deadline: asking twice does no harm.
    Where TLS keeps the client from the servers, it fails at once.

    Args:
        url: `host:port` of the gRPC protocol; several as a sequence, or with commas between them.
        model: the model's name.
        version: a version to insist on; None takes the one in production.
        timeout_s: the longest that one request may take, attempts and pauses together.
        char_scores: asks for the probability of every character too.
        priority: 1 is answered before 2, for people who wait before jobs that do not; None is 1.
        connection: TLS; None takes that of the environment.
        recorder: is offered every line that was read.
    """

    def __init__(
        self,
        url: str | Sequence[str],
        model: str = DEFAULT_MODEL,
        *,
        version: int | None = None,
        timeout_s: float = 30.0,
        char_scores: bool = False,
        priority: int | None = None,
        connection: TritonConnection | None = None,
        recorder: Recorder | None = None,
    ) -> None:
        self.model = model
        self._timeout_s = timeout_s
        self._outputs = [*OUTPUTS, *(["CHAR_SCORES"] if char_scores else [])]
        self._recorder = recorder
        self._options = {
            "model_version": "" if version is None else str(version),
            "outputs": [grpc.InferRequestedOutput(name) for name in self._outputs],
            "priority": priority or 0,
        }
        urls = url.split(",") if isinstance(url, str) else list(url)
        connection = connection or TritonConnection.from_env()
        self._tls = connection.tls
        self._servers = Servers(urls, connection)

    def __enter__(self) -> "RecognitionClient":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._servers.close()

    def read(self, image: Image) -> ServedRecognition:
        """Reads one line.

        Args:
            image: a file, or its encoded bytes (JPEG, PNG, …).

        Raises:
            ImageError: the file is missing, or the server cannot decode it.
            ServiceError: no server answers in time, or has such a model.
        """
        result = self.read_many([image])[0]
        if result.error:
            where = "image" if isinstance(image, bytes) else str(image)
            raise ImageError(where, result.error, "Replace the image")
        return result

    def read_many(self, images: Sequence[Image]) -> list[ServedRecognition]:
        """Reads many lines, in the order given; a bad image fails alone, with `error` set.

        Raises:
            ImageError: a file is missing.
            ServiceError: no server answers in time, or has such a model.
        """
        if len(images) <= BATCH:
            return self._read_batch([_content(image) for image in images])
        batches = [images[start : start + BATCH] for start in range(0, len(images), BATCH)]
        with ThreadPoolExecutor(IN_FLIGHT) as pool:
            jobs = pool.map(lambda batch: self._read_batch(list(map(_content, batch))), batches)
            return [result for results in jobs for result in results]

    def _read_batch(self, contents: Sequence[bytes]) -> list[ServedRecognition]:
        """Reads images; those that no server takes fail here, and are not sent."""
        fitting = [content for content in contents if len(content) <= MAX_IMAGE_BYTES]
        results = iter(self._read_fitting(fitting))
        return [
            next(results)
            if len(content) <= MAX_IMAGE_BYTES
            else ServedRecognition("", 0.0, (), TOO_LARGE)
            for content in contents
        ]

    def _read_fitting(self, contents: Sequence[bytes]) -> list[ServedRecognition]:
        """Reads images in one request, or in several where one may not hold as much."""
        if not contents:
            return []
        if len(contents) > 1 and sum(map(len, contents)) > BATCH_BYTES:
            return self._read_halves(contents)
        tensor = grpc.InferInput("IMAGE", [len(contents), 1], "BYTES")
        tensor.set_data_from_numpy(np.array([[content] for content in contents], np.object_))
        try:
            answer = self._infer(tensor)
        except ServiceError as error:
            if REFUSAL in str(error) and len(contents) > 1:
                return self._read_halves(contents)
            raise
        version = int(answer.get_response().model_version)
        rows = [answer.as_numpy(name).reshape(-1) for name in self._outputs]
        results = [_recognition(version, *row) for row in zip(*rows, strict=True)]
        if self._recorder:
            for content, result in zip(contents, results, strict=True):
                self._recorder.offer(content, result)
        return results

    def _read_halves(self, contents: Sequence[bytes]) -> list[ServedRecognition]:
        middle = len(contents) // 2
        return [*self._read_fitting(contents[:middle]), *self._read_fitting(contents[middle:])]

    def _infer(self, tensor: Any) -> Any:
        """Sends one request, again where a server has no room for it or is gone."""
        ends = time.monotonic() + self._timeout_s
        pause = FIRST_PAUSE_S
        for attempt in count(1):
            server = self._servers.next()
            left = max(ends - time.monotonic(), 0.001)
            share = left if len(self._servers) == 1 else min(left, self._timeout_s / 2)
            try:
                return server.client.infer(
                    self.model, [tensor], client_timeout=share, **self._options
                )
            except InferenceServerException as error:
                elsewhere = attempt < len(self._servers)
                late = time.monotonic() + pause > ends
                if late or not _worth_retrying(error, elsewhere):
                    raise self._failed(server.url, error, ends) from error
                if not elsewhere and (problem := self._tls_problem(server, error, ends)):
                    where = f"Triton at {server.url}: {self._action}"
                    raise ServiceError(f"{where}: {problem}") from error
                server.rest(pause)
            if not elsewhere:
                time.sleep(pause * (0.5 + random.random() / 2))  # noqa: S311 - spreads clients
                pause = min(2 * pause, MAX_PAUSE_S)
        raise AssertionError("unreachable")

    @property
    def _action(self) -> str:
        version = self._options["model_version"]
        return (
            f"cannot ask {self.model} version {version}" if version else f"cannot ask {self.model}"
        )

    def _failed(self, url: str, error: InferenceServerException, ends: float) -> ServiceError:
        return triton_error(url, self._action, error, self._tls, _probe_time(ends))

    def _tls_problem(self, server: Server, error: InferenceServerException, ends: float) -> str:
        """Returns, of a server's first failure, why TLS is the cause: no later request helps then.

        "" where it is not, or where that is known.
        """
        if server.reached or QUEUE_FULL in str(error.message()):
            return ""
        problem = tls_problem(server.url, self._tls, _probe_time(ends))
        server.reached = not problem
        return problem


def _probe_time(ends: float) -> float:
    """Returns how long to look for a problem with TLS, within a request's deadline, in seconds."""
    return min(ends - time.monotonic(), PROBE_TIMEOUT_S)


def _worth_retrying(error: InferenceServerException, elsewhere: bool) -> bool:
    """Tells whether the same request may succeed: a moment later, or at another server."""
    status, unknown = str(error.status()), "unknown model" in str(error.message())
    if ("UNAVAILABLE" in status or "CANCELLED" in status) and not unknown:
        return True  # a server that stops cancels what it has not begun
    return elsewhere and (unknown or "DEADLINE_EXCEEDED" in status)


def _recognition(
    version: int, text: bytes, score: float, error: bytes, char_scores: bytes = b"[]"
) -> ServedRecognition:
    each = tuple(json.loads(char_scores))
    return ServedRecognition(text.decode(), float(score), each, error.decode() or None, version)


def _content(image: Image) -> bytes:
    if isinstance(image, bytes):
        return image
    try:
        with open_regular(image) as file:
            return file.read(MAX_IMAGE_BYTES + 1)
    except OSError as error:
        reason = error.strerror or str(error)
        raise ImageError(str(image), reason, "Check the path") from error
