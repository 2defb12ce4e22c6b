"""Judging a run again: the steps from predict on, of a run that was judged before."""

from pathlib import Path

import pytest
import yaml

from pipelines.compile import compile_rejudge
from pipelines.placement import row_of
from pipelines.titles import REJUDGE_TITLES
from tests.pipelines.ir import summarise
from tests.pipelines.trees import Tree


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("rejudge") / "package.yaml"
    compile_rejudge(path)
    return path.read_bytes()


@pytest.fixture(scope="module")
def summary(package: bytes) -> Tree:
    return summarise(package)


def test_it_takes_a_run_and_trains_nothing(summary: Tree) -> None:
    assert list(summary["parameters"]) == ["run"]
    assert set(summary["tasks"]) == set(REJUDGE_TITLES)
    assert {task["title"] for task in summary["tasks"].values()} == set(REJUDGE_TITLES.values())


def test_nothing_of_it_is_cached(summary: Tree) -> None:
    assert not [name for name, task in summary["tasks"].items() if task["cached"]]


def test_its_steps_run_where_those_of_a_run_do(summary: Tree) -> None:
    for name, task in summary["tasks"].items():
        assert int(task["timeout_s"]) == row_of(name).timeout_s
        assert f"ocr-store-{row_of(name).key}" in task["secrets"]


def test_only_an_accepted_model_is_exported_and_deployed(summary: Tree) -> None:
    conditional = {
        name for name, task in summary["tasks"].items() if "evaluate-Output" in str(task["inside"])
    }
    assert conditional == {"export", "deploy"}


def test_the_same_bytes_each_time(package: bytes, tmp_path: Path) -> None:
    compile_rejudge(tmp_path / "again.yaml")
    assert (tmp_path / "again.yaml").read_bytes() == package
    assert len(list(yaml.safe_load_all(package))) == 2
