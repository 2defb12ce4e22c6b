"""SeaweedFS over TLS: who shows which certificate, and who trusts it."""

import subprocess
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from ocr_lib.storage.pod_env import CA_CONFIG_MAP, CA_FOLDER, STORE_CONFIG_MAP
from tests.manifests.overlays import MANIFESTS, Tree, build, containers, one, pods
from tests.manifests.pod_security import violations

COMPONENT = MANIFESTS / "components" / "store-seaweedfs-tls"
SCRIPT = COMPONENT / "make-certificates.sh"
PORT = 8334
CA_FILE = f"{CA_FOLDER}/ca.crt"
SYSTEM_CA = "/etc/ssl/certs/ca-certificates.crt"


@pytest.fixture(scope="module")
def objects(tmp_path_factory: pytest.TempPathFactory) -> tuple[Tree, ...]:
    """Returns the dev overlay with this component in place of the store's."""
    folder = tmp_path_factory.mktemp("manifests")
    for name in ("base", "components", "steps"):
        (folder / name).symlink_to(MANIFESTS / name)
    overlay = folder / "overlays" / "tls"
    overlay.mkdir(parents=True)
    text = (MANIFESTS / "overlays/dev/kustomization.yaml").read_text("utf-8")
    (overlay / "kustomization.yaml").write_text(
        text.replace("store-seaweedfs", "store-seaweedfs-tls").replace("  - namespace.yaml\n", "")
    )
    return build(overlay)


@pytest.fixture(scope="module")
def made() -> tuple[Tree, ...]:
    command = ["sh", str(SCRIPT), "ocr-dev", "kubeflow"]
    run = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return tuple(yaml.safe_load_all(run.stdout))


def test_every_object_is_what_kubernetes_knows(objects: tuple[Tree, ...]) -> None:
    for item in objects:
        kubernetes_validate.validate(item, "1.34", strict=True)
    for owner, pod in pods(objects):
        assert not violations(pod["spec"]), owner


def test_the_store_serves_tls_where_its_clients_are_led_to(objects: tuple[Tree, ...]) -> None:
    settings = one(objects, "ConfigMap", STORE_CONFIG_MAP)["data"]
    assert settings["endpoint"] == f"https://seaweedfs:{PORT}"
    assert settings["ca"] == CA_FILE
    (port,) = (
        p for p in one(objects, "Service", "seaweedfs")["spec"]["ports"] if p["port"] == PORT
    )
    (store,) = containers(one(objects, "StatefulSet", "seaweedfs")["spec"]["template"])
    assert {"name": port["targetPort"], "containerPort": PORT} in store["ports"]
    assert f"-s3.port.https={PORT}" in store["args"]
    (mount,) = (m for m in store["volumeMounts"] if m["name"] == "tls")
    for option, file in (("cert", "tls.crt"), ("key", "tls.key")):
        assert f"-s3.{option}.file={mount['mountPath']}/{file}" in store["args"]


def test_every_client_trusts_the_authority(objects: tuple[Tree, ...]) -> None:
    """Who has the store's address has its authority as well."""
    checked = set()
    for owner, pod in pods(objects):
        volumes = {v["name"]: v.get("configMap", {}).get("name") for v in pod["spec"]["volumes"]}
        for container in containers(pod):
            names = {variable["name"] for variable in container.get("env", ())}
            if "OCR_S3_ENDPOINT" not in names:
                continue
            mounts = [m for m in container["volumeMounts"] if volumes[m["name"]] == CA_CONFIG_MAP]
            (mount,) = mounts
            checked.add(container["name"])
            if container["name"] == "triton":  # its library reads the system's file only
                assert (mount["mountPath"], mount["subPath"]) == (SYSTEM_CA, "ca.crt")
            else:
                assert mount["mountPath"] == CA_FOLDER, owner
                assert "OCR_CA_FILE" in names, owner
    assert checked == {"triton", "keeper", "rollback", "gc", "setup"}


def test_the_port_is_open_to_those_who_had_the_other_one(objects: tuple[Tree, ...]) -> None:
    def ports(rules: list[Tree]) -> set[int]:
        return {port["port"] for rule in rules for port in rule.get("ports", ())}

    for policy in (item for item in objects if item["kind"] == "NetworkPolicy"):
        for direction in ("ingress", "egress"):
            open_ports = ports(policy["spec"].get(direction, []))
            assert (8333 in open_ports) == (PORT in open_ports), policy["metadata"]["name"]


def test_the_script_makes_what_the_pods_mount(made: tuple[Tree, ...]) -> None:
    named = [(i["kind"], i["metadata"]["name"], i["metadata"]["namespace"]) for i in made]
    assert named == [
        ("Secret", "ocr-store-tls", "ocr-dev"),
        ("ConfigMap", CA_CONFIG_MAP, "ocr-dev"),
        ("ConfigMap", CA_CONFIG_MAP, "kubeflow"),
    ]
    for item in made:
        kubernetes_validate.validate(item, "1.34", strict=True)
    assert made[1]["data"] == made[2]["data"]
    assert "PRIVATE" not in made[1]["data"]["ca.crt"]


@pytest.mark.parametrize(
    ("host", "trusted"),
    [("seaweedfs", True), ("seaweedfs.ocr-dev", True), ("seaweedfs.other", False)],
)
def test_the_certificate_is_of_the_store_alone(
    made: tuple[Tree, ...], tmp_path: Path, host: str, trusted: bool
) -> None:
    data: dict[str, Any] = {**made[0]["stringData"], **made[1]["data"]}
    for name, content in data.items():
        (tmp_path / name).write_text(content)
    command = ["openssl", "verify", "-CAfile", "ca.crt", "-purpose", "sslserver", "-x509_strict"]
    run = subprocess.run(
        [*command, "-verify_hostname", host, "tls.crt"],
        cwd=tmp_path,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert (run.returncode == 0) is trusted


def test_without_a_namespace_the_script_says_what_it_takes() -> None:
    run = subprocess.run(["sh", str(SCRIPT)], capture_output=True, timeout=60, check=False)
    assert run.returncode == 2
    assert b"NAMESPACE" in run.stderr
