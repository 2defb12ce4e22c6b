"""Packages of both placements, compiled once."""

import pytest
import yaml

from pipelines.compile import compile_pipeline
from pipelines.placement import PLACEMENTS, BuildOptions, PlacementName
from tests.pipelines.trees import Tree


@pytest.fixture(scope="session", params=PLACEMENTS)
def placement(request: pytest.FixtureRequest) -> PlacementName:
    name: PlacementName = request.param
    return name


@pytest.fixture(scope="session")
def documents(placement: PlacementName, tmp_path_factory: pytest.TempPathFactory) -> list[Tree]:
    path = tmp_path_factory.mktemp("package") / "package.yaml"
    compile_pipeline(path, BuildOptions(placement=placement))
    return list(yaml.load_all(path.read_bytes(), Loader=yaml.CSafeLoader))


@pytest.fixture(scope="session")
def containers(documents: list[Tree]) -> dict[str, Tree]:
    executors = documents[0]["deploymentSpec"]["executors"]
    return {name.removeprefix("exec-"): value["container"] for name, value in executors.items()}


@pytest.fixture(scope="session")
def pods(documents: list[Tree]) -> dict[str, Tree]:
    executors = documents[1]["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    return {name.removeprefix("exec-"): value for name, value in executors.items()}
