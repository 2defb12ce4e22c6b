"""The project's words: phrases and names that an English-speaking engineer would not write."""

import ast
import re
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
AVOIDED = re.compile(
    r"\b(whoever|somebody|nobody|so many|otherwise than|anew|what ails|lines that decide"
    r"|the one that|lies (?:in|at|there|beside|below))\b",
    re.IGNORECASE,
)
READ = (".py", ".md", ".yaml", ".sh", ".Dockerfile", ".toml")
HERE = Path(__file__).relative_to(ROOT)
PACKAGES = ("ocr_lib", "components", "pipelines")

# Names that say what happened to a thing, not what it is.
SAYS_NOTHING = frozenset(
    (
        *("found", "wanted", "made", "own", "theirs", "mine"),
        *("asked", "said", "there", "go", "kept", "here"),
    )
)

# Classes that share their name with another one, and why.
SHARED_NAMES = {
    "TritonPythonModel": "Triton looks for a class of this name in each model",
}


def test_no_avoided_phrase_is_written() -> None:
    written = [
        f"{name}:{number}: {match[0]}"
        for name in _files()
        for number, line in enumerate((ROOT / name).read_text("utf-8").splitlines(), start=1)
        for match in AVOIDED.finditer(line)
    ]
    assert not written, "\n".join(written)


@pytest.mark.parametrize(
    "line", ["Whoever reads this", "every so many steps", "It lies in the store", "made anew"]
)
def test_the_pattern_sees_them(line: str) -> None:
    assert AVOIDED.search(line)


def _files() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    )  # fmt: skip
    names = [Path(name) for name in listed.stdout.splitlines()]
    return [
        name for name in names if name.suffix in READ and name != HERE and (ROOT / name).is_file()
    ]


def test_no_name_says_nothing() -> None:
    unclear = [
        f"{file}:{line}: {name}"
        for file in _modules()
        for name, line in _names(ast.parse((ROOT / file).read_text("utf-8")))
        if name.strip("_").lower() in SAYS_NOTHING
    ]
    assert not unclear, "\n".join(unclear)


@pytest.mark.parametrize(
    "code",
    [
        "found = 1", "def made(): ...", "def f(theirs): ...", "a.wanted", "f(own=1)",
        "class _There: ...", "import a as here", "for said in a: ...", "except E as asked: ...",
    ],
)  # fmt: skip
def test_every_kind_of_name_is_read(code: str) -> None:
    if code.startswith("except"):
        code = f"try: ...\n{code}"
    assert any(name.strip("_").lower() in SAYS_NOTHING for name, _ in _names(ast.parse(code)))


def test_no_two_classes_share_a_name() -> None:
    classes = defaultdict(list)
    for file in _modules():
        for node in ast.parse((ROOT / file).read_text("utf-8")).body:
            if isinstance(node, ast.ClassDef):
                classes[node.name.strip("_")].append(file)
    shared = {name: files for name, files in classes.items() if len(files) > 1}
    assert shared.keys() == SHARED_NAMES.keys(), shared


def _modules() -> list[str]:
    return [
        name.as_posix() for name in _files() if name.suffix == ".py" and name.parts[0] in PACKAGES
    ]


def _names(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Yields every identifier of a module, with its line."""
    for node in ast.walk(tree):
        for attribute in ("id", "arg", "attr", "name", "asname"):
            name = getattr(node, attribute, None)
            if isinstance(name, str):
                yield name.rpartition(".")[2], getattr(node, "lineno", 0)
