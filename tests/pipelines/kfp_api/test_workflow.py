import base64
import gzip
import json
from typing import Any

import pytest

from pipelines.kfp_api import workflow as module
from pipelines.kfp_api.workflow import Node, Workflow, read_workflow
from tests.pipelines.kfp_api.kfp_server import RECORDED


def recorded(name: str) -> dict[str, Any]:
    value: dict[str, Any] = json.loads((RECORDED / f"{name}.json").read_text("utf-8"))["workflow"]
    return value


def test_a_pod_is_named_as_argo_names_it() -> None:
    found = read_workflow(json.dumps(recorded("running")))
    assert found is not None
    path = f"{found.name}.root.exit-handler-1.plan.executor"
    node = found.last_attempt(path)
    assert node is not None
    # as `kubectl get pods` listed it
    assert found.pod_name(node) == "ocr-train-and-deploy-252fk-system-container-impl-1232893325"
    assert (node.path, node.attempts) == (path, (0, 0, 0, 0, 0))
    assert found.namespace == "kubeflow"
    assert node.finished is None


def test_a_log_is_where_the_launcher_was_told_with_the_attempt_s_number() -> None:
    patch = recorded("running")
    (name,) = [key for key, node in patch["status"]["nodes"].items() if "inputs" in node]
    patch["status"]["nodes"][name]["name"] = "wf(0).plan(0).executor(2)"
    found = read_workflow(json.dumps(patch))
    assert found is not None
    (node,) = [node for node in found.nodes if node.inputs]
    run = "cb8a90ed-9802-4d62-b3a9-4a76ae669579"
    folder = f"s3://ocr/kfp/ocr-train-and-deploy/{run}/plan/0b1c2d3e-0000-4000-8000-000000000000"
    assert node.log_uri() == f"{folder}/executor-logs-2"


@pytest.mark.parametrize(
    "patch",
    [
        "",
        "{}",
        "[1]",
        '{"containers": []}',
        '{"containers": [{"command": ["--executor_input"]}]}',
        '{"containers": [{"command": ["--executor_input", "[]"]}]}',
        '{"containers": [{"command": ["--executor_input", "{\\"outputs\\": {}}"]}]}',
    ],
)
def test_a_pod_without_a_launcher_s_log_has_no_place_for_it(patch: str) -> None:
    assert Node("i", "n", "Pod", "Running", inputs={"pod-spec-patch": patch}).log_uri() == ""


def test_the_last_attempt_counts_of_a_node_and_of_all_around_it() -> None:
    nodes = tuple(
        Node(str(number), name, kind, phase)
        for number, (name, kind, phase) in enumerate(
            [
                ("wf.loop(0:0)", "DAG", "Succeeded"),
                ("wf.loop(1:1)", "DAG", "Running"),
                ("wf.run", "Retry", "Running"),
                ("wf.run(1)", "DAG", "Running"),
                ("wf.run(1).plan", "Retry", "Running"),
                ("wf.run(1).plan(0)", "Pod", "Running"),
                ("wf.run(0)", "DAG", "Error"),
                ("wf.run(0).plan", "Retry", "Error"),
                ("wf.run(0).plan(0)", "Pod", "Error"),
                ("wf.run(0).plan(1)", "Pod", "Error"),
                ("wf.run(0).read", "Retry", "Failed"),
                ("wf.run(0).read(10)", "Pod", "Failed"),
                ("wf.run(0).read(9)", "Pod", "Error"),
            ]
        )
    )
    found = Workflow("wf", "", nodes)
    assert {path: node.name for path, node in found.latest.items()} == {
        "wf.loop(0:0)": "wf.loop(0:0)",
        "wf.loop(1:1)": "wf.loop(1:1)",
        "wf.run": "wf.run",
        "wf.run.plan": "wf.run(1).plan",
        "wf.run.read": "wf.run(0).read",
    }
    last = {path: found.last_attempt(path) for path in ("wf.run.plan", "wf.run.read", "wf.none")}
    assert [node.name if node else None for node in last.values()] == [
        "wf.run(1).plan(0)",
        "wf.run(0).read(10)",
        None,
    ]


def compressed(value: dict[str, Any]) -> str:
    status = dict(value["status"])
    packed = gzip.compress(json.dumps(status.pop("nodes")).encode())
    status["compressedNodes"] = base64.b64encode(packed).decode()
    return json.dumps({**value, "status": status})


def test_nodes_that_argo_compressed_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = recorded("refused")
    assert read_workflow(compressed(whole)) == read_workflow(json.dumps(whole))
    monkeypatch.setattr(module, "MAX_NODES_BYTES", 1000)  # and no more than that is unpacked
    assert read_workflow(compressed(whole)) is None


@pytest.mark.parametrize(
    "manifest",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"metadata": {"name": "wf"}, "status": {"offloadNodeStatusVersion": "fnv:1"}}',
        '{"metadata": {"name": "wf"}, "status": {"compressedNodes": "!"}}',
        '{"metadata": {"name": "wf"}, "status": {"compressedNodes": "AAAA"}}',
        '{"metadata": {}, "status": {"nodes": {"a": {"id": "a", "name": "a"}}}}',
        '{"metadata": {"name": "wf"}, "status": {"nodes": {"a": 1}}}',
        '{"metadata": {"name": "wf"}, "status": {"nodes": [1]}}',
    ],
)
def test_what_is_no_workflow_with_nodes_is_none(manifest: str) -> None:
    assert read_workflow(manifest) is None
