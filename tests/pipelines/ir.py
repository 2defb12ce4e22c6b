"""The compiled pipeline, in the lines that decide how it runs; `golden.yaml` is what it should be.

After a change that is meant: `python -m tests.pipelines.ir > tests/pipelines/golden.yaml`.
"""

import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

Tree = dict[str, Any]


def summarise(package: bytes) -> Tree:
    """Returns parameters and tasks; a task inside a condition carries the condition."""
    spec, platform = yaml.safe_load_all(package)
    parameters = {
        name: f"{value['parameterType']} = {value.get('defaultValue')!r}"
        for name, value in spec["root"]["inputDefinitions"]["parameters"].items()
    }
    return {
        "name": spec["pipelineInfo"]["name"],
        "parameters": parameters,
        "tasks": dict(_tasks(spec, platform, spec["root"]["dag"], "")),
    }


def _tasks(spec: Tree, platform: Tree, dag: Tree, condition: str) -> list[tuple[str, Tree]]:
    found = []
    for name, task in dag["tasks"].items():
        component = spec["components"][task["componentRef"]["name"]]
        if "dag" in component:
            inner = task["triggerPolicy"]["condition"]
            found += _tasks(spec, platform, component["dag"], inner)
        else:
            label = component["executorLabel"]
            found.append((name, _task(spec, platform, task, label, condition)))
    return found


def _task(spec: Tree, platform: Tree, task: Tree, label: str, condition: str) -> Tree:
    container = spec["deploymentSpec"]["executors"][label]["container"]
    kubernetes = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"][label]
    accelerator = container["resources"].get("accelerator", {})
    return {
        "title": task["taskInfo"]["name"],
        "after": sorted(task.get("dependentTasks", [])),
        "condition": condition,
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
    }


def dump(package: bytes) -> str:
    """Returns the summary as YAML, as the golden file holds it."""
    return yaml.safe_dump(summarise(package), sort_keys=False, allow_unicode=True, width=100)


if __name__ == "__main__":
    from pipelines.compile import compile_pipeline

    with tempfile.TemporaryDirectory() as folder:
        compile_pipeline(Path(folder) / "package.yaml")
        sys.stdout.write(dump((Path(folder) / "package.yaml").read_bytes()))
