"""A thin client of one S3 endpoint: every call has a deadline and every failure a next step.

Source: minio-py. Differs from it in that a failure is always a `ServiceError` that names the
endpoint, the object and what to do, in that an interrupted download goes on where it stopped, and
in conditional writes, which it has no call for: they are a plain PUT to a presigned URL.
"""

import hashlib
import io
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, NoReturn
from urllib.parse import SplitResult, quote, urlencode, urlunsplit

import minio
import urllib3
from minio.credentials import Credentials
from minio.datatypes import ListMultipartUploadsResult
from minio.error import InvalidResponseError, MinioException, S3Error, ServerError
from minio.signer import presign_v4

from ocr_lib.digest import sha256_file
from ocr_lib.errors import OcrError, ServiceError
from ocr_lib.polling import Pauses, retry
from ocr_lib.storage.etag import PART_BYTES, EtagHash, HashingReader
from ocr_lib.storage.s3_answers import DAMAGED_ON_THE_WAY, code_of, explain
from ocr_lib.storage.s3_http import NotS3Error, S3Pool, TooLargeError, chunks
from ocr_lib.tls import trust

DOWNLOAD_ATTEMPTS = 3
UNANSWERED_FOR_S = 10.0  # how long to repeat a conditional write without an answer
PRESIGNED = timedelta(minutes=15)  # how long a URL holds, and clocks may differ
RACERS = 8  # threads that try whether a store honours conditions
RACE_START_S = 60.0  # for the last of them to start
# What parsing an answer raises that is no XML of S3's, or has dates that are none.
UNREADABLE = (ValueError, SyntaxError, TypeError, AttributeError)
OF_AN_OBJECT = ("etag", "last-modified")  # headers that S3 sends with each, and web pages may lack
UPLOAD_ATTEMPTS = 2
NO_UPLOAD = "NoSuchUpload"


class MissingObjectError(ServiceError):
    """The object, or its bucket, does not exist."""


class DigestError(ServiceError):
    """An object does not hold the bytes that its manifest promises."""


class ConflictError(ServiceError):
    """Another process changed the object, or holds the lease, that this call needed."""


class UnansweredError(ServiceError):
    """The store did not answer, or failed: whether it did what was asked is unknown."""


class RefusedError(ServiceError):
    """The store does not know the keys, or their owner may not do this."""


class StoredObject(NamedTuple):
    """Key, size in bytes and entity tag of an object, and when it was last written (epoch s)."""

    key: str
    size: int
    etag: str
    modified: float


class MultipartUpload(NamedTuple):
    """An upload in parts that has not ended: key, upload id, and when it began (epoch s)."""

    key: str
    upload_id: str
    started: float


