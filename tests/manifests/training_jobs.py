"""Training jobs that the admission policy lets through, and those that it refuses."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

from ocr_lib.jobs.paddlejob import build_paddlejob
from tests.ocr_lib.jobs.specs import full, plain

Tree = dict[str, Any]
IMAGE = "ocr-pipelines/train:0.2.0"
ELSEWHERE = "registry.example/other/train@sha256:" + "0" * 64
TOKEN = {"serviceAccountToken": {"path": "token"}}
KEY_OF_DEPLOY = {"name": "ocr-store-deploy", "key": "secretkey"}


def paddlejob() -> Tree:
    """Returns a training job as the train step sends it."""
    return build_paddlejob(replace(plain(), image=IMAGE))


def full_paddlejob() -> Tree:
    """Returns one in which everything is set that a run may set."""
    spec = full()
    options = replace(spec.options, service_account="")
    return build_paddlejob(replace(spec, image=IMAGE, options=options))


def template_of(job: Tree) -> Tree:
    """Returns the template of a job's pods."""
    template: Tree = job["spec"]["paddleReplicaSpecs"]["Worker"]["template"]
    return template


def pod_of(job: Tree) -> Tree:
    """Returns a pod as the operator makes it of a job."""
    template = deepcopy(template_of(job))
    metadata = {"name": "worker-0", **template["metadata"]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}


@dataclass(frozen=True)
class Refused:
    """A change of a template that must be refused.

    Attributes:
        change: changes the template in place.
        message: part of what the answer says.
    """

    change: Callable[[Tree], None]
    message: str


def _volume(**source: Any) -> Callable[[Tree], None]:
    return lambda template: template["spec"]["volumes"].append({"name": "more", **source})


def _container(**values: Any) -> Callable[[Tree], None]:
    return lambda template: template["spec"]["containers"][0].update(values)


def _pod(**values: Any) -> Callable[[Tree], None]:
    return lambda template: template["spec"].update(values)


def _without_label(template: Tree) -> None:
    del template["metadata"]["labels"]["app.kubernetes.io/managed-by"]


REFUSED = {
    "an image from elsewhere": Refused(_container(image=ELSEWHERE), "of none of the registries"),
    "an image whose path only begins alike": Refused(
        _container(image="ocr-pipelines-evil/train:1"), "of none of the registries"
    ),
    "an image from elsewhere in an init container": Refused(
        _pod(initContainers=[{"name": "first", "image": ELSEWHERE}]), "of none of the registries"
    ),
    "the key of deployments in the environment": Refused(
        _container(env=[{"name": "K", "valueFrom": {"secretKeyRef": KEY_OF_DEPLOY}}]),
        "no Secret but ocr-store-train",
    ),
    "all keys of a Secret in the environment": Refused(
        _container(envFrom=[{"secretRef": {"name": "ocr-store-admin"}}]),
        "no Secret but ocr-store-train",
    ),
    "another Secret as a volume": Refused(
        _volume(secret={"secretName": "ocr-launcher-token"}), "the Secret ocr-store-train,"
    ),
    "a Secret in a projected volume": Refused(
        _volume(projected={"sources": [{"secret": {"name": "ocr-store-admin"}}]}),
        "the Secret ocr-store-train,",
    ),
    "a token in a projected volume": Refused(
        _volume(projected={"sources": [TOKEN]}), "the Secret ocr-store-train,"
    ),
    "a folder of the node": Refused(_volume(hostPath={"path": "/"}), "the Secret ocr-store-train,"),
    "the volume of the object store": Refused(
        _volume(persistentVolumeClaim={"claimName": "data-seaweedfs-0"}), "variable volumeClaims"
    ),
    "another account": Refused(_pod(serviceAccountName="ocr-pipeline"), "as the account default"),
    "another account under its former name": Refused(
        _pod(serviceAccount="ocr-pipeline"), "as the account default"
    ),
    "a token of the account": Refused(
        _pod(automountServiceAccountToken=True), "automountServiceAccountToken false"
    ),
    "a token by default": Refused(
        lambda template: template["spec"].pop("automountServiceAccountToken"),
        "automountServiceAccountToken false",
    ),
    "the node's network": Refused(_pod(hostNetwork=True), "shares nothing with its node"),
    "the node's processes": Refused(_pod(hostPID=True), "shares nothing with its node"),
}
# Only of jobs: a pod without the label is none of this project's.
REFUSED_JOBS = {
    **REFUSED,
    "pods that the policy would not know": Refused(_without_label, "carry the label"),
}
