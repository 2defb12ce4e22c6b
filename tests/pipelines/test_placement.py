"""Where each step runs, and what it asks for."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from ocr_lib.errors import ConfigError
from pipelines.compile import compile_pipeline
from pipelines.placement import STEPS, BuildOptions, PlacementName, options_of
from tests.pipelines.trees import Tree


def test_every_step_has_a_place_and_no_other_pod_runs(
    pods: dict[str, Tree], containers: dict[str, Tree]
) -> None:
    assert set(pods) == set(containers) == set(STEPS)


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


@pytest.mark.parametrize("package", [{}, {"pipeline_spec": {}}, None, {"deploymentSpec": {}}])
def test_a_package_that_says_nothing_of_its_steps_is_refused(package: Any) -> None:
    with pytest.raises(ConfigError, match="does not say where its steps run"):
        options_of(package)
