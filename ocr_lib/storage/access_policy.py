"""Who may touch what in the object store: one key for each kind of step, none for everything.

A trainer can change neither what serves nor the data it learnt from; a server can change nothing
but its lease. Prefixes are those that the steps use; `*` stands for one name.
"""

import json
from dataclasses import dataclass
from typing import Any

READ = ("s3:GetObject",)
CREATE = ("s3:PutObject",)
WRITE = (
    "s3:PutObject",
    "s3:DeleteObject",
    "s3:AbortMultipartUpload",
    "s3:ListMultipartUploadParts",
)
DELETE = ("s3:DeleteObject", "s3:AbortMultipartUpload")
# Names are no secret, and without ListBucket a store answers "forbidden" for what is not there.
LIST = ("s3:ListBucket", "s3:GetBucketLocation", "s3:ListBucketMultipartUploads")


@dataclass(frozen=True, slots=True)
class AccessPolicy:
    """Prefixes that a key opens.

    Attributes:
        read: what it reads, besides all that it writes.
        write: what it writes, replaces and deletes.
        create: what it creates and reads, and never deletes.
        delete: what it deletes, and does not read.
    """

    read: tuple[str, ...]
    write: tuple[str, ...]
    create: tuple[str, ...] = ()
    delete: tuple[str, ...] = ()


ACCESS = {
    # plan (which compares with production and pins weights, also those of former runs),
    # gen-label, pack-lmdb, preflight
    "data": AccessPolicy(
        read=("sources/", "configs/", "pretrained/", "registry/", "runs/"),
        write=("datasets/",),
        create=("specs/",),
    ),
    # train, its workers, the exit handler, the reaper
    "train": AccessPolicy(
        read=("datasets/", "specs/", "pretrained/", "sources/"), write=("runs/",)
    ),
    # predict, evaluate; neither a decision nor the champion of a run is ever deleted
    "evaluate": AccessPolicy(
        read=("datasets/", "specs/", "registry/", "runs/"),
        write=("predictions/", "evaluations/*/report/"),
        create=("decisions/", "evaluations/*/champion.json", "evaluations/*/inputs.json"),
    ),
    # the tensors of a failed certificate stay with the run
    "export": AccessPolicy(
        read=("datasets/", "specs/", "runs/", "evaluations/"),
        write=("registry/*/bundles/", "runs/*/parity/"),
    ),
    "deploy": AccessPolicy(
        read=("datasets/", "specs/", "feedback/"), write=("registry/", "triton/", "leases/")
    ),
    # Triton and its reconciler
    "serve": AccessPolicy(read=("registry/", "triton/"), write=("leases/",)),
    # clients that keep doubtful lines, and people who correct them
    "feedback": AccessPolicy(read=(), write=("feedback/",)),
    # Garbage collection: reads what names other objects, and marks a version as pruned. Neither
    # sources, decisions, production nor the configurations of servers are its to delete.
    "gc": AccessPolicy(
        read=("specs/", "evaluations/", "registry/", "datasets/*/lmdb/tree-manifest.json"),
        write=("leases/",),
        create=("registry/*/versions/",),
        delete=(
            *("datasets/", "runs/", "predictions/", "evaluations/", "specs/", "feedback/"),
            *("registry/*/bundles/", "registry/*/golden/", "triton/*/*/"),
        ),
    ),
    # Kubeflow's launcher: reports, metrics, logs
    "kfp": AccessPolicy(read=(), write=("kfp/",)),
}


def secret_name(stage: str) -> str:
    """Returns the name of the Kubernetes Secret with a stage's key."""
    return f"ocr-store-{stage}"


def policy(stage: str, bucket: str) -> dict[str, Any]:
    """Returns a stage's rights as a policy document, as AWS, MinIO and SeaweedFS read it."""
    access = ACCESS[stage]
    statements = [_statement(LIST, [f"arn:aws:s3:::{bucket}"])]
    for actions, prefixes in (
        (READ, (*access.read, *access.write, *access.create)),
        (WRITE, access.write),
        (CREATE, access.create),
        (DELETE, access.delete),
    ):
        if prefixes:
            objects = [f"arn:aws:s3:::{bucket}/{prefix}*" for prefix in prefixes]
            statements.append(_statement(actions, objects))
    return {"Version": "2012-10-17", "Statement": statements}


def seaweedfs_config(bucket: str, keys: dict[str, tuple[str, str]]) -> dict[str, Any]:
    """Returns SeaweedFS' `s3.json`: the same policies, each with its stage's key.

    Args:
        bucket: what the policies are about.
        keys: stage → access key and secret key; `admin` may do everything.
    """
    identities = []
    for stage, (access_key, secret_key) in keys.items():
        name = f"ocr-{stage}"
        rights = {"actions": ["Admin"]} if stage == "admin" else {"policyNames": [name]}
        pair = {"accessKey": access_key, "secretKey": secret_key}
        identities.append({"name": name, "credentials": [pair], **rights})
    policies = [
        {"name": f"ocr-{stage}", "content": json.dumps(policy(stage, bucket))} for stage in ACCESS
    ]
    return {"identities": identities, "policies": policies}


def _statement(actions: tuple[str, ...], resources: list[str]) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": list(actions), "Resource": resources}
