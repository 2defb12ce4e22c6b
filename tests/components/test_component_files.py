"""Components stay thin: what needs more belongs to a library function."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / "components").glob("*/component.py"))
MAX_LINES = 80
MAX_STATEMENTS = 14


def test_there_is_one_for_each_step() -> None:
    assert len(FILES) == 10  # nine steps and the exit handler


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.parent.name)
def test_a_component_is_short_and_straight(path: Path) -> None:
    text = path.read_text("utf-8")
    function = next(n for n in ast.parse(text).body if isinstance(n, ast.FunctionDef))
    body = [node for node in ast.walk(function) if isinstance(node, ast.stmt)]
    assert len(text.splitlines()) <= MAX_LINES
    assert len(body) - 1 <= MAX_STATEMENTS + 2  # its own line, the docstring, the `with`
    assert not [n for n in body if isinstance(n, ast.If | ast.For | ast.While | ast.Try)]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.parent.name)
def test_the_step_is_imported_once_the_runner_has_set_up_the_process(path: Path) -> None:
    function = next(
        n for n in ast.parse(path.read_text("utf-8")).body if hasattr(n, "decorator_list")
    )
    first, runner = function.body[1:]  # after the docstring
    assert ast.unparse(first) == "from components.step_context import step_context"
    assert isinstance(runner, ast.With)
    assert ast.unparse(runner.items[0]).startswith("step_context(")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.parent.name)
def test_nothing_is_imported_outside_the_function_but_kfp_and_images(path: Path) -> None:
    # Only the function's own source reaches the step's container.
    modules = [
        node.module
        for node in ast.parse(path.read_text("utf-8")).body
        if isinstance(node, ast.ImportFrom)
    ]
    used_by_decorator = {"components.train.task_config"}
    assert set(modules) - used_by_decorator - {"typing"} == {"kfp", "kfp.dsl", "components.images"}
