import ast
import inspect
import textwrap
from dataclasses import fields
from pathlib import Path

import pytest
import yaml

from ocr_lib.runspec.parameters import RunParameters, parse_parameters
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
    assert looped == {"gen-label": "partitions,", "pack-lmdb": "partitions,", "predict": "Output,"}


def test_what_no_cache_key_knows_is_not_cached(tasks: dict[str, Tree]) -> None:
    uncached = {name for name, task in tasks.items() if not task["cached"]}
    assert uncached == set(TITLES) - {"gen-label", "pack-lmdb", "preflight"}


def test_cached_steps_take_no_run_spec_and_clean_up_takes_the_run_alone(package: bytes) -> None:
    """A cache knows an artifact by its database id, which is another in every run."""
    components = next(yaml.safe_load_all(package))["components"]
    inputs = {
        name.removeprefix("comp-"): {
            *component.get("inputDefinitions", {}).get("artifacts", {}),
            *component.get("inputDefinitions", {}).get("parameters", {}),
        }
        for name, component in components.items()
        if "executorLabel" in component
    }
    with_spec = {name for name, given in inputs.items() if "spec" in given}
    assert with_spec == {"train", "predict", "evaluate", "export", "deploy"}
    assert inputs["clean-up"] == {"run", "status"}


def test_the_twelve_parameters_are_those_that_the_plan_reads_with_the_same_defaults(
    package: bytes,
) -> None:
    root = next(yaml.safe_load_all(package))["root"]["inputDefinitions"]["parameters"]
    defaults = {name: value["defaultValue"] for name, value in root.items()}
    assert len(defaults) == 12
    assert set(defaults) == {item.name for item in fields(RunParameters)}
    assert parse_parameters(defaults) == RunParameters()


def test_the_function_of_the_dag_can_be_read_at_a_glance() -> None:
    source = textwrap.dedent(inspect.getsource(build_pipeline().pipeline_func))
    (function,) = ast.parse(source).body
    assert len(source.splitlines()) <= 100
    assert not [n for n in ast.walk(function) if isinstance(n, ast.For | ast.While | ast.Try)]


def test_every_parameter_is_explained() -> None:
    pipeline = build_pipeline()
    text = inspect.getdoc(pipeline.pipeline_func) or ""
    for name in pipeline.component_spec.inputs:
        assert f"\n    {name}: " in text
