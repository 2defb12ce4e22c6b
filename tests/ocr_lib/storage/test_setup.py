from pathlib import Path

import pytest
from minio.error import MinioAdminException

from ocr_lib.errors import ConfigError, ServiceError
from ocr_lib.storage.access_policy import ACCESS
from ocr_lib.storage.s3 import RefusedError, S3Client
from ocr_lib.storage.setup import minio_admin, read_keys, set_up_minio
from ocr_lib.storage.store import Store
from ocr_lib.storage.store_lease import store_lease


def mounted(folder: Path) -> dict[str, tuple[str, str]]:
    for stage in ACCESS:
        (folder / stage).mkdir()
        (folder / stage / "accesskey").write_text(f"key-{stage}\n")
        (folder / stage / "secretkey").write_text(f"secret-{stage}\n")
    return read_keys(folder)


def test_keys_that_are_not_mounted_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="data/accesskey"):
        read_keys(tmp_path)


def test_mounted_keys_are_read(tmp_path: Path) -> None:
    keys = mounted(tmp_path)
    assert set(keys) == set(ACCESS)
    assert keys["train"] == ("key-train", "secret-train")


def test_a_store_that_is_no_minio_is_told(store: Store, tmp_path: Path) -> None:
    with pytest.raises(ServiceError, match=r"cannot give out keys: .*404\. Check that it is MinIO"):
        set_up_minio(store, mounted(tmp_path))


@pytest.mark.parametrize("conditional_store", ["minio"], indirect=True)
def test_each_stage_gets_its_own_key(conditional_store: Store, tmp_path: Path) -> None:
    store, keys = conditional_store, mounted(tmp_path)
    for _ in range(2):  # a second set-up changes nothing
        set_up_minio(store, keys)

    def of(stage: str) -> Store:
        client = S3Client(store.client.endpoint, *keys[stage], "us-east-1")
        return Store(client, store.bucket)

    of("deploy").put_json("registry/set-up/production.json", {})
    for stage in ("deploy", "serve"):
        with store_lease(of(stage), "set-up", wait_s=0):
            pass
    with pytest.raises(RefusedError):
        of("train").put_json("registry/set-up/production.json", {})
    with pytest.raises(MinioAdminException):
        minio_admin(store).user_info("no such user")


def test_a_lease_is_for_those_who_deploy_serve_or_collect() -> None:
    assert {stage for stage, access in ACCESS.items() if "leases/" in access.write} == {
        "deploy",
        "serve",
        "gc",
    }
