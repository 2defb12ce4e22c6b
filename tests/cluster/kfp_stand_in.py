"""KFP's driver, as far as the steps can tell: goes through a compiled package, task by task.

Resolves inputs, conditions, loops and the exit handler as KFP 2.17 does; whatever a package may
hold beyond that is an error here, not left out. Caching is not there.
"""

import json
import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Tree = dict[str, Any]
SUCCEEDED, FAILED, SKIPPED = "SUCCEEDED", "FAILED", "SKIPPED"
RUN_ID = "{{$.pipeline_job_uuid}}"
OUTPUT_FILE = "/tmp/kfp_outputs/output_metadata.json"
# What an exit handler is told; a run whose steps all succeeded is COMPLETE there.
FINAL = {SUCCEEDED: "COMPLETE", FAILED: "FAILED", SKIPPED: "COMPLETE"}
CONDITION = re.compile(r"inputs\.parameter_values\['([^']+)'\] == (true|false|'[^']*')")


@dataclass(frozen=True)
class Values:
    """Parameters by name, and lists of artifacts by name."""

    parameters: Tree = field(default_factory=dict)
    artifacts: dict[str, list[Tree]] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """How a task ended, and what it gave."""

    state: str
    values: Values = field(default_factory=Values)


@dataclass(frozen=True)
class Step:
    """A task that is a pod: what the package says of it, and its resolved inputs.

    Attributes:
        run: identifies the run.
        task: its name in the package.
        component: interface of the component.
        container: image, command, arguments and resources.
        platform: Kubernetes settings.
        executor_input: what KFP tells a step about inputs and outputs.
    """

    run: str
    task: str
    component: Tree
    container: Tree
    platform: Tree
    executor_input: Tree


@dataclass
class StandIn:
    """One run of a package.

    Attributes:
        spec: the package's first document.
        platform: its second document.
        root: URI below which artifacts go.
        execute: runs a step's pod.
        run_id: identifies the run.
        states: what became of each task, in the order in which they ended.
    """

    spec: Tree
    platform: Tree
    root: str
    execute: Callable[[Step], Outcome]
    run_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    states: list[tuple[str, str]] = field(default_factory=list)

    def run(self, parameters: Mapping[str, Any]) -> str:
        """Runs the pipeline; returns how it ended."""
        root = self.spec["root"]
        unknown = set(parameters) - set(root["inputDefinitions"]["parameters"])
        assert not unknown, f"no parameters of the pipeline: {unknown}"
        return self._dag(root, self._defaults(root, Values(as_sent(dict(parameters))))).state

    def _dag(self, component: Tree, given: Values) -> Outcome:
        tasks: dict[str, Tree] = dict(component["dag"]["tasks"])
        ended: dict[str, Outcome] = {}
        while tasks:
            ready = [
                name for name, t in tasks.items() if set(t.get("dependentTasks", ())) <= set(ended)
            ]
            assert ready, f"tasks that wait for each other: {list(tasks)}"
            task = tasks.pop(ready[0])
            ended[ready[0]] = self._task(ready[0], task, given, ended)
            self.states.append((ready[0], ended[ready[0]].state))
        failed = any(outcome.state == FAILED for outcome in ended.values())
        return Outcome(FAILED if failed else SUCCEEDED, _outputs(component, ended))

    def _task(self, name: str, task: Tree, given: Values, ended: dict[str, Outcome]) -> Outcome:
        trigger = task.get("triggerPolicy", {})
        before = {ended[other].state for other in task.get("dependentTasks", ())}
        always = trigger.get("strategy") == "ALL_UPSTREAM_TASKS_COMPLETED"
        # A run that failed starts nothing more but its exit handler.
        if not always and (before - {SUCCEEDED} or any(o.state == FAILED for o in ended.values())):
            return Outcome(SKIPPED)
        component = self.spec["components"][task["componentRef"]["name"]]
        values = self._defaults(component, self._inputs(task, given, ended))
        if "condition" in trigger and not holds(trigger["condition"], values.parameters):
            return Outcome(SKIPPED)
        if "parameterIterator" in task:
            return self._loop(task["parameterIterator"], component, values)
        if "dag" in component:
            return self._dag(component, values)
        return self._pod(name, component, values)

    def _loop(self, iterator: Tree, component: Tree, values: Values) -> Outcome:
        name = iterator["items"].get("inputParameter")
        items = values.parameters[name] if name else json.loads(iterator["items"]["raw"])
        rounds = [
            self._dag(
                component,
                Values({**values.parameters, iterator["itemInput"]: item}, values.artifacts),
            )
            for item in items
        ]
        together: dict[str, list[Tree]] = {}
        for outcome in rounds:
            for key, artifacts in outcome.values.artifacts.items():
                together.setdefault(key, []).extend(artifacts)
        failed = any(outcome.state == FAILED for outcome in rounds)
        return Outcome(FAILED if failed else SUCCEEDED, Values({}, together))

    def _pod(self, name: str, component: Tree, values: Values) -> Outcome:
        label = component["executorLabel"]
        kubernetes = self.platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
        pipeline = self.spec["pipelineInfo"]["name"]
        task_root = f"{self.root}/{pipeline}/{self.run_id}/{name}/{uuid.uuid4()}"
        step = Step(
            self.run_id,
            name,
            component,
            self.spec["deploymentSpec"]["executors"][label]["container"],
            kubernetes.get(label, {}),
            executor_input(component, values, task_root),
        )
        return self.execute(step)

    def _defaults(self, component: Tree, given: Values) -> Values:
        defined = component.get("inputDefinitions", {}).get("parameters", {})
        missing = {
            name: as_sent(definition["defaultValue"])
            for name, definition in defined.items()
            if name not in given.parameters and "defaultValue" in definition
        }
        return Values({**given.parameters, **missing}, given.artifacts)

    def _inputs(self, task: Tree, given: Values, ended: dict[str, Outcome]) -> Values:
        inputs = task.get("inputs", {})
        parameters = {
            name: self._parameter(source, given, ended)
            for name, source in inputs.get("parameters", {}).items()
        }
        artifacts = {}
        for name, source in inputs.get("artifacts", {}).items():
            if "componentInputArtifact" in source:
                artifacts[name] = given.artifacts[source["componentInputArtifact"]]
            else:
                output = source["taskOutputArtifact"]
                values = ended[output["producerTask"]].values
                artifacts[name] = values.artifacts[output["outputArtifactKey"]]
        return Values(parameters, artifacts)

    def _parameter(self, source: Tree, given: Values, ended: dict[str, Outcome]) -> Any:
        ((kind, value),) = source.items()
        if kind == "componentInputParameter":
            return given.parameters[value]
        if kind == "runtimeValue":
            constant = value["constant"]
            return constant.replace(RUN_ID, self.run_id) if isinstance(constant, str) else constant
        if kind == "taskOutputParameter":
            return ended[value["producerTask"]].values.parameters[value["outputParameterKey"]]
        assert kind == "taskFinalStatus", f"not known to the stand-in: {source}"
        return {
            "state": FINAL[ended[value["producerTask"]].state],
            "pipelineTaskName": value["producerTask"],
            "pipelineJobResourceName": self.run_id,
            "error": {},
        }


