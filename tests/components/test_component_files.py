"""Components stay thin: what needs more belongs to a library function."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / "components").glob("*/component.py"))
BRANCHES = (ast.If, ast.For, ast.While, ast.Try, ast.Match, ast.IfExp)


def function_of(source: str) -> ast.FunctionDef:
    return next(node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef))


def branches(function: ast.FunctionDef) -> list[str]:
    """Returns what a component decides itself, though its step should."""
    return [ast.unparse(node) for node in ast.walk(function) if isinstance(node, BRANCHES)]


def by_position(function: ast.FunctionDef) -> list[str]:
    """Returns what a component hands to its step without saying what it is.

    A step takes the context and one request, `step(context, Request(model=…, rows=…))`; whatever
    else is given has a keyword. Arguments are never packed: no `*many`, no tuple as a value.
    """
    own = {
        alias.asname or alias.name
        for node in ast.walk(function)
        if isinstance(node, ast.ImportFrom)
        and (node.module or "").startswith("components.")
        and node.module != "components.step_context"
        for alias in node.names
    }
    found = []
    for node in ast.walk(function):
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            is_record = name.rpartition(".")[2][0].isupper()
            allowed = 0 if is_record else 2
            packed = [item for item in node.args if isinstance(item, ast.Starred)]
            tuples = [item for item in node.keywords if isinstance(item.value, ast.Tuple)]
            many = name.partition(".")[0] in own and len(node.args) > allowed
            if packed or tuples or many:
                found.append(ast.unparse(node))
    return found


def test_there_is_one_for_each_step() -> None:
    assert len(FILES) == 11  # nine steps, the exit handler, and the first step of a rejudgement


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.parent.name)
def test_a_component_decides_nothing(path: Path) -> None:
    assert branches(function_of(path.read_text("utf-8"))) == []


def test_components_give_their_steps_keywords() -> None:
    found = {path.parent.name: by_position(function_of(path.read_text("utf-8"))) for path in FILES}
    wrong = {name: calls for name, calls in found.items() if calls}
    assert wrong == {}


COMPONENT = """
def one(a, b):
    from components.one.step import Request, run
    from components.step_context import step_context

    with step_context("one") as context:
        {body}
"""


@pytest.mark.parametrize(
    "body",
    [
        "run(context, Request(a=a, b=b))",
        "run(context, a=a, b=b)",
        "write(run(context, request), a, b, 3)",
    ],
)
def test_keywords_are_accepted(body: str) -> None:
    function = function_of(COMPONENT.format(body=body))
    assert by_position(function) == branches(function) == []


@pytest.mark.parametrize(
    "body",
    [
        "run(context, a, b)",
        "run(context, *pointers)",
        "run(context, Request(a, b=b))",
        "run(context, pair=(a, b))",
        "write(*run(context, request))",
    ],
)
def test_positions_are_found(body: str) -> None:
    assert by_position(function_of(COMPONENT.format(body=body)))


@pytest.mark.parametrize("body", ["run(a if b else None)", "if a: run(b)", "for c in a: run(c)"])
def test_branches_are_found(body: str) -> None:
    assert branches(function_of(COMPONENT.format(body=body)))


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
