"""Kubernetes Secrets with new keys, of the object store and of Triton; no file is written."""

import json
import secrets
from collections.abc import Sequence
from typing import Any

from ocr_lib.storage.access_policy import ACCESS, seaweedfs_config, secret_name

TRITON_SECRET = "ocr-triton-admin"  # noqa: S105 - the name of the secret: of Triton's management
IDENTITIES_SECRET = "seaweedfs-identities"  # noqa: S105 - the name of the secret
KINDS = ("seaweedfs", "minio", "external")

# Whose pods Kubeflow starts; the rest belongs to the servers, their clients and the store itself.
STEP_STAGES = tuple(stage for stage in ACCESS if stage not in ("serve", "feedback", "gc"))
STEP_SECRETS = (*map(secret_name, STEP_STAGES), TRITON_SECRET)

Tree = dict[str, Any]


def new_secrets(kind: str, bucket: str) -> list[Tree]:
    """Returns the Secrets that the manifests name, with fresh random keys.

    Args:
        kind: which store: one of `KINDS`. An external one has given out its keys already, so only
            Triton's is made.
        bucket: the bucket that the keys are for.
    """
    triton = _secret(TRITON_SECRET, {"key": secrets.token_hex(24)})
    if kind == "external":
        return [triton]
    keys = {stage: _key_pair(stage) for stage in (*ACCESS, "admin")}
    created = [
        _secret(secret_name(stage), {"accesskey": pair[0], "secretkey": pair[1]})
        for stage, pair in keys.items()
    ]
    if kind == "seaweedfs":
        config = json.dumps(seaweedfs_config(bucket, keys))
        created.append(_secret(IDENTITIES_SECRET, {"s3.json": config}))
    return [*created, triton]


def in_namespaces(items: Sequence[Tree], installation: str, steps: Sequence[str]) -> list[Tree]:
    """Returns the Secrets in the namespaces that need them: the same keys everywhere.

    Args:
        items: as `new_secrets` returns them.
        installation: namespace of the servers and the store, which gets all of them.
        steps: namespaces in which Kubeflow runs the steps; they get the steps' alone.
    """
    placed = [_placed(item, installation) for item in items]
    for namespace in steps:
        placed += [
            _placed(item, namespace) for item in items if item["metadata"]["name"] in STEP_SECRETS
        ]
    return placed


def _placed(item: Tree, namespace: str) -> Tree:
    return {**item, "metadata": {**item["metadata"], "namespace": namespace}}


def _key_pair(stage: str) -> tuple[str, str]:
    return f"ocr-{stage}-{secrets.token_hex(4)}", secrets.token_hex(20)


def _secret(name: str, data: dict[str, str]) -> Tree:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "labels": {"app.kubernetes.io/part-of": "ocr-pipelines"}},
        "type": "Opaque",
        "stringData": data,
    }
