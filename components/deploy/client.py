"""A client of a served model: `with Recognizer("host:8001") as r: r.read("line.png").text`."""

import random
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import tritonclient.grpc as grpc
from tritonclient.utils import InferenceServerException

from components.deploy.admin import triton_error
from ocr_lib.errors import ImageError, ServiceError
from ocr_lib.text.ctc import Recognition

DEFAULT_MODEL = "ocr"
BATCH = 16  # images of one request
IN_FLIGHT = 4  # requests at once
FIRST_PAUSE_S = 0.05  # before a refused request is sent again; doubles each time
MAX_PAUSE_S = 2.0

Image = str | Path | bytes


class Recognizer:
    """Reads text lines on a Triton server.

    A request that the server refuses because it is full or starting is sent again until the
    deadline.

    Args:
        url: `host:port` of the server's gRPC protocol.
        model: the model's name.
        version: a version to insist on; None takes the one in production.
        timeout_s: the longest that one request may take, attempts and pauses together.
    """

    def __init__(
        self,
        url: str,
        model: str = DEFAULT_MODEL,
        *,
        version: int | None = None,
        timeout_s: float = 30.0,
    ) -> None:
        self.url = url
        self.model = model
        self._version = "" if version is None else str(version)
        self._timeout_s = timeout_s
        self._client = grpc.InferenceServerClient(url)

    def __enter__(self) -> "Recognizer":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._client.close()

    def read(self, image: Image) -> Recognition:
        """Reads one line.

        Args:
            image: a file, or its encoded bytes (JPEG, PNG, …).

        Raises:
            ImageError: the file is missing, or the server cannot decode it.
            ServiceError: the server does not answer in time, or has no such model.
        """
        result = self.read_many([image])[0]
        if result.error:
            where = "image" if isinstance(image, bytes) else str(image)
            raise ImageError(where, result.error, "Replace the image")
        return result

    def read_many(self, images: Sequence[Image]) -> list[Recognition]:
        """Reads many lines, in the order given; a bad image fails alone, with `error` set.

        Raises:
            ImageError: a file is missing.
            ServiceError: the server does not answer in time, or has no such model.
        """
        batches = [images[start : start + BATCH] for start in range(0, len(images), BATCH)]
        if len(batches) <= 1:
            return [result for batch in batches for result in self._read_batch(batch)]
        with ThreadPoolExecutor(IN_FLIGHT) as pool:
            return [result for results in pool.map(self._read_batch, batches) for result in results]

    def _read_batch(self, images: Sequence[Image]) -> list[Recognition]:
        contents = [_content(image) for image in images]
        tensor = grpc.InferInput("IMAGE", [len(contents), 1], "BYTES")
        tensor.set_data_from_numpy(np.array([[content] for content in contents], np.object_))
        answer = self._infer(tensor)
        rows = [answer.as_numpy(name).reshape(-1) for name in ("TEXT", "SCORE", "ERROR")]
        return [
            Recognition(text.decode(), float(score), (), error.decode() or None)
            for text, score, error in zip(*rows, strict=True)
        ]

    def _infer(self, tensor: Any) -> Any:
        """Sends one request, again where the server says that it has no room."""
        ends = time.monotonic() + self._timeout_s
        pause = FIRST_PAUSE_S
        while True:
            left = max(ends - time.monotonic(), 0.001)
            try:
                return self._client.infer(
                    self.model, [tensor], model_version=self._version, client_timeout=left
                )
            except InferenceServerException as error:
                if not _worth_retrying(error) or time.monotonic() + pause > ends:
                    raise self._failed(error) from error
            time.sleep(pause * (0.5 + random.random() / 2))  # noqa: S311 - spreads clients
            pause = min(2 * pause, MAX_PAUSE_S)

    def _failed(self, error: InferenceServerException) -> ServiceError:
        version = f" version {self._version}" if self._version else ""
        return triton_error(self.url, f"cannot ask {self.model}{version}", error)


def _worth_retrying(error: InferenceServerException) -> bool:
    """Tells whether the same request may succeed a moment later; an unknown model will not."""
    return "UNAVAILABLE" in str(error.status()) and "unknown model" not in str(error.message())


def _content(image: Image) -> bytes:
    if isinstance(image, bytes):
        return image
    try:
        return Path(image).read_bytes()
    except OSError as error:
        reason = error.strerror or str(error)
        raise ImageError(str(image), reason, "Check the path") from error
