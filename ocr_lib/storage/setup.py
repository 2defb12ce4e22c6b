"""Gives each kind of step its key on a new MinIO server."""

from pathlib import Path

import urllib3
from minio import MinioAdmin
from minio.credentials import StaticProvider
from minio.error import MinioAdminException, MinioException

from ocr_lib.errors import ConfigError, ServiceError
from ocr_lib.regular_file import read_bounded
from ocr_lib.settings import Settings
from ocr_lib.storage.access_policy import ACCESS, policy
from ocr_lib.storage.store import Store
from ocr_lib.tls import trust


def read_keys(folder: Path) -> dict[str, tuple[str, str]]:
    """Reads the key pairs of all stages: `<folder>/<stage>/accesskey` and `secretkey`.

    Raises:
        ConfigError: one is missing.
    """
    pairs = {}
    for stage in ACCESS:
        pair = []
        for name in ("accesskey", "secretkey"):
            path = folder / stage / name
            try:
                pair.append(read_bounded(path).decode().strip())
            except OSError as error:
                step = "Mount the Secret of each kind of step"
                raise ConfigError(str(path), error.strerror or str(error), step) from error
        pairs[stage] = (pair[0], pair[1])
    return pairs


def set_up_minio(store: Store, keys: dict[str, tuple[str, str]]) -> None:
    """Gives each stage its user and policy on a MinIO server; AWS_* are its administrator's.

    Raises:
        ServiceError: the server refuses, or does not answer.
    """
    admin = minio_admin(store)
    try:
        for stage, (access_key, secret_key) in keys.items():
            name = f"{store.bucket}-{stage}"
            admin.policy_add(name, policy=policy(stage, store.bucket))
            admin.user_add(access_key, secret_key)
            admin.policy_set(name, user=access_key)
    except (MinioAdminException, MinioException, urllib3.exceptions.HTTPError) as error:
        raise ServiceError(
            f"{store.client.endpoint}: cannot give out keys: {_cause(error)}. "
            "Check that it is MinIO and that AWS_ACCESS_KEY_ID is its administrator's."
        ) from error


def _cause(error: Exception) -> str:
    """Returns what an exception says in one line, without the body of the answer."""
    return " ".join(str(error).partition(", Body:")[0].split())


def minio_admin(store: Store) -> MinioAdmin:
    """Returns what administers a MinIO server; AWS_* are its administrator's."""
    scheme, _, host = store.client.endpoint.partition("://")
    settings = Settings.from_env()
    keys = settings.required("s3_access_key"), settings.required("s3_secret_key")
    pool = urllib3.PoolManager(
        timeout=urllib3.Timeout(connect=5.0, read=30.0),
        retries=urllib3.Retry(3),
        ssl_context=trust(settings.ca_file) if scheme == "https" else None,
    )
    return MinioAdmin(
        endpoint=host,
        credentials=StaticProvider(*keys),
        secure=scheme == "https",
        http_client=pool,
    )
