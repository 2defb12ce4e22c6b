"""SeaweedFS over TLS: who shows which certificate, and who trusts it; how certificates are made."""

import subprocess
from pathlib import Path

import kubernetes_validate
import pytest

from ocr_lib.storage.pod_env import (
    CA_CONFIG_MAP,
    CA_FOLDER,
    STORE_CONFIG_MAP,
    TRITON_CLIENT_SECRET,
)
from tests.manifests.overlays import (
    MANIFESTS,
    Tree,
    certificates,
    containers,
    one,
    overlay,
    pods,
)
from tests.manifests.pod_security import violations

SCRIPT = MANIFESTS / "make-certificates.sh"
PORT = 8334
CA_FILE = f"{CA_FOLDER}/ca.crt"
SYSTEM_CA = "/etc/ssl/certs/ca-certificates.crt"


@pytest.fixture(scope="module")
def objects() -> tuple[Tree, ...]:
    return overlay("dev-tls")


@pytest.fixture(scope="module")
def made() -> tuple[Tree, ...]:
    return certificates("ocr-dev", "kubeflow")


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
    named = {(i["kind"], i["metadata"]["name"], i["metadata"]["namespace"]): i for i in made}
    assert [*named] == [
        ("Secret", "ocr-store-tls", "ocr-dev"),
        ("Secret", "ocr-triton-tls", "ocr-dev"),
        ("Secret", TRITON_CLIENT_SECRET, "ocr-dev"),
        ("ConfigMap", CA_CONFIG_MAP, "ocr-dev"),
        ("Secret", TRITON_CLIENT_SECRET, "kubeflow"),
        ("ConfigMap", CA_CONFIG_MAP, "kubeflow"),
    ]
    for item in made:
        kubernetes_validate.validate(item, "1.34", strict=True)
    authorities = {i.get("data", i.get("stringData"))["ca.crt"] for i in made}
    assert len(authorities) == 1
    assert "PRIVATE" not in authorities.pop()
    keys = [item["stringData"]["tls.key"] for item in made if item["kind"] == "Secret"]
    assert len(set(keys)) == 3  # the client's is the same in both namespaces


@pytest.mark.parametrize(
    ("secret", "purpose", "host", "trusted"),
    [
        ("ocr-store-tls", "sslserver", "seaweedfs", True),
        ("ocr-store-tls", "sslserver", "seaweedfs.ocr-dev", True),
        ("ocr-store-tls", "sslserver", "seaweedfs.other", False),
        ("ocr-store-tls", "sslserver", "triton", False),
        ("ocr-store-tls", "sslclient", "seaweedfs", False),
        ("ocr-triton-tls", "sslserver", "triton", True),
        ("ocr-triton-tls", "sslserver", "triton.ocr-dev.svc", True),
        ("ocr-triton-tls", "sslserver", "triton-each.ocr-dev", True),
        ("ocr-triton-tls", "sslserver", "localhost", True),
        ("ocr-triton-tls", "sslserver", "seaweedfs", False),
        (TRITON_CLIENT_SECRET, "sslclient", "ocr-triton-client", True),
        (TRITON_CLIENT_SECRET, "sslserver", "ocr-triton-client", False),
    ],
)
def test_a_certificate_is_good_for_its_own_use_alone(
    made: tuple[Tree, ...], tmp_path: Path, secret: str, purpose: str, host: str, trusted: bool
) -> None:
    for name, content in one(made[:3], "Secret", secret)["stringData"].items():
        (tmp_path / name).write_text(content)
    command = ["openssl", "verify", "-CAfile", "ca.crt", "-purpose", purpose, "-x509_strict"]
    run = subprocess.run(
        [*command, "-verify_hostname", host, "tls.crt"],
        cwd=tmp_path,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert (run.returncode == 0) is trusted


@pytest.mark.parametrize("arguments", [["Ocr"], ["ocr-dev", "a,DNS:b"], [""], ["x" * 64]])
def test_names_that_are_none_of_a_namespace_are_refused(arguments: list[str]) -> None:
    command = ["sh", str(SCRIPT), *arguments]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr == f"'{arguments[-1]}' is no name of a namespace. Check the arguments.\n"


def test_the_longest_name_of_a_namespace_is_taken() -> None:
    assert len(certificates("x" * 63)) == 4


def test_without_a_namespace_the_script_says_what_it_takes() -> None:
    run = subprocess.run(["sh", str(SCRIPT)], capture_output=True, timeout=60, check=False)
    assert run.returncode == 2
    assert b"NAMESPACE" in run.stderr
