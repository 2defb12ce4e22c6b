import inspect
from pathlib import Path

import pytest

from pipelines.compile import compile_pipeline
from pipelines.placement import STEPS
from pipelines.titles import TITLES
from pipelines.train_and_deploy import build_pipeline
from tests.pipelines.ir import Tree, dump, summarise

GOLDEN = Path(__file__).with_name("golden.yaml")


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("package") / "package.yaml"
    compile_pipeline(path)
    return path.read_bytes()


@pytest.fixture(scope="module")
def tasks(package: bytes) -> dict[str, Tree]:
    return dict(summarise(package)["tasks"])


def test_the_pipeline_is_the_golden_one(package: bytes) -> None:
    assert dump(package) == GOLDEN.read_text("utf-8"), "see tests/pipelines/ir.py"


def test_tasks_run_in_the_order_in_which_titles_and_the_table_name_them(
    tasks: dict[str, Tree],
) -> None:
    assert list(TITLES) == list(STEPS)
    position = {name: number for number, name in enumerate(TITLES)}
    assert set(tasks) == set(position)
    for name, task in tasks.items():
        for before in set(task["after"]) & set(position):  # the others are groups
            assert position[before] < position[name]


def test_only_an_accepted_model_is_exported_and_deployed(tasks: dict[str, Tree]) -> None:
    conditional = {name for name, task in tasks.items() if "evaluate-Output" in str(task["inside"])}
    assert conditional == {"export", "deploy"}


def test_without_anything_new_only_the_plan_and_the_exit_handler_run(
    tasks: dict[str, Tree],
) -> None:
    always = {name for name, task in tasks.items() if "plan-Output" not in str(task["inside"])}
    assert always == {"plan", "clean-up"}


def test_partitions_are_packed_and_predicted_side_by_side(tasks: dict[str, Tree]) -> None:
    looped = {
        name: group.split()[3].rpartition("-")[2]
        for name, task in tasks.items()
        for group in task["inside"]
        if group.startswith("for each of")
    }
    assert looped == {"gen-label": "groups,", "pack-lmdb": "groups,", "predict": "Output,"}


def test_what_no_cache_key_knows_is_not_cached(tasks: dict[str, Tree]) -> None:
    uncached = {name for name, task in tasks.items() if not task["cached"]}
    assert uncached == {"plan", "train", "predict", "evaluate", "deploy", "clean-up"}


def test_every_parameter_is_explained() -> None:
    pipeline = build_pipeline()
    text = inspect.getdoc(pipeline.pipeline_func) or ""
    for name in pipeline.component_spec.inputs:
        assert f"\n    {name}: " in text
