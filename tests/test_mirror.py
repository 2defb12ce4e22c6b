"""Each module with logic has a test file of its name, at its path: `python -m tests.test_mirror`.

`ocr_lib/text/ctc.py` is tested by `tests/ocr_lib/text/test_ctc.py`, so a reader finds the tests of
a module, and a module's behaviour is stated in one place.

A module has logic when a function or method in it has a body: constants, re-exports, records of
data and protocols have none. A KFP component (`components/*/component.py`) has none either: it
forwards its arguments to the step beside it, which `test_component_files.py` holds it to.
"""

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("ocr_lib", "components", "pipelines")
LEAST_SHARE = 0.95  # of the modules with logic; raise it as modules get their tests


def test_most_modules_have_tests_of_their_own() -> None:
    modules = modules_with_logic()
    missing = [path for path in modules if not has_tests(path)]
    share = 1 - len(missing) / len(modules)
    assert share >= LEAST_SHARE, "no test file of their own:\n" + "\n".join(map(str, missing))


def test_what_counts_as_logic() -> None:
    method = "class A:\n    x: int = 1\n\n    def one(self) -> int:\n        '''Says.'''\n"
    assert not has_logic("LIMIT = max(1, 2)\nfrom a import b\n")
    assert not has_logic(method)
    assert not has_logic(method + "        ...\n")
    assert has_logic(method + "        return 1\n")
    assert has_logic("def one():\n    return two()\n")


def modules_with_logic() -> list[Path]:
    """Returns the modules that should have tests of their own, relative to the root."""
    return [
        path.relative_to(ROOT)
        for package in PACKAGES
        for path in sorted((ROOT / package).rglob("*.py"))
        if not _is_component(path) and has_logic(path.read_text("utf-8"))
    ]


def has_logic(source: str) -> bool:
    """Returns whether a function or method of a module has a body."""
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    found = [node for node in ast.walk(ast.parse(source)) if isinstance(node, functions)]
    return any(not all(map(_says_nothing, function.body)) for function in found)


def has_tests(module: Path) -> bool:
    """Returns whether a module's own test file holds a test."""
    path = ROOT / "tests" / own_test(module)
    if not path.is_file():
        return False
    found = ast.walk(ast.parse(path.read_text("utf-8")))
    return any(isinstance(n, ast.FunctionDef) and n.name.startswith("test_") for n in found)


def own_test(module: Path) -> Path:
    """Returns the path below `tests/` of a module's own test file.

    That of `a/__init__.py` is `a/test_init.py`.
    """
    return module.with_name(f"test_{module.stem.strip('_')}.py")


def _says_nothing(statement: ast.stmt) -> bool:
    """A docstring, `...`, or the `raise NotImplementedError` of an abstract method."""
    if isinstance(statement, ast.Raise):
        return "NotImplementedError" in ast.unparse(statement)
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _is_component(path: Path) -> bool:
    return path.name == "component.py" and path.parent.parent == ROOT / "components"


if __name__ == "__main__":
    listed = modules_with_logic()
    without = [path for path in listed if not has_tests(path)]
    print(*without, sep="\n")
    print(f"{len(listed) - len(without)} of {len(listed)} modules have tests of their own")
