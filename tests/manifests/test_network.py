"""Who may talk to whom, worked out from the network policies."""

from typing import Any

import pytest

from tests.manifests.overlays import Tree, overlay

HERE = {"kubernetes.io/metadata.name": "ocr"}
KUBEFLOW = {"kubernetes.io/metadata.name": "kubeflow"}
DNS = {"kubernetes.io/metadata.name": "kube-system"}
MONITORING = {"kubernetes.io/metadata.name": "monitoring", "ocr/metrics": "true"}
OTHER_KEEPING = {"kubernetes.io/metadata.name": "readers", "ocr/feedback-client": "true"}
OTHER = {"kubernetes.io/metadata.name": "other"}


def component(name: str) -> dict[str, str]:
    return {"app.kubernetes.io/component": name}


PODS = {
    "step": ({"workflows.argoproj.io/workflow": "w"}, HERE),
    "trainer": (component("trainer"), HERE),
    "triton": (component("triton"), HERE),
    "reaper": (component("reaper"), HERE),
    "rollback": (component("rollback"), HERE),
    "gc": (component("gc"), HERE),
    "kubeflow step": ({"workflows.argoproj.io/workflow": "w"}, KUBEFLOW),
    "store": (component("object-store"), HERE),
    "setup": (component("store-setup"), HERE),
    "client": ({"ocr/triton-client": "true"}, HERE),
    "keeping client": ({"ocr/triton-client": "true", "ocr/feedback-client": "true"}, HERE),
    "keeping stranger": ({"app": "reader"}, OTHER_KEEPING),
    "bystander": ({"app": "other"}, HERE),
    "kfp": ({"app": "ml-pipeline"}, KUBEFLOW),
    "dns": ({"k8s-app": "kube-dns"}, DNS),
    "prometheus": ({"app": "prometheus"}, MONITORING),
    "stranger": ({"app.kubernetes.io/component": "trainer"}, OTHER),
    "internet": ({}, {}),
}
S3, GRPC, HTTP, METRICS, HEALTH = 8333, 8001, 8000, 8002, 8003

ALLOWED = {
    *{
        (who, "dns", 53)
        for who in ("step", "trainer", "triton", "reaper", "rollback", "gc", "setup", "bystander")
    },
    *{
        (who, "store", S3)
        for who in ("step", "trainer", "triton", "rollback", "gc", "setup", "kfp")
    },
    ("step", "triton", GRPC),
    ("kubeflow step", "triton", GRPC),
    ("kubeflow step", "store", S3),
    ("rollback", "triton", GRPC),
    ("client", "triton", GRPC),
    ("client", "triton", HTTP),
    ("keeping client", "triton", GRPC),
    ("keeping client", "store", S3),
    ("keeping stranger", "store", S3),
    ("step", "kfp", 8888),
    ("step", "kfp", 8080),
    ("trainer", "trainer", 36543),
    ("prometheus", "triton", METRICS),
    *{("step", "internet", port) for port in (443, 6443)},
    *{("reaper", "internet", port) for port in (443, 6443)},
}
REFUSED = {
    ("client", "triton", HEALTH),
    ("client", "store", S3),
    ("keeping client", "store", 9333),
    ("keeping stranger", "triton", GRPC),
    ("bystander", "store", S3),
    ("bystander", "triton", GRPC),
    ("stranger", "store", S3),
    ("stranger", "triton", GRPC),
    ("stranger", "trainer", 36543),
    ("trainer", "triton", GRPC),
    ("kfp", "triton", GRPC),
    ("kubeflow step", "triton", HTTP),
    ("reaper", "store", S3),
    ("rollback", "internet", 443),
    ("gc", "internet", 443),
    ("gc", "triton", GRPC),
    ("trainer", "internet", 443),
    ("triton", "internet", 443),
    ("triton", "trainer", 36543),
    ("store", "internet", 443),
    ("step", "triton", METRICS),
    ("prometheus", "triton", GRPC),
    ("internet", "triton", GRPC),
    ("step", "store", 9333),  # SeaweedFS' master knows no keys
    ("trainer", "kfp", 8888),
}


@pytest.mark.parametrize(("source", "target", "port"), sorted(ALLOWED))
def test_what_has_to_talk_may(source: str, target: str, port: int) -> None:
    assert may(source, target, port)


@pytest.mark.parametrize(("source", "target", "port"), sorted(REFUSED))
def test_what_has_no_need_may_not(source: str, target: str, port: int) -> None:
    assert not may(source, target, port)


def test_nothing_is_open_to_everybody() -> None:
    for policy in policies():
        for rule in policy["spec"].get("ingress", ()):
            assert rule.get("from"), policy["metadata"]["name"]


def policies() -> list[Tree]:
    return [item for item in overlay("dev") if item["kind"] == "NetworkPolicy"]


def may(source: str, target: str, port: int) -> bool:
    return _side("Egress", source, target, port) and _side("Ingress", target, source, port)


def _side(direction: str, own: str, other: str, port: int) -> bool:
    """Tells whether the policies of one end's pod let this through."""
    labels, namespace = PODS[own]
    if namespace is not HERE:
        return True  # another namespace has its own policies
    protocol = "UDP" if port == 53 else "TCP"
    applying = [p for p in policies() if _selects(p["spec"]["podSelector"], labels)]
    applying = [p for p in applying if direction in p["spec"]["policyTypes"]]
    peers, rules = ("to", "egress") if direction == "Egress" else ("from", "ingress")
    return not applying or any(
        _peer(rule.get(peers), other) and _port(rule.get("ports"), port, protocol)
        for policy in applying
        for rule in policy["spec"].get(rules, ())
    )


def _peer(peers: list[Tree] | None, other: str) -> bool:
    labels, namespace = PODS[other]
    if not peers:
        return True
    for peer in peers:
        spaces = peer.get("namespaceSelector")
        same = _selects(spaces, namespace) if spaces else namespace is HERE
        if same and _selects(peer.get("podSelector", {}), labels):
            return True
    return False


def _port(ports: list[Tree] | None, port: int, protocol: str) -> bool:
    return not ports or any(p["port"] == port and p["protocol"] == protocol for p in ports)


def _selects(selector: dict[str, Any], labels: dict[str, str]) -> bool:
    for rule in selector.get("matchExpressions", ()):
        value = labels.get(rule["key"])
        if rule["operator"] == "Exists" and value is None:
            return False
        if rule["operator"] == "In" and value not in rule["values"]:
            return False
    return selector.get("matchLabels", {}).items() <= labels.items()
