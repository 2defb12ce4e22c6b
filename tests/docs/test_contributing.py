"""CONTRIBUTING.md does what it says: its examples, applied to a copy of the tree, run."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "CONTRIBUTING.md"
EXAMPLE = re.compile(r"^### (.+?)\n(.*?)(?=^###? |\Z)", re.DOTALL | re.MULTILINE)
FENCE = re.compile(r"^```(\w+)(?: file=(\S+))?\n(.*?)^```$", re.DOTALL | re.MULTILINE)
COPIED = ("ocr_lib", "components", "pipelines", "tests", "pyproject.toml")

EXAMPLES = dict(EXAMPLE.findall(PAGE.read_text("utf-8")))


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the sources to which all examples are applied, one after another."""
    copy = tmp_path_factory.mktemp("contributing")
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, copy / name)
    return copy


def apply_diff(file: Path, diff: str) -> None:
    """Replaces the lines with a space or `-` by those with a space or `+`; they occur once."""
    lines = diff.splitlines(keepends=True)
    before = "".join(line[1:] for line in lines if line[0] in " -")
    after = "".join(line[1:] for line in lines if line[0] in " +")
    text = file.read_text("utf-8")
    assert text.count(before) == 1, f"{file}: these lines are not there once:\n{before}"
    file.write_text(text.replace(before, after), "utf-8")


def run(command: str, tree: Path) -> None:
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(tree),
    }
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command],
        cwd=tree,
        env=environment,
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    output = f"$ {command}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    sys.stdout.write(output)
    assert done.returncode == 0, output


@pytest.mark.parametrize("title", EXAMPLES)
def test_example_runs(title: str, tree: Path):
    commands = 0
    for language, file, text in FENCE.findall(EXAMPLES[title]):
        if language == "diff":
            apply_diff(tree / file, text)
        elif file:
            (tree / file).parent.mkdir(parents=True, exist_ok=True)
            assert not (tree / file).exists(), f"{file} is there already"
            (tree / file).write_text(text, "utf-8")
        elif language == "sh":
            run(text, tree)
            commands += 1
    assert commands


def test_every_kind_of_addition_has_an_example():
    assert set(EXAMPLES) >= {f"Add a {kind}" for kind in ("backbone", "head", "step", "command")}
