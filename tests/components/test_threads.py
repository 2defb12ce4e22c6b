"""A thread in the background that an exception ends stops its work without a word."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# Of the standard library: an exception in a request is printed, and the server goes on.
PACKAGES = ("components", "pipelines", "ocr_lib/storage", "ocr_lib/jobs", "ocr_lib/serving")
LIBRARY = {"serve_forever"}


def targets() -> Iterator[tuple[str, str]]:
    """Yields file and function of every thread that the steps and commands start."""
    for path in sorted(path for name in PACKAGES for path in ROOT.glob(f"{name}/**/*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("Thread"):
                (target,) = [item.value for item in node.keywords if item.arg == "target"]
                name = ast.unparse(target).rpartition(".")[2]
                if name not in LIBRARY:
                    yield str(path.relative_to(ROOT)), name


THREADS = sorted(targets())


def test_the_threads_are_found() -> None:
    assert ("ocr_lib/storage/store_lease.py", "_renew") in THREADS


@pytest.mark.parametrize(("file", "function"), THREADS)
def test_a_thread_outlives_an_exception_of_any_class(file: str, function: str) -> None:
    tree = ast.parse((ROOT / file).read_text("utf-8"))
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    (found,) = [node for node in functions if node.name == function]
    loops = [node for node in ast.walk(found) if isinstance(node, ast.While | ast.For)]
    caught = {
        ast.unparse(node.type)
        for loop in loops
        for node in ast.walk(loop)
        if isinstance(node, ast.ExceptHandler) and node.type
    }
    assert "Exception" in caught, f"{file}: {function} ends at an exception of another class"
