"""Nothing below an entry point looks for its surroundings: a store is an argument everywhere."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# What starts a process: the step runner, the agent's `main`, and the command line.
ENTRY_POINTS = {
    "components/step_context.py": {"step_context"},
    "ocr_lib/jobs/agent.py": {"main"},
}
COMMAND_LINE = "pipelines/cli/"


def sources(*folders: str) -> Iterator[tuple[str, ast.Module]]:
    """Yields path and syntax tree of each module of these folders."""
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield str(path.relative_to(ROOT)), ast.parse(path.read_text("utf-8"))


def stores_from_env(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Yields outermost function and line of each call of `Store.from_env`."""
    for statement in tree.body:
        for node in ast.walk(statement):
            if isinstance(node, ast.Attribute) and ast.unparse(node) == "Store.from_env":
                yield getattr(statement, "name", ""), node.lineno


@pytest.mark.parametrize("folder", ["ocr_lib", "components", "pipelines"])
def test_only_entry_points_build_a_store_from_the_environment(folder: str) -> None:
    found = [
        f"{path}:{line} in {function or 'the module'}"
        for path, tree in sources(folder)
        if not path.startswith(COMMAND_LINE)
        for function, line in stores_from_env(tree)
        if function not in ENTRY_POINTS.get(path, set())
    ]
    assert not found, f"take a store as an argument: {found}"


def test_the_entry_points_are_those_listed() -> None:
    for path, functions in ENTRY_POINTS.items():
        tree = ast.parse((ROOT / path).read_text("utf-8"))
        assert {function for function, _ in stores_from_env(tree)} == functions
