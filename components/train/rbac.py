"""The least that the service accounts around training may do: rules of a namespaced Role.

The pods that train have no token at all. What Kubeflow's own launcher needs comes on top.
"""

from typing import Any

Rule = dict[str, list[str]]


def _rule(group: str, resource: str, *verbs: str) -> Rule:
    return {"apiGroups": [group], "resources": [resource], "verbs": list(verbs)}


_LOGS = [_rule("", "pods", "list"), _rule("", "pods/log", "get")]

# The train step: makes or adopts its job, watches it, ends it.
LAUNCHER_RULES = [
    _rule("kubeflow.org", "paddlejobs", "create", "get", "delete"),
    *_LOGS,
    _rule("", "events", "list"),
]
# The exit handler: finds the run's job, keeps its logs, ends it.
CLEAN_UP_RULES = [
    _rule("kubeflow.org", "paddlejobs", "get", "delete"),
    *_LOGS,
    _rule("", "events", "list"),
]
# `ocr reap`: finds jobs that are over, and ends them.
REAPER_RULES = [
    _rule("kubeflow.org", "paddlejobs", "list", "get", "delete"),
    _rule("", "pods", "list"),
]


def role(name: str, rules: list[Rule]) -> dict[str, Any]:
    """Returns the Role of that name."""
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": {"name": name},
        "rules": rules,
    }
