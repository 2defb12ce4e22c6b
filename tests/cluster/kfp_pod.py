"""The pod of a step, as KFP makes it of a package."""

import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ocr_lib.storage.store import Store
from tests.cluster import launcher_program
from tests.cluster.harness import Namespace, until
from tests.cluster.kfp_stand_in import FAILED, Outcome, Step, read_report

Tree = dict[str, Any]
ACCOUNT = "ocr-pipeline"
PROGRAM = "kfp-launcher-program"
# Where KFP's pods can write, besides their own file system.
FOLDERS = ("gcs", "s3", "minio", ".local", ".cache", ".config")
SETTINGS = {
    *("activeDeadlineSeconds", "configMapAsEnv", "nodeSelector", "secretAsEnv"),
    *("configMapAsVolume", "secretAsVolume", "securityContext", "tolerations"),
}
END_S = 600.0


@dataclass
class Pods:
    """Runs steps as pods, one after the other.

    Attributes:
        space: where.
        store: of the artifacts, with a key that reads all of them.
        logs: folder for what the steps wrote, and for their pods' specifications.
        seconds: task and how long its pod took, in the order of the steps.
    """

    space: Namespace
    store: Store
    logs: Path
    seconds: list[tuple[str, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Lays the launcher's program where the pods find it."""
        program = Path(launcher_program.__file__).read_text("utf-8")
        metadata, data = {"name": PROGRAM}, {"launch.py": program}
        self.space.apply(
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}
        )

    def execute(self, step: Step) -> Outcome:
        """Runs a step to its end."""
        started = time.monotonic()
        name = f"run-{step.run[:8]}-system-container-impl-{len(self.seconds)}"
        self.space.apply(pod(name, step))
        until(lambda: self._phase(name) in ("Succeeded", "Failed"), END_S, f"end of {name}")
        self.seconds.append((step.task, time.monotonic() - started))
        failed = self._phase(name) == "Failed"
        self._log(step).write_text(self.space.kubectl("logs", name), "utf-8")
        specification = self.space.kubectl("get", "pod", name, "-o", "json")
        self._log(step).with_suffix(".json").write_text(specification, "utf-8")
        self.space.kubectl("delete", "pod", name, "--wait=false")
        if failed:
            return Outcome(FAILED)
        report = f"{step.executor_input['task_root']}/{launcher_program.REPORT}"
        return read_report(step, self.store.get_json(report) if self.store.exists(report) else {})

    def _phase(self, name: str) -> str:
        time.sleep(1)
        return self.space.kubectl("get", "pod", name, "-o", "jsonpath={.status.phase}")

    def _log(self, step: Step) -> Path:
        return self.logs / f"{step.run[:8]}-{len(self.seconds):02}-{step.task}.log"

    def said(self, run: str) -> str:
        """Returns what the steps of a run wrote."""
        return "\n".join(
            f"--- {path.stem}\n{path.read_text('utf-8')}"
            for path in sorted(self.logs.glob(f"{run[:8]}-*.log"))
        )


def pod(name: str, step: Step) -> Tree:
    """Returns the pod of a step."""
    settings = step.platform
    assert set(settings) <= SETTINGS, f"not known to the stand-in: {set(settings) - SETTINGS}"
    handed_on, kept = passthrough(step.component)
    volumes, mounts = file_volumes(settings) if "KUBERNETES_VOLUMES" in kept else ([], [])
    user = settings["securityContext"]
    security = {
        "runAsUser": int(user["runAsUser"]),
        "runAsGroup": int(user["runAsGroup"]),
        "runAsNonRoot": user["runAsNonRoot"],
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    spec = {
        "serviceAccountName": ACCOUNT,
        "restartPolicy": "Never",
        "activeDeadlineSeconds": int(settings["activeDeadlineSeconds"]),
        "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [
            {
                "name": "main",
                "image": step.container["image"],
                "command": ["python3", "/kfp-launcher/launch.py"],
                "args": [
                    json.dumps(told(step, handed_on)),
                    *("--", *step.container["command"], *step.container["args"]),
                ],
                "workingDir": "/",
                "env": [*_own_env(), *environment(settings)],
                "securityContext": security,
                "resources": resources(step.container) if "RESOURCES" in kept else {},
                "volumeMounts": [
                    {"name": "launcher", "mountPath": "/kfp-launcher"},
                    *({"name": f.strip("."), "mountPath": f"/{f}"} for f in FOLDERS),
                    *mounts,
                ],
            }
        ],
        "volumes": [
            {"name": "launcher", "configMap": {"name": PROGRAM}},
            *({"name": folder.strip("."), "emptyDir": {}} for folder in FOLDERS),
            *volumes,
        ],
    }
    if "KUBERNETES_NODE_SELECTOR" in kept:
        spec["nodeSelector"] = node_selector(settings)
    if "KUBERNETES_TOLERATIONS" in kept:
        spec["tolerations"] = settings.get("tolerations", [])
    labels = {
        "pipeline/runid": step.run,
        "pipelines.kubeflow.org/v2_component": "true",
        "workflows.argoproj.io/workflow": f"run-{step.run[:8]}",
    }
    metadata = {"name": name, "labels": labels}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


FIELDS = {
    *("RESOURCES", "KUBERNETES_NODE_SELECTOR", "KUBERNETES_TOLERATIONS", "KUBERNETES_VOLUMES"),
    "ENV",
}


def passthrough(component: Tree) -> tuple[set[str], set[str]]:
    """Returns which settings are handed to the code, and which are those of its pod."""
    listed = {item["field"]: item for item in component.get("taskConfigPassthroughs", ())}
    kept = {name for name in FIELDS if name not in listed or listed[name].get("applyToTask")}
    return set(listed) & FIELDS, kept


def told(step: Step, handed_on: set[str]) -> Tree:
    """Returns the executor's input, with what is handed on of the task's settings."""
    values = step.executor_input["inputs"]["parameterValues"]
    definitions = step.component.get("inputDefinitions", {}).get("parameters", {})
    for name, definition in definitions.items():
        if definition["parameterType"] == "TASK_CONFIG":
            every = {
                "RESOURCES": ("resources", resources(step.container)),
                "KUBERNETES_NODE_SELECTOR": ("nodeSelector", node_selector(step.platform)),
                "KUBERNETES_TOLERATIONS": ("tolerations", step.platform.get("tolerations", [])),
                "ENV": ("env", environment(step.platform)),
                "KUBERNETES_VOLUMES": ("volumes", file_volumes(step.platform)[0]),
            }
            values[name] = dict(every[name] for name in sorted(handed_on))
            if "KUBERNETES_VOLUMES" in handed_on:
                values[name]["volumeMounts"] = file_volumes(step.platform)[1]
    return step.executor_input


def resources(container: Tree) -> Tree:
    """Returns what the pod's container asks for."""
    asked = container["resources"]
    limits = {"memory": asked["resourceMemoryLimit"]}
    if device := asked.get("accelerator"):
        limits[device["resourceType"]] = device["resourceCount"]
    requests = {"cpu": asked["resourceCpuRequest"], "memory": asked["resourceMemoryRequest"]}
    return {"requests": requests, "limits": limits}


def node_selector(settings: Tree) -> Tree:
    """Returns the labels of the nodes that a step is for."""
    labels: Tree = settings.get("nodeSelector", {}).get("labels", {})
    return labels


def environment(settings: Tree) -> list[Tree]:
    """Returns the environment out of Secrets and ConfigMaps."""
    found = []
    for kind, reference, table, key in (
        ("secretAsEnv", "secretKeyRef", "secretName", "secretKey"),
        ("configMapAsEnv", "configMapKeyRef", "configMapName", "configMapKey"),
    ):
        for item in settings.get(kind, ()):
            for pair in item["keyToEnv"]:
                source = {"name": item[table], "key": pair[key], "optional": item["optional"]}
                found.append({"name": pair["envVar"], "valueFrom": {reference: source}})
    return found


def file_volumes(settings: Tree) -> tuple[list[Tree], list[Tree]]:
    """Returns volumes and mounts out of Secrets and ConfigMaps, as the driver names them."""
    volumes, mounts = [], []
    for kind, volume, table, key in (
        ("secretAsVolume", "secret", "secretName", "secretName"),
        ("configMapAsVolume", "configMap", "configMapName", "name"),
    ):
        for item in settings.get(kind, ()):
            source = {key: item[table], "optional": item["optional"]}
            volumes.append({"name": item[table], volume: source})
            mounts.append({"name": item[table], "mountPath": item["mountPath"]})
    return volumes, mounts


def _own_env() -> list[Tree]:
    names = {"KFP_POD_NAME": "metadata.name", "KFP_POD_UID": "metadata.uid"}
    return [
        {"name": "_KFP_RUNTIME", "value": "true"},
        *({"name": n, "valueFrom": {"fieldRef": {"fieldPath": p}}} for n, p in names.items()),
    ]
