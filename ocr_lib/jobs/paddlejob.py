"""The PaddleJob of a run: a pure function from what is wanted to the object that is sent.

Source: kubeflow.org/v1 PaddleJob of the training operator 1.8 and 1.9, workers only: that is
Paddle's collective mode. Its `elasticPolicy` is not used, since the operator never reads it.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ocr_lib.runspec.job_options import JobOptions
from ocr_lib.settings import variable_name

API_VERSION, KIND, PLURAL = "kubeflow.org/v1", "PaddleJob", "paddlejobs"
CONTAINER = "paddle"  # the operator's webhook wants this name
USER_ID = 65532  # of every image; numeric, so that Kubernetes can see that it is not root
WORK_DIR = "/work"

LABEL_RUN = "ocr/run"
ANNOTATION_DIGEST = "ocr/spec-digest"
ANNOTATION_ATTEMPT = "ocr/attempt"
ANNOTATION_RUN = "ocr/pipeline-run"  # set where a pipeline's step made the job
ENV_JOB, ENV_ATTEMPT = variable_name("train_job"), variable_name("attempt")
ENV_NODE, ENV_DEVICES = variable_name("node_index"), variable_name("devices")
MANAGED_BY = {"app.kubernetes.io/managed-by": "ocr-pipelines"}

NAME_PREFIX = "ocr-train-"
MAX_NAME = 51  # the operator appends `-worker-<number>` and names a Service so: 63 at most
MAX_LABEL = 63
Tree = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Pods:
    """What the user set on the pipeline's task, in Kubernetes' own notation.

    Attributes:
        resources: `{"limits": …, "requests": …}` of a worker; a limit with a `/` in its name
            (`nvidia.com/gpu`) is its number of devices.
        node_selector: labels of the nodes to run on.
        tolerations: taints to tolerate.
        affinity: as in a pod's specification.
        env: environment variables; secrets by reference.
        volumes: volumes beside those that every worker has.
        volume_mounts: where they are mounted.
    """

    resources: Tree = field(default_factory=dict)
    node_selector: Mapping[str, str] = field(default_factory=dict)
    tolerations: tuple[Tree, ...] = ()
    affinity: Tree = field(default_factory=dict)
    env: tuple[Tree, ...] = ()
    volumes: tuple[Tree, ...] = ()
    volume_mounts: tuple[Tree, ...] = ()

    @property
    def devices(self) -> int:
        """Devices of a worker; 1 without accelerators."""
        limits = self.resources.get("limits") or {}
        return max([1, *(int(count) for name, count in limits.items() if "/" in name)])


@dataclass(frozen=True, slots=True)
class JobSpec:
    """A PaddleJob to be.

    Attributes:
        run: the run it trains.
        work: what the workers are told, JSON.
        image: of the workers.
        workers: how many pods.
        pods: what each may use, and where it runs.
        options: queue, deadlines, retries.
        attempt: counts whole-job retries, from 1.
        pipeline_run: the pipeline's run, for the clean-up step; empty outside of one.
    """

    run: str
    work: str
    image: str
    workers: int = 1
    pods: Pods = field(default_factory=Pods)
    options: JobOptions = field(default_factory=JobOptions)
    attempt: int = 1
    pipeline_run: str = ""


def job_name(run: str) -> str:
    """Returns the job's name: always the same for a run, so that it can be found and adopted."""
    clean = re.sub(r"[^a-z0-9]+", "-", run.lower()).strip("-")
    room = MAX_NAME - len(NAME_PREFIX)
    if clean != run or len(clean) > room:
        digest = hashlib.sha256(run.encode()).hexdigest()[:8]
        clean = f"{clean[: room - 9].rstrip('-')}-{digest}".lstrip("-")
    return NAME_PREFIX + clean


def run_label(run: str) -> str:
    """Returns the value of the label that names the run."""
    return job_name(run)[len(NAME_PREFIX) :]


def build_paddlejob(spec: JobSpec) -> Tree:
    """Returns the PaddleJob as it is sent to the API server."""
    annotations = {ANNOTATION_DIGEST: digest_of(spec), ANNOTATION_ATTEMPT: str(spec.attempt)}
    if spec.pipeline_run:
        annotations[ANNOTATION_RUN] = spec.pipeline_run
    labels = _labels(spec)
    if spec.options.kueue_queue:
        labels["kueue.x-k8s.io/queue-name"] = spec.options.kueue_queue
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {"name": job_name(spec.run), "labels": labels, "annotations": annotations},
        "spec": _spec(spec),
    }


