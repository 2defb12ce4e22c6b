import re
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from ocr_lib.serving import hidden_arguments
from ocr_lib.serving.triton_access import RESTRICTIONS
from ocr_lib.storage.access_policy import ACCESS, secret_name
from ocr_lib.storage.pod_env import (
    STORE_CONFIG_KEYS,
    STORE_CONFIG_MAP,
    TRITON_CONFIG_KEYS,
    TRITON_CONFIG_MAP,
)
from ocr_lib.storage.secrets import TRITON_SECRET, new_secrets
from pipelines import placement
from pipelines.train_and_deploy import build_pipeline
from tests.manifests.overlays import (
    OVERLAYS,
    VERSION,
    Tree,
    amount_of,
    certificates,
    containers,
    one,
    overlay,
    pods,
)
from tests.manifests.pod_security import violations

KUBERNETES = ("1.31", "1.34")
DIGEST = re.compile(r"@sha256:[0-9a-f]{64}$")
# Overlay → the placement that its documentation compiles the package with.
PLACEMENT_OF: dict[str, placement.PlacementName] = {
    "dev": "one-node",
    "dev-minio": "one-node",
    "dev-tls": "one-node",
    "prod": "pools",
}

pytestmark = pytest.mark.parametrize("name", OVERLAYS)


@pytest.mark.parametrize("version", KUBERNETES)
def test_every_object_is_what_kubernetes_knows(name: str, version: str) -> None:
    for item in overlay(name):
        kubernetes_validate.validate(item, version, strict=True)


