"""Calls in source files: in which function they are, and what their names refer to."""

import ast
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]


class Calls(ast.NodeVisitor):
    """Collects calls of a module; a subclass chooses them.

    Attributes:
        names: local name → module, or module.name.
        function: names of the functions around, the innermost last; `module` outside of all.
        found: `function: call` of each.
    """

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        self.function = ["module"]
        self.found: list[str] = []

    @classmethod
    def of(cls, source: str) -> list[str]:
        """Returns the calls of a source text."""
        calls = cls()
        calls.visit(ast.parse(source))
        return calls.found

    @classmethod
    def in_folders(cls, folders: Sequence[str]) -> Iterator[str]:
        """Yields `file: function: call` of all modules in folders of the project."""
        for folder in folders:
            for path in sorted((ROOT / folder).rglob("*.py")):
                for call in cls.of(path.read_text("utf-8")):
                    yield f"{path.relative_to(ROOT).as_posix()}: {call}"

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            name = alias.name if alias.asname else alias.name.partition(".")[0]
            self.names[alias.asname or name] = name

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        for alias in node.names:
            self.names[alias.asname or alias.name] = f"{node.module}.{alias.name}"

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self.function.append(node.name)
        self.generic_visit(node)
        self.function.pop()

    def qualified(self, node: ast.expr) -> str:
        """Returns what a name or an attribute refers to, imports resolved."""
        if isinstance(node, ast.Attribute):
            return f"{self.qualified(node.value)}.{node.attr}"
        return self.names.get(node.id, node.id) if isinstance(node, ast.Name) else "?"

    def add(self, call: str) -> None:
        """Takes a call down, with the function that it is in."""
        self.found.append(f"{self.function[-1]}: {call}")
