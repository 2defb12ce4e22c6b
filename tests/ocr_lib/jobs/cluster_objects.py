"""PaddleJobs and pods as the operator and the kubelet write them, in the parts that are read."""

from typing import Any

Tree = dict[str, Any]


def job(*conditions: str, message: str = "") -> Tree:
    """A PaddleJob; a condition may be given as `Running=False`."""
    rows = []
    for item in conditions:
        kind, _, status = item.partition("=")
        rows.append({"type": kind, "status": status or "True", "message": message})
    return {"metadata": {"name": "ocr-train-a"}, "status": {"conditions": rows}}


def pod(index: int = 0, phase: str = "Running", uid: str = "", **status: Any) -> Tree:
    """A worker's pod."""
    labels = {"training.kubeflow.org/replica-index": str(index)}
    metadata = {"name": f"ocr-train-a-worker-{index}", "uid": uid or f"u{index}", "labels": labels}
    return {"metadata": metadata, "status": {"phase": phase, **status}}


def container(restarts: int = 0, **fields: Any) -> list[Tree]:
    """The container's status in a pod."""
    return [{"name": "paddle", "image": "ocr/train:1", "restartCount": restarts, **fields}]


def ended(code: int, message: str = "", reason: str = "Error", number: int = 1) -> Tree:
    """A container's end."""
    end = {"exitCode": code, "reason": reason, "message": message, "containerID": f"c{number}"}
    return {"terminated": end}
