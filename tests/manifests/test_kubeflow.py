"""What a stand-alone Kubeflow gets in its own namespace, in which it runs the steps."""

import re
from typing import Any

import kubernetes_validate
import pytest
import yaml

from ocr_lib.storage.access_policy import secret_name
from ocr_lib.storage.pod_env import STORE_CONFIG_KEYS, STORE_CONFIG_MAP
from ocr_lib.storage.secrets import KINDS, in_namespaces, new_secrets
from tests.manifests.overlays import (
    MANIFESTS,
    OVERLAYS,
    Tree,
    build,
    containers,
    one,
    overlay,
    pods,
)
from tests.manifests.pod_security import violations

NAMES = sorted(folder.name for folder in (MANIFESTS / "kubeflow").iterdir())
# What Kubeflow 2.17's launcher reads of `providers` (backend/src/v2/config/s3.go).
PROVIDER = {
    "endpoint": str,
    "region": str,
    "disableSSL": bool,
    "forcePathStyle": bool,
    "credentials": dict,
}
SECRET_REF = {"secretName", "accessKeyKey", "secretKeyKey"}

each = pytest.mark.parametrize("name", NAMES)


def objects(name: str) -> tuple[Tree, ...]:
    return build(MANIFESTS / "kubeflow" / name)


def namespace_of(name: str) -> str:
    (found,) = [item for item in overlay(name) if item["kind"] == "Namespace"]
    return str(found["metadata"]["name"])


def test_every_overlay_has_its_half() -> None:
    assert NAMES == OVERLAYS


@each
@pytest.mark.parametrize("version", ["1.31", "1.34"])
def test_every_object_is_what_kubernetes_knows(name: str, version: str) -> None:
    for item in objects(name):
        kubernetes_validate.validate(item, version, strict=True)
        assert item["metadata"]["namespace"] == "kubeflow"
        for subject in item.get("subjects", ()):
            assert subject["namespace"] == "kubeflow"


@each
def test_it_is_what_a_namespace_of_steps_has_in_the_overlay(name: str) -> None:
    def rights(items: tuple[Tree, ...]) -> dict[str, Any]:
        return {i["metadata"]["name"]: i["rules"] for i in items if i["kind"] == "Role"}

    assert rights(objects(name)) == rights(overlay(name))
    assert one(objects(name), "ServiceAccount", "ocr-pipeline")
    for owner, pod in pods(objects(name)):
        assert owner == "CronJob ocr-reaper"
        assert not violations(pod["spec"])
        (container,) = containers(pod)
        (same,) = containers(dict(pods(overlay(name)))[owner])
        assert container["image"] == same["image"]


@pytest.mark.parametrize("of", [overlay, objects], ids=["overlay", "kubeflow"])
@each
def test_the_launcher_s_settings_are_whole(name: str, of: Any) -> None:
    data = one(of(name), "ConfigMap", "kfp-launcher")["data"]
    assert set(data) == {"defaultPipelineRoot", "providers"}
    providers = yaml.safe_load(data["providers"])
    assert list(providers) == ["s3"]
    assert list(providers["s3"]) == ["default"]
    found = providers["s3"]["default"]
    assert {key: type(value) for key, value in found.items()} == PROVIDER
    assert found["credentials"]["fromEnv"] is False
    assert set(found["credentials"]["secretRef"]) == SECRET_REF


@each
def test_the_launcher_may_read_the_key_that_it_is_told_and_the_key_is_made(name: str) -> None:
    launcher = one(objects(name), "ConfigMap", "kfp-launcher")["data"]
    reference = yaml.safe_load(launcher["providers"])["s3"]["default"]["credentials"]["secretRef"]
    (rule,) = [
        rule
        for rule in one(objects(name), "Role", "ocr-kfp-step")["rules"]
        if "secrets" in rule["resources"]
    ]
    assert rule["resourceNames"] == [reference["secretName"]] == [secret_name("kfp")]
    made = {
        item["metadata"]["name"]: item["stringData"]
        for item in in_namespaces(new_secrets("minio", "ocr"), "x", ["kubeflow"])
        if item["metadata"]["namespace"] == "kubeflow"
    }
    keys = {reference["accessKeyKey"], reference["secretKeyKey"]}
    assert keys == set(made[reference["secretName"]])


@each
def test_it_leads_to_the_store_of_the_overlay(name: str) -> None:
    settings = one(objects(name), "ConfigMap", STORE_CONFIG_MAP)["data"]
    inside = one(overlay(name), "ConfigMap", STORE_CONFIG_MAP)["data"]
    assert set(settings) == set(STORE_CONFIG_KEYS)
    launcher = one(objects(name), "ConfigMap", "kfp-launcher")["data"]
    s3 = yaml.safe_load(launcher["providers"])["s3"]["default"]
    assert launcher["defaultPipelineRoot"] == f"s3://{settings['bucket']}/kfp"
    plain = {"https://seaweedfs.ocr-dev:8334": "http://seaweedfs.ocr-dev:8333"}  # it knows no CA
    endpoint = plain.get(settings["endpoint"], settings["endpoint"])
    assert (s3["endpoint"], s3["region"]) == (endpoint, settings["region"])
    assert s3["disableSSL"] is endpoint.startswith("http://")
    assert {**inside, "endpoint": ""} == {**settings, "endpoint": ""}
    short = re.sub(rf"\.{namespace_of(name)}(?=:)", "", settings["endpoint"])
    assert short == inside["endpoint"]


def test_documented_kinds_of_store_are_those_of_the_command() -> None:
    text = (MANIFESTS.parent / "docs" / "kubernetes.md").read_text("utf-8")
    assert set(re.findall(r"--kind (\w+)", text)) == set(KINDS)
