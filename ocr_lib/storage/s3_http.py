"""HTTP connections to an S3 endpoint: every answer has a deadline as a whole, and a bound.

A timeout of a connection is about silence alone: a server that sends a byte now and then meets it
for ever. So headers and bodies have deadlines of their own, whatever arrives in between.
"""

import base64
import hashlib
import io
import re
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from typing import Any

import urllib3
from minio.error import MinioException, ServerError
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from ocr_lib.polling import Pauses

CONNECT_TIMEOUT_S = 5.0
CHUNK_BYTES = 1 << 20
MAX_ANSWER_BYTES = 64 << 20  # of what isn't an object: a page of a listing has about 1 MB
ANSWER_S = 300.0  # for such an answer; a store may take minutes to put parts together
SMALL_S = 60.0  # for an object, and a second more for each:
SLOWEST_BYTES_PER_S = 64 << 10
PAUSES = Pauses(0.2, factor=2.0, spread=0.5)  # random, so that clients do not come back in step
UNANSWERED = (500, 502, 503, 504)  # what the server did is unknown
REPEATED = (*UNANSWERED, 429)
LISTING = re.compile(r"[?&](list-type|prefix|location|uploads)\b")


class NotS3Error(MinioException):  # type: ignore[misc]
    """What answers does not speak S3."""


class SlowAnswerError(urllib3.exceptions.HTTPError):
    """An answer had not come to its end at its deadline."""

    def __init__(self, deadline_s: float) -> None:
        super().__init__(f"its answer had not ended after {deadline_s:.0f} s")


class TooLargeError(Exception):
    """An answer is larger than allowed."""


class _DeadlineConnection(HTTPConnection):
    """Gives up headers that come too slowly."""

    def getresponse(self) -> Any:
        """Returns the answer once its headers are there."""
        with _headers_deadline(self):
            return super().getresponse()


class _DeadlineTlsConnection(HTTPSConnection):
    def getresponse(self) -> Any:
        """Returns the answer once its headers are there."""
        with _headers_deadline(self):
            return super().getresponse()


class _headers_deadline:  # noqa: N801 - used like a function
    """Ends a connection when the block lasts for twice the time that it may be silent."""

    def __init__(self, connection: HTTPConnection) -> None:
        sock = connection.sock
        silence_s = (sock.gettimeout() if sock else None) or ANSWER_S
        self._timer = threading.Timer(2 * silence_s, self._end, (sock,))
        self._timer.daemon = True
        self._ended = False

    def __enter__(self) -> None:
        self._timer.start()

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        if self._ended:  # headers that break off look like the last ones
            raise TimeoutError("the headers had not ended")

    def _end(self, sock: socket.socket | None) -> None:
        self._ended = True
        if sock is not None:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:  # it ended at the same moment
                return


class _DeadlinePool(HTTPConnectionPool):
    ConnectionCls = _DeadlineConnection


class _DeadlineTlsPool(HTTPSConnectionPool):
    ConnectionCls = _DeadlineTlsConnection


class S3Pool(urllib3.PoolManager):
    """Connections to one endpoint.

    Where S3 answers with XML, web pages are refused; an object itself may be a web page. Failures
    of the server are repeated, unless a call sets `retries=False`. Each write says the MD5 of its
    body, so that a damaged one does not replace what is there.

    Args:
        timeout_s: the longest silence of a connection.
        context: judges certificates; None without TLS.
        retries: how often a request is repeated.
    """

    def __init__(self, timeout_s: float, context: ssl.SSLContext | None, retries: int = 3) -> None:
        self._attempts = retries + 1
        super().__init__(
            timeout=urllib3.Timeout(connect=min(timeout_s, CONNECT_TIMEOUT_S), read=timeout_s),
            retries=urllib3.Retry(
                total=retries,
                backoff_factor=PAUSES.first_s,
                backoff_jitter=PAUSES.first_s,
                respect_retry_after_header=False,  # it may say hours
            ),
            maxsize=16,
            ssl_context=context,
        )
        self.pool_classes_by_scheme = {"http": _DeadlinePool, "https": _DeadlineTlsPool}

    def urlopen(self, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
        """Sends a request; an answer that isn't left to be streamed is read whole."""
        attempts = 1 if kwargs.get("retries") is False or method == "POST" else self._attempts
        for attempt in range(1, attempts + 1):
            response = self._send_once(method, url, *args, **kwargs)
            if response.status not in REPEATED:
                break
            if attempt < attempts:
                time.sleep(PAUSES.after(attempt))
        if response.status >= 500 and b"<Code>" not in response.data:
            raise ServerError("failed without an S3 error", response.status)
        return response

    def _send_once(self, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
        streamed = not kwargs.pop("preload_content", True)
        if method == "PUT" and isinstance(body := kwargs.get("body"), bytes):
            kwargs["headers"] = headers = urllib3.HTTPHeaderDict(kwargs.get("headers"))
            headers.setdefault("Content-MD5", content_md5(body))
        response = super().urlopen(method, url, *args, preload_content=False, **kwargs)
        is_page = response.status < 500 and "html" in response.headers.get("content-type", "")
        if is_page and (method == "POST" or LISTING.search(url)):
            response.close()
            raise NotS3Error
        if streamed and response.status < 300:
            return response
        return _read(response, method)


def content_md5(body: bytes) -> str:
    """Returns the header with which a store refuses a body that was damaged on its way."""
    return base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()


def chunks(response: Any, max_bytes: int, longest_s: float) -> Iterator[bytes]:
    """Yields the body of an answer as it comes.

    Args:
        response: not read yet.
        max_bytes: how large it may be.
        longest_s: how long it may take at most; a small one has less time, see `SMALL_S`.

    Raises:
        TooLargeError: it is larger.
        SlowAnswerError: it had not ended at its deadline.
    """
    announced = response.headers.get("content-length", "")
    size = int(announced) if announced.isdecimal() else max_bytes
    if size > max_bytes:
        raise TooLargeError
    deadline_s = min(longest_s, SMALL_S + size / SLOWEST_BYTES_PER_S)
    ends, received = time.monotonic() + deadline_s, 0
    while chunk := response.read1(CHUNK_BYTES):
        received += len(chunk)
        if received > max_bytes:
            raise TooLargeError
        if time.monotonic() > ends:
            raise SlowAnswerError(deadline_s)
        yield chunk


def _read(response: Any, method: str) -> urllib3.HTTPResponse:
    """Reads an answer whole and frees its connection; returns the same answer, in memory."""
    try:
        content = (
            b"".join(chunks(response, MAX_ANSWER_BYTES, ANSWER_S)) if method != "HEAD" else b""
        )
    except TooLargeError:
        raise NotS3Error from None
    except BaseException:
        response.close()
        raise
    finally:
        response.release_conn()
    return urllib3.HTTPResponse(
        body=io.BytesIO(content),
        headers=response.headers,
        status=response.status,
        reason=response.reason,
        preload_content=True,
        decode_content=False,
        request_method=method,
        request_url=response.geturl(),
    )
