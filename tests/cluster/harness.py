"""A namespace of its own on the cluster that KUBECONFIG names, with an object store and data.

The object store is the cluster's Service `ocr/minio` with its Secret; the pods reach it through a
Service of this namespace, so that it can be taken away from them alone.
"""

import base64
import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from ocr_lib.storage.access_policy import secret_name
from ocr_lib.storage.pod_env import STORE_CONFIG_MAP

Tree = dict[str, Any]
IMAGE = os.environ.get("OCR_CLUSTER_IMAGE", "ocr-pipelines/train:0.2.0")
# For work on the sources: folders of the node for PYTHONPATH, in place of those in the image. Such
# pods are not "restricted".
CODE = os.environ.get("OCR_CLUSTER_CODE", "")
RESOURCES = {"requests": {"cpu": "100m", "memory": "400Mi"}, "limits": {"memory": "1500Mi"}}


@dataclass
class Namespace:
    """One namespace and how to reach it.

    Attributes:
        name: of the namespace.
        kubeconfig: a copy of the user's whose present context is in it.
        store: the object store's address, name and keys, as pods and as this machine need them.
    """

    name: str
    kubeconfig: Path
    store: dict[str, str] = field(default_factory=dict)

    def kubectl(self, *arguments: str, content: Tree | None = None) -> str:
        """Runs kubectl in the namespace; returns what it printed."""
        run = subprocess.run(
            ["kubectl", "--kubeconfig", str(self.kubeconfig), *arguments],
            input=json.dumps(content) if content else None,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert run.returncode == 0, f"kubectl {' '.join(arguments)}: {run.stderr}"
        return run.stdout

    def apply(self, content: Tree) -> None:
        """Creates or changes an object."""
        self.kubectl("apply", "-f", "-", content=content)

    def get(self, *arguments: str) -> Tree:
        """Returns objects as dictionaries."""
        found: Tree = json.loads(self.kubectl("get", *arguments, "-o", "json"))
        return found

    def pods(self, selector: str) -> list[Tree]:
        """Returns the pods with those labels."""
        items: list[Tree] = self.get("pods", "-l", selector)["items"]
        return items


def secret_of_store(kubectl: Callable[..., str]) -> dict[str, str]:
    """Returns the keys of the cluster's object store."""
    data = json.loads(kubectl("-n", "ocr", "get", "secret", "minio", "-o", "json"))["data"]
    return {name: base64.b64decode(value).decode() for name, value in data.items()}


def endpoint_of_store(kubectl: Callable[..., str]) -> tuple[str, int]:
    """Returns address and port behind the Service `ocr/minio`."""
    label = "kubernetes.io/service-name=minio"
    found = json.loads(kubectl("-n", "ocr", "get", "endpointslices", "-l", label, "-o", "json"))
    (item,) = found["items"]
    return item["endpoints"][0]["addresses"][0], item["ports"][0]["port"]


def need_cluster() -> None:
    """Skips the test where KUBECONFIG names no cluster with the training operator."""
    if not os.environ.get("KUBECONFIG") or not shutil.which("kubectl"):
        pytest.skip("no cluster: set KUBECONFIG, and put kubectl on the PATH")
    crd = ["kubectl", "get", "crd", "paddlejobs.kubeflow.org"]
    if subprocess.run(crd, capture_output=True, timeout=60, check=False).returncode:
        pytest.skip("no training operator on the cluster that KUBECONFIG names")


@contextmanager
def namespace(folder: Path, name: str) -> Iterator[Namespace]:
    """Makes a namespace, and removes it with all that is in it."""
    kubeconfig = folder / "kubeconfig"
    kubeconfig.write_bytes(Path(os.environ["KUBECONFIG"]).read_bytes())
    kubeconfig.chmod(0o600)
    space = Namespace(name, kubeconfig)
    level = "privileged" if CODE else "restricted"
    labels = {"pod-security.kubernetes.io/enforce": level, "ocr-test": "true"}
    space.apply(
        {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": name, "labels": labels},
        }
    )
    space.kubectl("config", "set-context", "--current", f"--namespace={name}")
    try:
        _add_store(space)
        yield space
    finally:
        space.kubectl("delete", "namespace", name, "--wait=false")


def _add_store(space: Namespace) -> None:
    keys = secret_of_store(space.kubectl)
    address, port = endpoint_of_store(space.kubectl)
    host = os.environ.get("OCR_CLUSTER_S3", f"http://{address}:{port}")
    space.store = {
        "OCR_S3_ENDPOINT": host,
        "OCR_S3_BUCKET": space.name,
        "AWS_ACCESS_KEY_ID": keys["accesskey"],
        "AWS_SECRET_ACCESS_KEY": keys["secretkey"],
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    secret, settings_map = {"name": secret_name("train")}, {"name": STORE_CONFIG_MAP}
    data = {"accesskey": keys["accesskey"], "secretkey": keys["secretkey"]}
    space.apply({"apiVersion": "v1", "kind": "Secret", "metadata": secret, "stringData": data})
    settings = {
        "endpoint": f"http://store.{space.name}:{port}",
        "bucket": space.name,
        "region": "us-east-1",
        "ca": "",
    }
    space.apply(
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": settings_map, "data": settings}
    )
    ports = [{"port": port, "protocol": "TCP", "name": "s3"}]
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "store"}}
    space.apply({**service, "spec": {"ports": [{**ports[0], "targetPort": port}]}})
    point_store(space, address, port)


def point_store(space: Namespace, address: str, port: int) -> None:
    """Leads the Service that the pods use to an address."""
    label = {"kubernetes.io/service-name": "store"}
    space.apply(
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {"name": "store", "labels": label},
            "addressType": "IPv4",
            "ports": [{"name": "s3", "port": port, "protocol": "TCP"}],
            "endpoints": [{"addresses": [address]}],
        }
    )


def until(found: Callable[[], Any], seconds: float, what: str) -> Any:
    """Waits for a value that is true, and returns it."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        if value := found():
            return value
        time.sleep(0.5)
    raise AssertionError(f"not within {seconds} s: {what}")


def code_mount() -> tuple[list[Tree], list[Tree], list[Tree]]:
    """Returns volumes, mounts and environment that put this machine's sources into a pod."""
    if not CODE:
        return [], [], []
    python = ":".join(f"/host{path}" for path in CODE.split(":"))
    return (
        [{"name": "host", "hostPath": {"path": "/"}}],
        [{"name": "host", "mountPath": "/host", "readOnly": True}],
        [{"name": "PYTHONPATH", "value": python}],
    )
