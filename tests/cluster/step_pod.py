"""The train step as a pod of its own, with an account that may do what the step needs, no more."""

import json
from pathlib import Path
from typing import Any

from ocr_lib.storage.pod_env import store_env
from tests.cluster import step_program
from tests.cluster.harness import IMAGE, Namespace, code_mount
from tests.manifests.overlays import one, overlay

Tree = dict[str, Any]
ACCOUNT = "step"


def add_account(space: Namespace) -> None:
    """Makes the step's service account with its Role."""
    subject = {"kind": "ServiceAccount", "name": ACCOUNT, "namespace": space.name}
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": ACCOUNT}
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": ACCOUNT},
        "subjects": [subject],
        "roleRef": reference,
    }
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": ACCOUNT}}
    role = {**one(overlay("dev"), "Role", "ocr-train"), "metadata": {"name": ACCOUNT}}
    for item in (account, role, binding):
        space.apply(item)


def start(space: Namespace, name: str, settings: Tree) -> None:
    """Starts the step's pod."""
    files = {
        "step_program.py": Path(step_program.__file__).read_text("utf-8"),
        "settings.json": json.dumps({**settings, "looks": ""}),
    }
    metadata = {"name": name}
    space.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": files})
    space.apply({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": _pod(name)})


def _pod(config_map: str) -> Tree:
    volumes, mounts, env = code_mount()
    container = {
        "name": "main",
        "image": IMAGE,
        "command": ["sh", "-ec", "python3 /step/step_program.py < /step/settings.json"],
        "env": [*store_env("train"), *env],
        "resources": {"requests": {"cpu": "50m", "memory": "100Mi"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [
            {"name": "step", "mountPath": "/step"},
            {"name": "tmp", "mountPath": "/tmp"},
            *mounts,
        ],
    }
    return {
        "serviceAccountName": ACCOUNT,
        "restartPolicy": "Never",
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 65532,
            "runAsGroup": 65532,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [container],
        "volumes": [
            {"name": "step", "configMap": {"name": config_map}},
            {"name": "tmp", "emptyDir": {}},
            *volumes,
        ],
    }
