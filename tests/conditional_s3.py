"""S3 servers that honour conditional writes, as processes on loopback: moto, and MinIO if here."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ocr_lib.child_process import die_with_parent
from ocr_lib.polling import Pauses, poll_until
from ocr_lib.storage.s3 import S3Client
from ocr_lib.storage.s3_server import REGION

KINDS = ("moto", "minio")
KEY, SECRET, BUCKET = "conditional", "conditional-secret", "ocr"
# One request at a time: moto compares and writes in two steps.
MOTO = """
import sys
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server
make_server(
    "127.0.0.1", int(sys.argv[1]), DomainDispatcherApplication(create_backend_app)
).serve_forever()
"""


def available(kind: str) -> bool:
    return kind == "moto" or shutil.which("minio") is not None


@contextmanager
def conditional_s3(kind: str, folder: Path) -> Iterator[dict[str, str]]:
    """Serves a bucket while the block lasts; yields the environment that names it."""
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    command = {
        "moto": [sys.executable, "-c", MOTO, str(port)],
        "minio": ["minio", "server", "--quiet", "--address", f"127.0.0.1:{port}", str(folder)],
    }[kind]
    own = {"MINIO_ROOT_USER": KEY, "MINIO_ROOT_PASSWORD": SECRET, "MINIO_CI_CD": "1"}
    with (folder.parent / f"{kind}.log").open("wb") as log:
        process = subprocess.Popen(
            die_with_parent(command), env={**os.environ, **own}, stdout=log, stderr=log
        )
        try:
            poll_until(lambda: _listens(port), f"{kind} to listen", 60.0, Pauses(0.05))
            endpoint = f"http://127.0.0.1:{port}"
            S3Client(endpoint, KEY, SECRET, REGION).make_bucket(BUCKET)
            yield {
                "OCR_S3_ENDPOINT": endpoint,
                "OCR_S3_BUCKET": BUCKET,
                "AWS_ACCESS_KEY_ID": KEY,
                "AWS_SECRET_ACCESS_KEY": SECRET,
                "AWS_DEFAULT_REGION": REGION,
            }
        finally:
            process.terminate()
            process.wait(30)


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
