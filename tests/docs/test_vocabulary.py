"""The project's prose: phrases that an English-speaking engineer would not write stay out."""

import re
import subprocess
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


def test_no_avoided_phrase_is_written() -> None:
    found = [
        f"{name}:{number}: {match[0]}"
        for name in _files()
        for number, line in enumerate((ROOT / name).read_text("utf-8").splitlines(), start=1)
        for match in AVOIDED.finditer(line)
    ]
    assert not found, "\n".join(found)


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