def test_everything_is_in_the_overlay_s_namespace(name: str) -> None:
    objects = overlay(name)
    (space,) = [item for item in objects if item["kind"] == "Namespace"]
    assert space["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    for item in objects:
        if item["kind"] != "Namespace":
            assert item["metadata"]["namespace"] == space["metadata"]["name"]


def test_every_pod_is_restricted_with_a_read_only_root_and_limits(name: str) -> None:
    for owner, pod in pods(overlay(name)):
        assert not violations(pod["spec"]), owner
        for container in containers(pod):
            where = f"{owner}, {container['name']}"
            assert container["securityContext"]["readOnlyRootFilesystem"] is True, where
            assert container["resources"]["limits"]["memory"], where
            assert set(container["resources"]["requests"]) >= {"cpu", "memory"}, where


def test_images_have_this_version_or_a_digest(name: str) -> None:
    for owner, pod in pods(overlay(name)):
        for container in containers(pod):
            image = container["image"]
            own = image.startswith("ocr-pipelines/")
            tag = image.rpartition(":")[2] if ":" in image else ""
            assert DIGEST.search(image) or (tag == VERSION if own else tag not in ("", "latest")), (
                f"{owner}: {image}"
            )
            assert container.get("imagePullPolicy", "IfNotPresent") != "Always"


def test_no_secret_is_in_the_manifests(name: str) -> None:
    for secret in (item for item in overlay(name) if item["kind"] == "Secret"):
        assert secret["type"] == "kubernetes.io/service-account-token"  # Kubernetes fills it in
        assert not {"data", "stringData"} & set(secret)
    settings = one(overlay(name), "ConfigMap", TRITON_CONFIG_MAP)["data"]
    assert all(not settings[key] or Path(settings[key]).is_absolute() for key in ("cert", "key"))
    for owner, pod in pods(overlay(name)):
        for container in containers(pod):
            for variable in container.get("env", ()):
                if variable["name"] in TRITON_CONFIG_KEYS.values():
                    continue  # the path of a key
                if re.search(r"KEY|PASSWORD|TOKEN|SECRET|ROOT_USER", variable["name"]):
                    assert "secretKeyRef" in variable["valueFrom"], f"{owner}: {variable['name']}"


def test_every_secret_that_is_named_is_made_by_the_documented_command(name: str) -> None:
    kind = {"dev": "seaweedfs", "dev-minio": "minio", "dev-tls": "seaweedfs", "prod": "external"}[
        name
    ]
    made = {item["metadata"]["name"]: set(item["stringData"]) for item in new_secrets(kind, "ocr")}
    if kind == "external":  # its keys come with the external store
        made |= {secret_name(stage): {"accesskey", "secretkey"} for stage in ACCESS}
    if name == "dev-tls":
        made |= {i["metadata"]["name"]: set(i["stringData"]) for i in certificates("ocr-dev")[:-1]}
    for secret, key in secret_references(overlay(name)):
        assert key is None or key in made[secret]
        assert secret in made


def test_only_pods_that_ask_kubernetes_have_a_token(name: str) -> None:
    objects = overlay(name)
    bound = {
        subject["name"]
        for item in objects
        if item["kind"] == "RoleBinding"
        for subject in item["subjects"]
    }
    for owner, pod in pods(objects):
        account = pod["spec"]["serviceAccountName"]
        assert one(objects, "ServiceAccount", account)
        if account not in bound:
            assert pod["spec"]["automountServiceAccountToken"] is False, owner


def test_triton_runs_on_the_pool_of_the_placement_table(name: str) -> None:
    pod = one(overlay(name), "Deployment", "triton")["spec"]["template"]["spec"]
    pool = {step.pool for step in placement.STEPS.values()} & {"gpu-serve"}
    assert pool
    selector = pod.get("nodeSelector", {placement.POOL_LABEL: "gpu-serve"})
    assert selector == {placement.POOL_LABEL: "gpu-serve"}
    (toleration,) = pod["tolerations"]
    assert toleration["key"] == placement.POOL_LABEL
    assert toleration["value"] == "gpu-serve"


def test_steps_find_the_store_under_the_names_that_the_package_has(name: str) -> None:
    settings = one(overlay(name), "ConfigMap", STORE_CONFIG_MAP)["data"]
    assert set(settings) == set(STORE_CONFIG_KEYS)
    launcher = one(overlay(name), "ConfigMap", "kfp-launcher")["data"]
    s3 = yaml.safe_load(launcher["providers"])["s3"]["default"]
    if name == "dev-tls":  # Kubeflow's launcher trusts the system's certificates alone
        assert (settings["endpoint"], s3["endpoint"]) == (
            "https://seaweedfs:8334",
            "http://seaweedfs:8333",
        )
    else:
        assert s3["endpoint"] == settings["endpoint"]
    assert s3["region"] == settings["region"]
    assert s3["disableSSL"] is s3["endpoint"].startswith("http://")
    assert launcher["defaultPipelineRoot"] == f"s3://{settings['bucket']}/kfp"
    assert s3["credentials"]["secretRef"]["secretName"] == secret_name("kfp")


def test_servers_that_others_reach_ask_for_the_management_key(name: str) -> None:
    pod = one(overlay(name), "Deployment", "triton")["spec"]["template"]
    triton, keeper = (
        next(item for item in containers(pod) if item["name"] == which)
        for which in ("triton", "keeper")
    )
    assert {*RESTRICTIONS} <= {*triton["args"]}
    assert triton["command"][2].endswith(hidden_arguments.__name__.replace(".", "/") + ".py")
    for container in (triton, keeper):  # no container starts without the Secret
        (key,) = [v for v in container["env"] if v["name"] == "OCR_TRITON_ADMIN_KEY"]
        assert key["valueFrom"] == {"secretKeyRef": {"name": TRITON_SECRET, "key": "key"}}
    assert "--address=0.0.0.0" in keeper["command"]  # probes come from outside the pod


def test_a_server_that_changes_leaves_the_others_serving(name: str) -> None:
    objects = overlay(name)
    triton = one(objects, "Deployment", "triton")
    labels = triton["spec"]["template"]["metadata"]["labels"]
    assert triton["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
    for kind, item in (
        ("PodDisruptionBudget", "triton"),
        ("Service", "triton"),
        ("Service", "triton-each"),
    ):
        selector = one(objects, kind, item)["spec"]["selector"]
        assert selector.get("matchLabels", selector).items() <= labels.items()
    each = one(objects, "Service", "triton-each")["spec"]
    assert each["clusterIP"] == "None"
    assert each["publishNotReadyAddresses"] is True
    (default,) = build_pipeline().component_spec.inputs["triton_urls"].default
    assert default == f"triton-each:{each['ports'][0]['port']}"


def test_the_quota_has_room_for_the_largest_step_beside_the_servers(name: str) -> None:
    objects = overlay(name)
    quota = one(objects, "ResourceQuota", "ocr")["spec"]["hard"]
    running = dict.fromkeys(("requests.cpu", "requests.memory", "limits.memory"), 0.0)
    for kind in ("Deployment", "StatefulSet"):
        for item in (item for item in objects if item["kind"] == kind):
            for container in containers(item["spec"]["template"]):
                for key in running:
                    part, resource = key.split(".")
                    amount = amount_of(container["resources"][part][resource])
                    running[key] += item["spec"].get("replicas", 1) * amount
    for step in placement.STEPS.values():
        own = step.resources(PLACEMENT_OF[name])
        asked = {"requests.cpu": own.cpu, "requests.memory": own.memory}
        for key, value in {**asked, "limits.memory": own.memory_limit}.items():
            assert running[key] + amount_of(value) <= amount_of(quota[key]), (step, key)


def secret_references(objects: tuple[Tree, ...]) -> set[tuple[str, str | None]]:
    found: set[tuple[str, str | None]] = set()

    def look(value: Any) -> None:
        if isinstance(value, dict):
            for key, inner in value.items():
                if key == "secretKeyRef":
                    found.add((inner["name"], inner["key"]))
                elif key == "secretName" and isinstance(inner, str):
                    found.add((inner, None))
                elif key == "secret" and "items" in inner:
                    found.update((inner["name"], item["key"]) for item in inner["items"])
                look(inner)
        elif isinstance(value, list):
            for inner in value:
                look(inner)

    look(list(objects))
    return found
