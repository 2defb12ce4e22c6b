"""Roles grant what the code asks Kubernetes for, and nothing else."""

import ast
import re
from pathlib import Path

from components.clean_up.step import end_job
from ocr_lib.jobs.garbage_collector import RetentionLimits, collect_garbage
from ocr_lib.jobs.paddlejob import ANNOTATION_RUN
from ocr_lib.jobs.resources import TOKEN_SECRET
from ocr_lib.storage.access_policy import ACCESS, secret_name
from tests.manifests.overlays import ROOT, Tree, one, overlay
from tests.ocr_lib.jobs.api_server import ApiServer

Right = tuple[str, str, str]  # API group, resource, verb

CLUSTER = ROOT / "ocr_lib" / "jobs" / "kubernetes_api.py"
JOBS = sorted((ROOT / "ocr_lib" / "jobs").glob("*.py"))
TRAIN = [path for path in JOBS if path.stem != "garbage_collector"]
CLEAN_UP = ROOT / "components" / "clean_up" / "step.py"
CALLS = {
    "create_namespaced_custom_object": ("kubeflow.org", "paddlejobs", "create"),
    "get_namespaced_custom_object": ("kubeflow.org", "paddlejobs", "get"),
    "list_namespaced_custom_object": ("kubeflow.org", "paddlejobs", "list"),
    "delete_namespaced_custom_object": ("kubeflow.org", "paddlejobs", "delete"),
    "list_namespaced_pod": ("", "pods", "list"),
    "list_namespaced_event": ("", "events", "list"),
    "read_namespaced_pod_log": ("", "pods/log", "get"),
}
# Kubernetes lets every account ask which resources there are (the role system:discovery).
WITHOUT_RIGHT = {"get_api_resources"}


def rights_of_methods() -> dict[str, set[Right]]:
    """Method of `KubernetesApi` → what it needs; fails for a call that CALLS does not know."""
    tree = ast.parse(CLUSTER.read_text())
    (cluster,) = [n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == "KubernetesApi"]
    found: dict[str, set[Right]] = {}
    for method in [n for n in cluster.body if isinstance(n, ast.FunctionDef)]:
        calls = re.findall(r"self\._(?:core|custom)\.(\w+)\(", ast.unparse(method))
        found[method.name] = {CALLS[call] for call in calls if call not in WITHOUT_RIGHT}
    return found


def rights_of_modules(files: list[Path]) -> set[Right]:
    methods = rights_of_methods()
    called = {
        name
        for file in files
        for name in re.findall(r"\b_?cluster\.(\w+)\(", file.read_text())
        if name in methods
    }
    return set().union(*(methods[name] for name in called))


def rights_of_role(name: str) -> set[Right]:
    role: Tree = one(overlay("dev"), "Role", name)
    return {
        (group, resource, verb)
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def test_the_steps_role_grants_just_what_their_code_calls() -> None:
    assert rights_of_role("ocr-train") == rights_of_modules([*TRAIN, CLEAN_UP])


def test_only_the_launcher_and_the_reaper_may_touch_training_jobs() -> None:
    """A run has one account for all of its pods, which thus must not be able to start others."""
    assert roles_of("ocr-pipeline") == {"ocr-kfp-step"}
    assert roles_of("ocr-launcher") == {"ocr-train"}
    assert not [right for right in rights_of_role("ocr-kfp-step") if right[0] == "kubeflow.org"]
    owners = {
        subject["name"]
        for binding in overlay("dev")
        if binding["kind"] == "RoleBinding"
        and any(
            group == "kubeflow.org" for group, _, _ in rights_of_role(binding["roleRef"]["name"])
        )
        for subject in binding["subjects"]
    }
    assert owners == {"ocr-launcher", "ocr-reaper"}


def test_the_token_that_the_package_mounts_is_the_launcher_s_and_no_account_may_read_it() -> None:
    secret = one(overlay("dev"), "Secret", TOKEN_SECRET)
    account = secret["metadata"]["annotations"]["kubernetes.io/service-account.name"]
    assert one(overlay("dev"), "ServiceAccount", account)["automountServiceAccountToken"] is False
    assert roles_of(account) == {"ocr-train"}
    readable = {
        name
        for role in overlay("dev")
        if role["kind"] == "Role"
        for rule in role["rules"]
        if "secrets" in rule["resources"]
        for name in rule["resourceNames"]
    }
    assert readable == {secret_name("kfp")}


def roles_of(account: str) -> set[str]:
    return {
        item["roleRef"]["name"]
        for item in overlay("dev")
        if item["kind"] == "RoleBinding"
        and account in {subject["name"] for subject in item["subjects"]}
    }


def test_the_reaper_s_role_grants_just_what_a_reaper_asks_for() -> None:
    with ApiServer() as server:
        server.jobs["over"] = {
            "metadata": {
                "name": "over",
                "creationTimestamp": "2020-01-01T00:00:00Z",
                "annotations": {ANNOTATION_RUN: "r"},
            },
            "spec": {},
        }
        assert set(collect_garbage(server.cluster, RetentionLimits(), end_job, 0.0)) == {"over"}
        asked = {right_of(request) for request in server.asked}
    assert rights_of_role("ocr-reaper") == asked


def right_of(request: str) -> Right:
    """Returns the right that a request to an API server takes."""
    method, path = request.split(" ")[:2]
    words = path.strip("/").split("/")
    group = "" if words[0] == "api" else words[1]
    resource, *name = words[words.index("namespaces") + 2 :]
    verbs = {"GET": "get" if name else "list", "DELETE": "delete", "POST": "create"}
    return group, resource, verbs[method]


def test_every_call_to_kubernetes_is_made_in_one_module() -> None:
    others = [
        path
        for package in ("components", "pipelines", "ocr_lib")
        for path in (ROOT / package).rglob("*.py")
        if path != CLUSTER and re.search(r"\bCoreV1Api\b|\bCustomObjectsApi\b", path.read_text())
    ]
    assert not others


def test_no_role_has_a_wildcard_or_reaches_beyond_its_namespace() -> None:
    kinds = {item["kind"] for item in overlay("prod")}
    assert not kinds & {"ClusterRole", "ClusterRoleBinding"}
    for item in overlay("prod"):
        if item["kind"] == "Role":
            for rule in item["rules"]:
                assert not {"*"} & {*rule["apiGroups"], *rule["resources"], *rule["verbs"]}
                if "secrets" in rule["resources"]:
                    assert rule["resourceNames"]
                    assert rule["verbs"] == ["get"]


def test_every_role_is_bound_and_every_binding_leads_somewhere() -> None:
    objects = overlay("prod")
    roles = {item["metadata"]["name"] for item in objects if item["kind"] == "Role"}
    bindings = [item for item in objects if item["kind"] == "RoleBinding"]
    assert {item["roleRef"]["name"] for item in bindings} == roles
    for item in bindings:
        for subject in item["subjects"]:
            assert one(objects, "ServiceAccount", subject["name"])


def test_the_minio_setup_job_knows_the_key_of_every_stage() -> None:
    pod = one(overlay("dev-minio"), "Job", "store-setup")["spec"]["template"]["spec"]
    (keys,) = [volume for volume in pod["volumes"] if volume["name"] == "keys"]
    mounted = {
        source["secret"]["name"]: {item["path"] for item in source["secret"]["items"]}
        for source in keys["projected"]["sources"]
    }
    assert mounted == {
        secret_name(stage): {f"{stage}/accesskey", f"{stage}/secretkey"} for stage in ACCESS
    }
