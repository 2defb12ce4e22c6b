"""Every pod of the package: where it runs, as whom, with which secrets, for how long."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from ocr_lib.storage.access_policy import ACCESS, secret_name
from ocr_lib.storage.secrets import TRITON_SECRET
from pipelines.compile import MAX_COMPONENT_BYTES, compile_pipeline
from pipelines.placement import PLACEMENTS, POOL_LABEL, STEPS, BuildOptions, PlacementName
from pipelines.task_settings import USER_ID

Tree = dict[str, Any]
DAY_S = 24 * 3600


@pytest.fixture(scope="module", params=PLACEMENTS)
def placement(request: pytest.FixtureRequest) -> PlacementName:
    name: PlacementName = request.param
    return name


@pytest.fixture(scope="module")
def documents(placement: PlacementName, tmp_path_factory: pytest.TempPathFactory) -> list[Tree]:
    path = tmp_path_factory.mktemp("package") / "package.yaml"
    compile_pipeline(path, BuildOptions(placement=placement))
    return list(yaml.load_all(path.read_bytes(), Loader=yaml.CSafeLoader))


@pytest.fixture(scope="module")
def containers(documents: list[Tree]) -> dict[str, Tree]:
    executors = documents[0]["deploymentSpec"]["executors"]
    return {name.removeprefix("exec-"): value["container"] for name, value in executors.items()}


@pytest.fixture(scope="module")
def pods(documents: list[Tree]) -> dict[str, Tree]:
    executors = documents[1]["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    return {name.removeprefix("exec-"): value for name, value in executors.items()}


def test_every_step_has_a_place_and_no_other_pod_runs(
    pods: dict[str, Tree], containers: dict[str, Tree]
) -> None:
    assert set(pods) == set(containers) == set(STEPS)


@pytest.mark.parametrize("step", list(STEPS))
def test_a_pod_is_no_root_and_stays_in_its_pool_where_there_are_any(
    pods: dict[str, Tree], placement: PlacementName, step: str
) -> None:
    pod, pool = pods[step], STEPS[step].pool
    assert pod["securityContext"] == {
        "runAsUser": str(USER_ID),
        "runAsGroup": str(USER_ID),
        "runAsNonRoot": True,
    }
    if placement == "one-node":
        assert not {"nodeSelector", "tolerations"} & set(pod)
        return
    assert pod["nodeSelector"]["labels"] == {POOL_LABEL: pool}
    toleration = {"key": POOL_LABEL, "operator": "Equal", "value": pool, "effect": "NoSchedule"}
    assert pod["tolerations"] == [toleration]


@pytest.mark.parametrize("step", list(STEPS))
def test_a_pod_ends_in_time(pods: dict[str, Tree], step: str) -> None:
    assert 0 < int(pods[step]["activeDeadlineSeconds"]) <= 7 * DAY_S


@pytest.mark.parametrize("step", list(STEPS))
def test_secrets_are_references_to_the_key_of_the_step(
    documents: list[Tree], pods: dict[str, Tree], step: str
) -> None:
    assert STEPS[step].key in ACCESS
    given = {
        entry["envVar"]: secret["secretName"]
        for secret in pods[step]["secretAsEnv"]
        for entry in secret["keyToEnv"]
    }
    store = secret_name(STEPS[step].key)
    expected = {"AWS_ACCESS_KEY_ID": store, "AWS_SECRET_ACCESS_KEY": store}
    if step == "deploy":  # the only step that changes what the servers serve
        expected["OCR_TRITON_ADMIN_KEY"] = TRITON_SECRET
    assert given == expected


@pytest.mark.parametrize("step", list(STEPS))
def test_a_container_asks_for_what_the_table_says(
    containers: dict[str, Tree], placement: PlacementName, step: str
) -> None:
    resources, row = containers[step]["resources"], STEPS[step].resources(placement)
    assert resources["resourceCpuRequest"] == row.cpu
    assert resources["resourceMemoryRequest"] == row.memory
    assert resources["resourceMemoryLimit"] == row.memory_limit
    devices = resources.get("accelerator", {}).get("resourceCount", "0")
    on_pool = placement == "pools" and STEPS[step].uses_accelerator
    assert int(devices) == int(on_pool)


@pytest.mark.parametrize("step", list(STEPS))
def test_a_container_carries_little_code_and_no_secret(
    containers: dict[str, Tree], step: str
) -> None:
    container = containers[step]
    text = "".join(container["command"] + container["args"])
    assert len(text.encode()) < MAX_COMPONENT_BYTES / 10
    assert "pip install" not in text
    assert not container.get("env")


def test_no_pod_asks_for_the_host(documents: list[Tree]) -> None:
    text = yaml.safe_dump(documents[1])
    for word in ("hostPath", "hostNetwork", "privileged", "capabilities"):
        assert word not in text


@pytest.mark.parametrize(
    ("options", "devices"),
    [
        (BuildOptions(train_accelerators=0), {}),
        (BuildOptions(placement="one-node"), {}),
        (
            BuildOptions(placement="one-node", train_accelerators=2, accelerator="amd.com/gpu"),
            {"train": "2", "predict": "1", "export": "1"},
        ),
    ],
    ids=["none", "one node", "one node with two"],
)
def test_a_cluster_is_asked_for_the_devices_it_has(
    options: BuildOptions, devices: dict[str, str], tmp_path: Path
) -> None:
    compile_pipeline(tmp_path / "package.yaml", options)
    content = (tmp_path / "package.yaml").read_bytes()
    spec = next(yaml.load_all(content, Loader=yaml.CSafeLoader))
    found = {
        name.removeprefix("exec-"): device
        for name, executor in spec["deploymentSpec"]["executors"].items()
        if (device := executor["container"]["resources"].get("accelerator"))
    }
    assert {name: device["resourceCount"] for name, device in found.items()} == devices
    assert {device["resourceType"] for device in found.values()} <= {options.accelerator}
