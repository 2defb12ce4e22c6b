"""tests/README.md names folders, fixtures and marks that there are, and all marks."""

import ast
import re
import tomllib
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
TEXT = (TESTS / "README.md").read_text("utf-8")


def rows(heading: str) -> list[list[str]]:
    """Returns the cells of the table below a heading, without its head."""
    section = TEXT.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def names(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def test_every_folder_is_there() -> None:
    listed = [name for row in rows("Where a test is") for name in names(row[0])]
    assert len(listed) >= 8
    assert [name for name in listed if not (TESTS / name).is_dir()] == []
    folders = {f"{path.parent.name}/" for path in TESTS.glob("*/__init__.py")}
    assert folders - set(listed) == set()


def test_every_mark_is_listed_and_no_other() -> None:
    project = tomllib.loads((TESTS.parent / "pyproject.toml").read_text("utf-8"))
    marks = {mark.split(":")[0] for mark in project["tool"]["pytest"]["ini_options"]["markers"]}
    assert {name for row in rows("Marks") for name in names(row[0])} == marks


def test_every_fixture_is_where_it_is_said_to_be() -> None:
    table = rows("Fixtures")
    assert len(table) >= 6
    for fixtures, file, _ in table:
        tree = ast.parse((TESTS / names(file)[0]).read_text("utf-8"))
        defined = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
        assert set(names(fixtures)) <= defined, fixtures
