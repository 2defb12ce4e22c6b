"""The servers that the demo brings along: an S3 store and a Triton, both on loopback ports."""

import fcntl
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ocr_lib.errors import ServiceError
from ocr_lib.registry.production import read_production
from ocr_lib.serving.connection import admin_key
from ocr_lib.serving.repository_store import prepare_repository
from ocr_lib.serving.triton_server import TritonServer
from ocr_lib.storage.s3_server import S3Server
from ocr_lib.storage.store import Store


@dataclass(frozen=True, slots=True)
class Services:
    """Running servers.

    Attributes:
        store: the object store, for this process.
        environment: variables with which the steps find it, and may change what Triton serves.
        triton_url: `host:port` of Triton's gRPC protocol.
    """

    store: Store
    environment: dict[str, str]
    triton_url: str


@contextmanager
def services(out: Path, model_name: str) -> Iterator[Services]:
    """Runs both servers while the block lasts; what served in the last demo serves again.

    Args:
        out: keeps the store's content in `s3/`, and `triton.log`.
        model_name: loaded at once where a former demo put it into production.

    Raises:
        ServiceError: a server does not start, or another demo uses the folder.
    """
    with _only_user(out), S3Server(out / "s3") as s3:
        store = s3.store()
        serving = read_production(store, model_name) is not None
        # Other programs of this machine, such as a page in a browser, do not deploy here.
        key = admin_key() or secrets.token_hex(24)
        with TritonServer(
            prepare_repository(store),
            log=out / "triton.log",
            environment=s3.environment(),
            load=(f"{model_name}_core", model_name) if serving else (),
            admin_key=key,
        ) as triton:
            environment = s3.environment() | {"OCR_TRITON_ADMIN_KEY": key}
            yield Services(store, environment, triton.url)


@contextmanager
def _only_user(out: Path) -> Iterator[None]:
    out.mkdir(parents=True, exist_ok=True)
    with open(out / ".lock", "w", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ServiceError(
                f"{out}: another demo runs in this folder. Wait for it, or give another --out."
            ) from None
        yield