def digest_of(spec: JobSpec) -> str:
    """Returns a digest of all that the job is, whichever attempt it is."""
    body = _spec(replace(spec, attempt=1))
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


def _spec(spec: JobSpec) -> Tree:
    worker = {
        "replicas": spec.workers,
        "restartPolicy": "OnFailure",
        "template": _template(spec),
    }
    return {"runPolicy": _run_policy(spec), "paddleReplicaSpecs": {"Worker": worker}}


def _labels(spec: JobSpec) -> dict[str, str]:
    return {
        "app.kubernetes.io/name": "ocr-train",
        "app.kubernetes.io/component": "trainer",
        **MANAGED_BY,
        LABEL_RUN: run_label(spec.run),
    }


def _run_policy(spec: JobSpec) -> Tree:
    options = spec.options
    policy: Tree = {
        "cleanPodPolicy": "None",  # their logs are wanted; they go with the job
        "activeDeadlineSeconds": round(options.deadline_hours * 3600),
        "ttlSecondsAfterFinished": round(options.keep_hours * 3600),
        # The operator adds up the restarts of all workers, and one crash restarts them all.
        "backoffLimit": spec.workers * options.restarts + 1,
    }
    if options.gang:
        gang: Tree = {"minAvailable": spec.workers}
        for key, value in (("queue", options.gang_queue), ("priorityClass", options.priority)):
            if value:
                gang[key] = value
        policy["schedulingPolicy"] = gang
    return policy


def _template(spec: JobSpec) -> Tree:
    annotations = {"sidecar.istio.io/inject": "false"}  # a sidecar never ends, nor would the job
    return {
        "metadata": {"labels": _labels(spec), "annotations": annotations},
        "spec": _pod(spec),
    }


def _pod(spec: JobSpec) -> Tree:
    pod: Tree = {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER_ID,
            "runAsGroup": USER_ID,
            "fsGroup": USER_ID,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [_container(spec)],
        "volumes": [*_own_volumes(spec), *spec.pods.volumes],
    }
    optional = {
        "serviceAccountName": spec.options.service_account,
        "priorityClassName": "" if spec.options.gang else spec.options.priority,
        "imagePullSecrets": [{"name": name} for name in spec.options.image_pull_secrets],
        "nodeSelector": dict(spec.pods.node_selector),
        "tolerations": list(spec.pods.tolerations),
        "affinity": spec.pods.affinity,
    }
    return pod | {key: value for key, value in optional.items() if value}


def _container(spec: JobSpec) -> Tree:
    return {
        "name": CONTAINER,
        "image": spec.image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["python3", "-m", "ocr_lib.jobs.agent"],
        "workingDir": WORK_DIR,
        "env": [*_own_env(spec), *spec.pods.env],
        "resources": spec.pods.resources or _DEFAULT_RESOURCES,
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        # Why a worker ended: written by the agent, else the end of its log.
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": [
            {"name": "ocr-work", "mountPath": WORK_DIR},
            {"name": "ocr-tmp", "mountPath": "/tmp"},  # noqa: S108 - a volume of the pod's own
            {"name": "ocr-shm", "mountPath": "/dev/shm"},  # noqa: S108
            *spec.pods.volume_mounts,
        ],
    }


_DEFAULT_RESOURCES: Tree = {"requests": {"cpu": "1", "memory": "4Gi"}, "limits": {"memory": "4Gi"}}


def _own_env(spec: JobSpec) -> list[Tree]:
    index = "metadata.labels['training.kubeflow.org/replica-index']"
    return [
        {"name": ENV_JOB, "value": spec.work},
        {"name": ENV_ATTEMPT, "value": str(spec.attempt)},
        {"name": ENV_DEVICES, "value": str(spec.pods.devices)},
        {"name": ENV_NODE, "valueFrom": {"fieldRef": {"fieldPath": index}}},
        {"name": "HOME", "value": WORK_DIR},
    ]


def _own_volumes(spec: JobSpec) -> list[Tree]:
    """Returns what a read-only root leaves to be written: data, scratch, shared memory."""
    shm: Tree = {"medium": "Memory", "sizeLimit": spec.options.shared_memory}
    return [
        {"name": "ocr-work", "emptyDir": {}},
        {"name": "ocr-tmp", "emptyDir": {}},
        {"name": "ocr-shm", "emptyDir": shm},
    ]