class S3Client:
    """Objects of one endpoint, whole or as files.

    Args:
        endpoint: `http://host:port` or `https://host`, checked by the caller.
        timeout_s: the longest silence of a connection before a call is given up (and retried).
        deadline_s: the longest time one object may take to download; a small one has less.
        ca_file: PEM file of certificates to trust next to the system's.
        retries: how often a call is repeated.
    """

    def __init__(
        self,
        endpoint: str,
        access_key: str,
        secret_key: str,
        region: str,
        *,
        timeout_s: float = 30.0,
        deadline_s: float = 3600.0,
        ca_file: str = "",
        retries: int = 3,
    ) -> None:
        self.endpoint = endpoint
        self._again = partial(S3Client, endpoint, access_key, secret_key, region, ca_file=ca_file)
        self._deadline_s = deadline_s
        self._tags_are_md5 = True  # until the store shows that its entity tags are others
        self._credentials = Credentials(access_key, secret_key)
        self._region = region
        scheme, _, host = endpoint.partition("://")
        context = trust(ca_file) if scheme == "https" else None
        self._pool = S3Pool(timeout_s, context, retries)
        self._minio = minio.Minio(
            host,
            access_key=access_key,
            secret_key=secret_key,
            region=region,
            secure=scheme == "https",
            http_client=self._pool,
        )

    def with_timeout(self, timeout_s: float) -> "S3Client":
        """Returns a client of the same endpoint whose calls end sooner: repeated once, not thrice.

        Args:
            timeout_s: the longest silence of a connection; a call ends after a few times that.
        """
        return self._again(timeout_s=timeout_s, deadline_s=timeout_s, retries=1)

    def make_bucket(self, bucket: str) -> None:
        """Creates `bucket` unless it exists."""
        with self._asking("make bucket", bucket, ""):
            if not self._minio.bucket_exists(bucket):
                self._minio.make_bucket(bucket)

    def stat(self, bucket: str, key: str) -> StoredObject | None:
        """Returns what the store says of an object, or None where there is none."""
        head = self._head(bucket, key)
        return _stored(head) if head else None

    def age_s(self, bucket: str, key: str) -> float | None:
        """Returns how long ago an object was written, in seconds of the store's own clock.

        None where there is none.
        """
        head = self._head(bucket, key)
        if head is None:
            return None
        with self._asking("look up", bucket, key):
            now = head.metadata.get("date")
            at = parsedate_to_datetime(now) if now else datetime.now(UTC)
            return at.timestamp() - _stored(head).modified

    def _head(self, bucket: str, key: str) -> Any:
        with self._asking("look up", bucket, key):
            try:
                head = self._minio.stat_object(bucket, key)
            except S3Error as error:
                if error.code == "NoSuchKey":
                    return None
                self._ask_why(bucket, key)
                raise
            except ServerError:
                self._ask_why(bucket, key)
                raise
            if not (head.etag and head.last_modified):
                raise NotS3Error
            return head

    def _ask_why(self, bucket: str, key: str) -> None:
        """Reads an object for the error that its HEAD has no body to say."""
        with suppress(urllib3.exceptions.HTTPError):
            response = self._minio.get_object(bucket, key, length=1)
            response.close()
            response.release_conn()

    def list(self, bucket: str, prefix: str) -> Iterator[StoredObject]:
        """Yields every object whose key starts with `prefix`, in the order of keys."""
        with self._asking("list", bucket, prefix):
            for item in self._minio.list_objects(bucket, prefix=prefix, recursive=True):
                yield _stored(item)

    def folders(self, bucket: str, prefix: str, most: int) -> tuple[str, ...]:
        """Returns the names of the folders below `prefix`, without what is in them.

        Args:
            bucket: where to look.
            prefix: ends in a slash.
            most: how many entries there may be.

        Raises:
            ServiceError: there are more.
        """
        names = []
        with self._asking("list", bucket, prefix):
            entries = self._minio.list_objects(bucket, prefix=prefix)
            for number, entry in enumerate(entries, start=1):
                if number > most:
                    raise ServiceError(
                        f"{self._name(bucket, prefix)}: more than {most:,} entries. Delete some."
                    )
                if entry.is_dir:
                    names.append(str(entry.object_name).removeprefix(prefix).rstrip("/"))
        return tuple(names)

    def put(self, bucket: str, key: str, content: bytes) -> str:
        """Writes one object, whatever was there before; returns its entity tag.

        Raises:
            DigestError: the store received something else, see `put_file`.
        """
        return self._upload("write", bucket, key, lambda: io.BytesIO(content), len(content))

    def put_if(self, bucket: str, key: str, content: bytes, etag: str | None) -> str:
        """Writes one object where it is still as it was; returns its entity tag.

        A lost answer is settled by reading the object: `content` has to differ from what others
        would write, else theirs is taken for this one. See `honours_conditions`.

        Args:
            bucket: where to.
            key: its key.
            content: what to write.
            etag: the tag that the object must have; None where there must be none.

        Raises:
            ConflictError: the store evaluated the condition and it does not hold.
            UnansweredError: the store does not answer; the object may have been written.
        """
        unanswered: list[Exception] = []
        try:
            return retry(
                lambda: self._put_once(bucket, key, content, etag),
                lambda error: isinstance(error, UnansweredError),
                UNANSWERED_FOR_S,
                Pauses(0.2, factor=2.0),
                say=unanswered.append,
            )
        except (ConflictError, UnansweredError) as error:
            lost = bool(unanswered) or isinstance(error, UnansweredError)
            written = self._holds(bucket, key, content) if lost else None
            if written is None:
                raise
            return written

    def _put_once(self, bucket: str, key: str, content: bytes, etag: str | None) -> str:
        headers = {"If-Match": f'"{etag}"'} if etag else {"If-None-Match": "*"}
        with self._asking("write", bucket, key):
            url = self._minio.presigned_put_object(bucket, key, expires=PRESIGNED)
            response = self._pool.request("PUT", url, body=content, headers=headers, retries=False)
        if response.status >= 300:
            self._not_written(bucket, key, response, replaces=etag is not None)
        if not response.headers.get("etag"):
            self._fail("write", bucket, key, NotS3Error())
        written = str(response.headers["etag"]).strip('"')
        sent = hashlib.md5(content, usedforsecurity=False).hexdigest()
        if not self._has_arrived(bucket, key, written, sent, len(content)):
            raise DigestError(
                f"{self._name(bucket, key)}: damaged on its way to the store. "
                "Check the network and what stands before the store, then write it again."
            )
        return written

    def _not_written(self, bucket: str, key: str, response: Any, *, replaces: bool) -> NoReturn:
        """Raises the error that says why a plain PUT was not carried out."""
        text = response.data.decode("utf-8", "replace")
        error = InvalidResponseError(response.status, response.headers.get("content-type"), text)
        if response.status == 412 or (replaces and code_of(error) == "NoSuchKey"):
            raise self._conflict(bucket, key) from error
        self._fail("write", bucket, key, error)

    def _holds(self, bucket: str, key: str, content: bytes) -> str | None:
        """Returns the entity tag of an object that has exactly this content, else None."""
        try:
            stored, etag = self.get(bucket, key, len(content))
        except (MissingObjectError, DigestError):
            return None
        return etag if stored == content else None

    def honours_conditions(self, bucket: str, key: str) -> bool:
        """Tells whether the store evaluates the conditions of `put_if`, each write as one step.

        Some stores ignore them; others evaluate them and write later, so that of several writers
        at once each is let through. So after one write that has to be refused, several writers race
        here, to create an object and to replace it.

        Args:
            bucket: where to try.
            key: an object of this name is made and removed; no one else may use it.
        """
        try:
            self.put(bucket, key, b"first")
            with suppress(ConflictError):
                self.put_if(bucket, key, b"second", None)
                return False
            self.remove(bucket, key)
            created = self._race(bucket, key, None)
            return len(created) == 1 and len(self._race(bucket, key, created[0])) == 1
        finally:
            self.remove(bucket, key)

    def _race(self, bucket: str, key: str, etag: str | None) -> tuple[str, ...]:
        """Writes one object from several threads; returns the entity tags of those let through."""
        start = threading.Barrier(RACERS)

        def write(number: int) -> str | None:
            start.wait(RACE_START_S)
            try:
                return self.put_if(bucket, key, f"{etag} {number}".encode(), etag)
            except ConflictError:
                return None

        with ThreadPoolExecutor(RACERS) as pool:
            return tuple(written for written in pool.map(write, range(RACERS)) if written)

    def put_file(self, bucket: str, key: str, path: Path) -> None:
        """Uploads a file, in parts where it is large; the object appears whole or not at all.

        The entity tag that the store answers with is compared with the MD5 of what was sent. Where
        it is another one, the object is read back: it was damaged on its way and goes up again, or
        the store's tags are no MD5s, which is then remembered.

        Raises:
            DigestError: it was damaged at every attempt.
        """
        self._upload("upload", bucket, key, lambda: path.open("rb"), path.stat().st_size)

    def _upload(
        self, action: str, bucket: str, key: str, open_content: Callable[[], BinaryIO], size: int
    ) -> str:
        """Writes an object and makes sure that the store has it; returns its entity tag."""
        for _ in range(UPLOAD_ATTEMPTS):
            with open_content() as file, self._asking(action, bucket, key):
                reader = HashingReader(file, size)
                try:
                    written = self._minio.put_object(
                        bucket, key, reader, size, part_size=PART_BYTES
                    )
                except MinioException as error:
                    if _was_damaged(error):
                        continue
                    raise
                if not written.etag:
                    raise NotS3Error
            if self._has_arrived(bucket, key, written.etag, reader.hash.etag(), size):
                return str(written.etag)
        raise DigestError(
            f"{self._name(bucket, key)}: damaged on its way to the store, {UPLOAD_ATTEMPTS} times. "
            "Check the network and what stands before the store, then run this again."
        )

    def _has_arrived(self, bucket: str, key: str, etag: str, sent: str, size: int) -> bool:
        """Tells whether an object holds what was sent, by its entity tag or else by reading it."""
        if not self._tags_are_md5 or etag == sent:
            return True
        stored = EtagHash(size)
        self._stream(bucket, key, stored, size)
        if stored.etag() != sent:
            return False
        self._tags_are_md5 = False
        return True

    def get(self, bucket: str, key: str, max_bytes: int) -> tuple[bytes, str]:
        """Returns the content and the entity tag of an object of at most `max_bytes`."""
        content = io.BytesIO()
        etag = self._stream(bucket, key, content, max_bytes)
        return content.getvalue(), etag

    def get_end(self, bucket: str, key: str, size: int, max_bytes: int) -> bytes:
        """Returns the last `max_bytes` of an object of `size` bytes, or all of a smaller one."""
        content = io.BytesIO()
        self._stream(bucket, key, content, max_bytes, max(0, size - max_bytes))
        return content.getvalue()

    def get_file(self, bucket: str, key: str, path: Path, size: int, sha256: str) -> None:
        """Downloads an object to `path`, which appears only when its size and digest are right.

        An interrupted download leaves `<path>.part`, from which the next one goes on when the
        digest is known.

        Args:
            bucket: where the object is.
            key: its key.
            path: where it goes; its directory exists.
            size: the size it must have, in bytes.
            sha256: the digest it must have; empty when none is known.
        """
        part = path.with_name(path.name + ".part")
        if not sha256:  # nothing could tell whether an old part belongs to this object
            part.unlink(missing_ok=True)
        seen_damaged = False
        for attempt in range(1, DOWNLOAD_ATTEMPTS + 1):
            if part.exists() and part.stat().st_size > size:
                part.unlink()
            resumed = part.exists() and part.stat().st_size > 0
            try:
                self._append(bucket, key, part, size)
                self._check(bucket, key, part, size, sha256)
            except MissingObjectError:
                raise
            except DigestError:
                part.unlink()
                if seen_damaged or attempt == DOWNLOAD_ATTEMPTS:
                    raise
                # An earlier attempt's bytes say nothing of the object, fresh ones may have been
                # damaged on their way: the second time they are the store's.
                seen_damaged = not resumed
            except ServiceError:
                if attempt == DOWNLOAD_ATTEMPTS:
                    raise
            else:
                part.replace(path)
                return
        raise DigestError(f"{self._name(bucket, key)}: damaged at every attempt.")

    def remove(self, bucket: str, key: str) -> None:
        """Deletes an object; one that is not there is no error."""
        with self._asking("delete", bucket, key):
            try:
                self._minio.remove_object(bucket, key)
            except MinioException as error:
                if code_of(error) != "NoSuchKey":
                    raise

    def uploads(self, bucket: str, prefix: str) -> Iterator[MultipartUpload]:
        """Yields the uploads in parts below `prefix` that have not ended, in the order of keys."""
        query = {"uploads": "", "prefix": prefix, "encoding-type": "url", "max-uploads": "1000"}
        while True:
            try:
                answer = self._bucket_request("GET", bucket, "", query)
            except MissingObjectError as error:
                if NO_UPLOAD in str(error):  # how rclone says that there are none
                    return
                raise
            with self._asking("list uploads", bucket, prefix):
                page = ListMultipartUploadsResult(answer)
            for item in page.uploads:
                started = item.initiated_time.timestamp() if item.initiated_time else 0.0
                yield MultipartUpload(item.object_name, item.upload_id or "", started)
            if not page.is_truncated or not page.uploads:
                return
            last = page.uploads[-1]
            query |= {"key-marker": last.object_name, "upload-id-marker": last.upload_id or ""}

    def abort_upload(self, bucket: str, upload: MultipartUpload) -> None:
        """Ends an upload and frees its parts; one that is not there is no error."""
        query = {"uploadId": upload.upload_id}
        with suppress(MissingObjectError):
            self._bucket_request("DELETE", bucket, upload.key, query)

    def _bucket_request(self, method: str, bucket: str, key: str, query: dict[str, str]) -> Any:
        """Sends a request that minio has no public call for; returns the answer, read."""
        scheme, _, host = self.endpoint.partition("://")
        path = quote(f"/{bucket}/{key}" if key else f"/{bucket}")
        url = presign_v4(
            method=method,
            url=SplitResult(scheme, host, path, urlencode(query, quote_via=quote, safe=""), ""),
            region=self._region,
            credentials=self._credentials,
            date=datetime.now(UTC),
            expires=int(PRESIGNED.total_seconds()),
        )
        action = "list uploads" if method == "GET" else "end the upload of"
        with self._asking(action, bucket, key):
            response = self._pool.request(method, urlunsplit(url))
        if response.status >= 300:
            kind = response.headers.get("content-type")
            text = response.data.decode("utf-8", "replace")
            self._fail(action, bucket, key, InvalidResponseError(response.status, kind, text))
        return response

    def _append(self, bucket: str, key: str, part: Path, size: int) -> None:
        """Downloads what is missing at the end of `part`."""
        with part.open("ab") as file:
            offset = file.tell()
            if offset < size:
                self._stream(bucket, key, file, size - offset, offset)

    def _check(self, bucket: str, key: str, part: Path, size: int, sha256: str) -> None:
        name, actual = self._name(bucket, key), part.stat().st_size
        if actual != size:
            raise DigestError(f"{name}: {actual} bytes where the manifest says {size}.")
        if sha256 and sha256_file(part) != sha256:
            raise DigestError(f"{name}: damaged or replaced, its SHA-256 is not the manifest's.")

    def _stream(self, bucket: str, key: str, target: Any, max_bytes: int, offset: int = 0) -> str:
        """Copies an object from `offset` on to a binary file; returns its entity tag."""
        response = None
        try:
            with self._asking("read", bucket, key):
                response = self._minio.get_object(bucket, key, offset=offset)
                if not all(name in response.headers for name in OF_AN_OBJECT):
                    raise NotS3Error
                received = chunks(response, max_bytes, self._deadline_s)
                while chunk := next(received, None):
                    target.write(chunk)
                return str(response.headers["etag"]).strip('"')
        except TooLargeError:
            raise DigestError(f"{self._name(bucket, key)}: more than {max_bytes} bytes.") from None
        finally:
            if response is not None:
                response.close()
                response.release_conn()

    def _name(self, bucket: str, key: str) -> str:
        return f"s3://{bucket}/{key} at {self.endpoint}"

    @contextmanager
    def _asking(self, action: str, bucket: str, key: str) -> Iterator[None]:
        """Turns what minio and urllib3 raise in the block into this module's errors."""
        try:
            yield
        except OcrError:
            raise
        except (MinioException, urllib3.exceptions.HTTPError, *UNREADABLE) as error:
            self._fail(action, bucket, key, error)

    def _conflict(self, bucket: str, key: str) -> ConflictError:
        name = self._name(bucket, key)
        return ConflictError(f"{name}: changed by another process meanwhile. Run it again.")

    def _fail(self, action: str, bucket: str, key: str, error: Exception) -> NoReturn:
        """Raises the `ServiceError` that says what `error` means and what to do next."""
        kind, _, text = explain(error)
        name = self._name(bucket, key)
        if kind == "conflict":
            raise self._conflict(bucket, key) from error
        raise ERRORS[kind](f"{name}: cannot {action}: {text}") from error


ERRORS: dict[str, type[ServiceError]] = {
    "missing": MissingObjectError,
    "refused": RefusedError,
    "damaged": DigestError,
    "unanswered": UnansweredError,
    "failed": ServiceError,
}


def _was_damaged(error: MinioException) -> bool:
    """Tells whether the store refused a body because it is not what was sent.

    rclone ends an upload in parts then, so that what minio raises is that it cannot abort it.
    """
    cause = error.__context__
    if code_of(error) == NO_UPLOAD and isinstance(cause, MinioException):
        return _was_damaged(cause)
    return code_of(error) in DAMAGED_ON_THE_WAY


def _stored(item: Any) -> StoredObject:
    modified = item.last_modified.timestamp() if item.last_modified else 0.0
    return StoredObject(item.object_name, item.size, (item.etag or "").strip('"'), modified)
