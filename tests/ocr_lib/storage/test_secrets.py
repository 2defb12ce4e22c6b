import json

import pytest

from ocr_lib.storage.access_policy import ACCESS, secret_name
from ocr_lib.storage.secrets import (
    IDENTITIES_SECRET,
    KINDS,
    STEP_SECRETS,
    TRITON_SECRET,
    in_namespaces,
    new_secrets,
)


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_store_gets_its_secrets(kind: str) -> None:
    names = {item["metadata"]["name"] for item in new_secrets(kind, "ocr")}
    stages = {secret_name(stage) for stage in (*ACCESS, "admin")}
    assert (
        names
        == {
            "seaweedfs": {*stages, TRITON_SECRET, IDENTITIES_SECRET},
            "minio": {*stages, TRITON_SECRET},
            "external": {TRITON_SECRET},
        }[kind]
    )


def test_keys_are_random_and_differ() -> None:
    def keys() -> list[str]:
        return [
            value for item in new_secrets("minio", "ocr") for value in item["stringData"].values()
        ]

    drawn = keys() + keys()
    assert len(set(drawn)) == len(drawn)
    assert min(map(len, drawn)) >= 12


def test_seaweedfs_knows_the_same_keys() -> None:
    secrets = {
        item["metadata"]["name"]: item["stringData"] for item in new_secrets("seaweedfs", "")
    }
    identities = json.loads(secrets[IDENTITIES_SECRET]["s3.json"])["identities"]
    known = {one["credentials"][0]["accessKey"] for one in identities}
    assert known == {secrets[secret_name(stage)]["accesskey"] for stage in (*ACCESS, "admin")}


def test_steps_get_their_own_secrets_alone() -> None:
    items = new_secrets("seaweedfs", "ocr")
    placed = in_namespaces(items, "ocr", ["kubeflow"])
    by_namespace: dict[str, set[str]] = {}
    for item in placed:
        names = by_namespace.setdefault(item["metadata"]["namespace"], set())
        names.add(item["metadata"]["name"])
    assert by_namespace["ocr"] == {item["metadata"]["name"] for item in items}
    assert by_namespace["kubeflow"] == set(STEP_SECRETS)
    assert secret_name("admin") not in by_namespace["kubeflow"]
