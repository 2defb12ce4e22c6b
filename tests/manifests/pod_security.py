"""Kubernetes' Pod Security Standard "restricted", as far as these pods use what it limits.

Source: https://kubernetes.io/docs/concepts/security/pod-security-standards
"""

from typing import Any

Tree = dict[str, Any]
VOLUMES = {
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "persistentVolumeClaim",
    "projected",
    "secret",
}


def violations(pod: Tree) -> list[str]:
    """Returns what "restricted" would refuse in a pod's specification."""
    found = [
        f"{key} is set"
        for key in ("hostNetwork", "hostPID", "hostIPC", "hostUsers")
        if pod.get(key) not in (None, False)
    ]
    own = pod.get("securityContext", {})
    if own.get("sysctls") or own.get("seLinuxOptions") or own.get("appArmorProfile"):
        found.append("sysctls, SELinux or AppArmor are set")
    for volume in pod.get("volumes", ()):
        if kinds := set(volume) - {"name"} - VOLUMES:
            found.append(f"volume {volume['name']} is a {kinds}")
    for container in (*pod.get("initContainers", ()), *pod["containers"]):
        found += [f"{container['name']}: {what}" for what in _violations(container, own)]
    return found


def _violations(container: Tree, pod: Tree) -> list[str]:
    own = container.get("securityContext", {})
    capabilities = own.get("capabilities", {})
    both = {**pod, **own}
    checks = {
        "privileged": own.get("privileged") not in (None, False),
        "may escalate privileges": own.get("allowPrivilegeEscalation") is not False,
        "keeps capabilities": "ALL" not in capabilities.get("drop", ()),
        "adds capabilities": set(capabilities.get("add", ())) > {"NET_BIND_SERVICE"},
        "may be root": both.get("runAsNonRoot") is not True,
        "is root": both.get("runAsUser") == 0,
        "no seccomp profile": both.get("seccompProfile", {}).get("type")
        not in ("RuntimeDefault", "Localhost"),
        "has host ports": any(port.get("hostPort") for port in container.get("ports", ())),
    }
    return [what for what, wrong in checks.items() if wrong]