def executor_input(component: Tree, values: Values, task_root: str) -> Tree:
    """Returns what a step is told: its inputs, and where its outputs shall go."""
    outputs = component.get("outputDefinitions", {})
    artifacts = {
        name: {
            "artifacts": [
                {
                    "name": name,
                    "uri": f"{task_root}/{name}",
                    "type": definition["artifactType"],
                    "metadata": {},
                }
            ]
        }
        for name, definition in outputs.get("artifacts", {}).items()
    }
    parameters = {
        name: {"outputFile": f"/tmp/kfp/outputs/{name}"} for name in outputs.get("parameters", {})
    }
    return {
        "inputs": {
            "parameterValues": values.parameters,
            "artifacts": {name: {"artifacts": found} for name, found in values.artifacts.items()},
        },
        "outputs": {
            "artifacts": artifacts,
            "parameters": parameters,
            "outputFile": OUTPUT_FILE,
        },
        "task_root": task_root,
    }


def read_report(step: Step, report: Tree) -> Outcome:
    """Returns a step's outputs: what it was told, changed by what it wrote."""
    written = report.get("artifacts", {})
    artifacts = {}
    for name, told in step.executor_input["outputs"]["artifacts"].items():
        (artifact,) = told["artifacts"]
        said = written.get(name, {"artifacts": [{}]})["artifacts"][0]
        # KFP adds these two, and a name that is an id of its own.
        metadata = {
            **said.get("metadata", {}),
            "display_name": name,
            "store_session_info": json.dumps({"Provider": "s3"}),
        }
        known = {**artifact, "uri": said.get("uri", artifact["uri"])}
        artifacts[name] = [{**known, "name": str(uuid.uuid4().int % 1000), "metadata": metadata}]
    return Outcome(SUCCEEDED, Values(as_sent(report.get("parameterValues", {})), artifacts))


def _outputs(component: Tree, ended: dict[str, Outcome]) -> Values:
    defined = component["dag"].get("outputs", {})
    assert set(defined) <= {"artifacts"}, f"not known to the stand-in: {defined}"
    artifacts = {
        name: [
            artifact
            for selector in source["artifactSelectors"]
            for artifact in ended[selector["producerSubtask"]].values.artifacts.get(
                selector["outputArtifactKey"], ()
            )
        ]
        for name, source in defined.get("artifacts", {}).items()
    }
    return Values({}, artifacts)


def holds(condition: str, parameters: Tree) -> bool:
    """Evaluates the condition of a trigger."""
    found = CONDITION.fullmatch(condition)
    assert found, f"not known to the stand-in: {condition}"
    wanted = json.loads(found[2].replace("'", '"'))
    return bool(parameters[found[1]] == wanted)


def as_sent(value: Any) -> Any:
    """Returns a value as protobuf's JSON has it: 3.0 arrives as 3."""
    if isinstance(value, dict):
        return {key: as_sent(item) for key, item in value.items()}
    if isinstance(value, list):
        return [as_sent(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
