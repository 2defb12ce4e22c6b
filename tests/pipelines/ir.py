"""The compiled pipeline, as far as it determines a run; `golden.yaml` is what it should be.

After a change that is meant: `python -m tests.pipelines.ir > tests/pipelines/golden.yaml`.
"""

import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

Tree = dict[str, Any]


def summarise(package: bytes) -> Tree:
    """Returns parameters and tasks; a task inside conditions and loops carries these."""
    spec, platform = yaml.safe_load_all(package)
    parameters = {
        name: f"{value['parameterType']} = {value.get('defaultValue')!r}{_of(value)}"
        for name, value in spec["root"]["inputDefinitions"]["parameters"].items()
    }
    return {
        "name": spec["pipelineInfo"]["name"],
        "parameters": parameters,
        "tasks": dict(_tasks(spec, platform, spec["root"]["dag"], ())),
    }


def _of(parameter: Tree) -> str:
    literals = parameter.get("literals")
    return f" of {', '.join(literals)}" if literals else ""


Groups = tuple[str, ...]


def _tasks(spec: Tree, platform: Tree, dag: Tree, groups: Groups) -> list[tuple[str, Tree]]:
    found = []
    for name, task in dag["tasks"].items():
        component = spec["components"][task["componentRef"]["name"]]
        if "dag" in component:
            found += _tasks(spec, platform, component["dag"], (*groups, _group(task)))
        else:
            label = component["executorLabel"]
            found.append((name, _task(spec, platform, task, label, groups)))
    return found


def _group(task: Tree) -> str:
    """Returns what a group of tasks does: its condition, its loop, or its name."""
    if condition := task.get("triggerPolicy", {}).get("condition"):
        return f"if {condition}"
    if loop := task.get("parameterIterator"):
        most = task.get("iteratorPolicy", {}).get("parallelismLimit")
        return f"for each of {loop['items']['inputParameter']}, {most} at a time"
    return str(task["taskInfo"]["name"])


def _task(spec: Tree, platform: Tree, task: Tree, label: str, groups: Groups) -> Tree:
    container = spec["deploymentSpec"]["executors"][label]["container"]
    kubernetes = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"][label]
    accelerator = container["resources"].get("accelerator", {})
    return {
        "title": task["taskInfo"]["name"],
        "after": sorted(task.get("dependentTasks", [])),
        "inside": list(groups),
        "cached": bool(task["cachingOptions"].get("enableCache", False)),
        "image": container["image"].rsplit(":", 1)[0],
        "pool": kubernetes["nodeSelector"]["labels"],
        "tolerates": [f"{t['key']}={t['value']}:{t['effect']}" for t in kubernetes["tolerations"]],
        "accelerator": f"{accelerator.get('resourceType')} x {accelerator.get('resourceCount')}",
        "resources": {
            name: value
            for name, value in container["resources"].items()
            if name.startswith("resource")
        },
        "secrets": [secret["secretName"] for secret in kubernetes["secretAsEnv"]],
        "user": kubernetes["securityContext"],
        "timeout_s": kubernetes["activeDeadlineSeconds"],
    }


def dump(package: bytes) -> str:
    """Returns the summary as YAML, as the golden file holds it."""
    return yaml.safe_dump(summarise(package), sort_keys=False, allow_unicode=True, width=100)


if __name__ == "__main__":
    from pipelines.compile import compile_pipeline

    with tempfile.TemporaryDirectory() as folder:
        compile_pipeline(Path(folder) / "package.yaml")
        sys.stdout.write(dump((Path(folder) / "package.yaml").read_bytes()))
