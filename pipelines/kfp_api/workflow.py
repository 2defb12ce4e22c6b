"""The workflow behind a run, node by node, as Argo Workflows holds it.

Kubeflow's v2beta1 API lists the nodes of a run without their ids, messages and pods: which of ten
nodes called `executor` belongs to which step, and why a pod waits, cannot be told from that list.
The same server's v1beta1 API returns the workflow itself, which has all of it.

A node's name is its path: `wf(0).root(0).run(0).plan(0).executor(0)`. A number in parentheses
counts the attempts of a node; `(0:0)` names the round of a loop.
"""

import base64
import binascii
import json
import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from pipelines.kfp_api.times import parse_time

MAX_NODES_BYTES = 256 << 20
POD, DRIVER = "Pod", "-driver"
EXECUTOR_INPUT = "--executor_input"
LOG_ARTIFACT = "executor-logs"
_ATTEMPT = re.compile(r"\((\d+)\)(?=\.|$)")


@dataclass(frozen=True, slots=True)
class Node:
    """One node of a workflow.

    Attributes:
        id: what Argo and the API know it by.
        name: its path, with attempts.
        kind: Argo's type: `Pod`, `DAG`, `Retry` (all attempts of one node), `Skipped`, …
        phase: Argo's: Pending, Running, Succeeded, Skipped, Failed, Error or Omitted.
        message: why it waits or failed; often empty.
        started: when it was created.
        finished: when it ended; None while it goes on.
        template: what it is made of.
        inputs: its parameters.
        artifacts: what it left in Argo's own object store, by name.
    """

    id: str
    name: str
    kind: str
    phase: str
    message: str = ""
    started: datetime | None = None
    finished: datetime | None = None
    template: str = ""
    inputs: Mapping[str, str] = field(default_factory=dict)
    artifacts: frozenset[str] = frozenset()

    @property
    def path(self) -> str:
        """Its name without attempts: the same for all attempts of a node and of its parents."""
        return _ATTEMPT.sub("", self.name)

    @property
    def attempts(self) -> tuple[int, ...]:
        """Which attempt it is, and which its parents are."""
        return tuple(int(number) for number in _ATTEMPT.findall(self.name))

    @property
    def is_attempt(self) -> bool:
        """Whether it is one attempt of a node that may have several."""
        return re.search(r"\(\d+\)$", self.name) is not None

    @property
    def is_driver(self) -> bool:
        """Whether it is Kubeflow's own: what comes before a step or a group."""
        return self.path.endswith(DRIVER)

    def log_uri(self) -> str:
        """Returns where KFP's launcher stores what the step writes; empty where that is unknown.

        The driver gave the launcher one URI for all attempts; it appends the attempt's number.
        """
        artifacts = self._executor_input().get("outputs", {}).get("artifacts", {})
        logs = artifacts.get(LOG_ARTIFACT, {}).get("artifacts") or [{}]
        uri = str(logs[0].get("uri") or "")
        return f"{uri}-{self.attempts[-1] if self.is_attempt else 0}" if uri else ""

    def _executor_input(self) -> dict[str, Any]:
        try:
            patch = json.loads(self.inputs.get("pod-spec-patch") or "{}")
            container = patch["containers"][0]
            words = [*container.get("command", ()), *container.get("args", ())]
            executor_input = json.loads(words[words.index(EXECUTOR_INPUT) + 1])
        except (ValueError, KeyError, IndexError, TypeError, AttributeError):
            return {}
        return executor_input if isinstance(executor_input, dict) else {}


@dataclass(frozen=True)
class Workflow:
    """A run's workflow.

    Attributes:
        name: its name in Kubernetes.
        namespace: where its pods are.
        nodes: all of them.
    """

    name: str
    namespace: str
    nodes: tuple[Node, ...]

    @cached_property
    def latest(self) -> dict[str, Node]:
        """Path → the node that counts: of the last attempt of its parents, all attempts in one."""
        ordered = sorted(self.nodes, key=lambda node: (_parents(node), not node.is_attempt))
        return {node.path: node for node in ordered}

    def last_attempt(self, path: str) -> Node | None:
        """Returns the last pod of a node, or the node where it never got one."""
        pods = [node for node in self.nodes if node.path == path and node.kind == POD]
        return max(pods, key=lambda node: node.attempts) if pods else self.latest.get(path)

    def pod_name(self, node: Node) -> str:
        """Returns the name of a node's pod, as Argo forms it."""
        if node.name == self.name:
            return self.name
        return f"{self.name}-{node.template}-{node.id.rpartition('-')[2]}"

    def pods(self, phase: str) -> Iterator[Node]:
        """Yields the nodes that are pods and in this phase."""
        return (node for node in self.nodes if node.kind == POD and node.phase == phase)


def read_workflow(manifest: str) -> Workflow | None:
    """Reads a workflow; None where there is none, or where its nodes are kept elsewhere.

    Args:
        manifest: the object as JSON. Argo compresses the nodes of a large one.
    """
    try:
        value = json.loads(manifest or "{}")
        status = value.get("status") or {}
        nodes = status.get("nodes")
        if not nodes and status.get("compressedNodes"):
            nodes = json.loads(_decompressed(status["compressedNodes"]))
        if not nodes:
            return None
        metadata = value["metadata"]
        parsed = tuple(_node(item) for item in nodes.values())
        return Workflow(str(metadata["name"]), str(metadata.get("namespace") or ""), parsed)
    except (ValueError, KeyError, TypeError, AttributeError, zlib.error):
        return None


def _node(value: Mapping[str, Any]) -> Node:
    parameters = (value.get("inputs") or {}).get("parameters") or ()
    artifacts = (value.get("outputs") or {}).get("artifacts") or ()
    return Node(
        id=str(value["id"]),
        name=str(value["name"]),
        kind=str(value.get("type") or ""),
        phase=str(value.get("phase") or "Pending"),
        message=str(value.get("message") or ""),
        started=parse_time(value.get("startedAt")),
        finished=parse_time(value.get("finishedAt")),
        template=str(value.get("templateName") or ""),
        inputs={str(item["name"]): str(item.get("value") or "") for item in parameters},
        artifacts=frozenset(str(item["name"]) for item in artifacts),
    )


def _decompressed(text: str) -> bytes:
    unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    content = unpacker.decompress(base64.b64decode(text), MAX_NODES_BYTES)
    if not unpacker.eof:
        raise binascii.Error("the nodes are cut off, or too many")
    return content


def _parents(node: Node) -> tuple[int, ...]:
    return node.attempts[:-1] if node.is_attempt else node.attempts
