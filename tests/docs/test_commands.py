"""Every command that the documentation, the help and the manifests show exists with its options."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import yaml

from pipelines.cli.commands import ocr
from tests.pipelines.mistakes import commands

ROOT = Path(__file__).resolve().parents[2]
PAGES = ("*.md", "docs/*.md", "*/README.md", "ocr_lib/*/README.md")
FENCE = re.compile(r"^```\w*[^\n]*\n(.*?)^```", re.DOTALL | re.MULTILINE)
INLINE = re.compile(r"`(ocr [^`\n]+)`")
SEPARATORS = re.compile(r"\|\|?|&&|;|\$\(|\)(?:\s|$)|[<>]\(?|\s#.*")
NOT_A_COMMAND = re.compile(r"ocr [a-z-]+: |ocr label-lengths ")  # an error; CONTRIBUTING.md adds it
PLACEHOLDER = re.compile(r"[A-Z|…<>\[\]]")


def shown(text: str) -> Iterator[str]:
    """Yields the commands in a piece of shell, a line each."""
    for line in text.replace("\\\n", " ").splitlines():
        for part in SEPARATORS.split(line.removeprefix("$ ").strip()):
            command = re.sub(r"^\s*(?:[A-Z_0-9]+=\S*\s+)*", "", part or "")
            if NOT_A_COMMAND.match(command):
                continue
            if command.startswith("ocr "):
                yield command


def documented() -> Iterator[tuple[str, str]]:
    """Yields where a command is shown, and the command."""
    for pattern in PAGES:
        for page in sorted(ROOT.glob(pattern)):
            text = page.read_text("utf-8")
            for block in FENCE.findall(text):
                yield from ((page.name, command) for command in shown(block))
            for inline in INLINE.findall(FENCE.sub("", text)):
                yield from ((page.name, command) for command in shown(inline))
    for name, command in commands():
        examples = (command.help or "").partition("Examples:")[2]
        yield from ((f"help of {name}", line) for line in shown(examples))


def in_manifests() -> Iterator[tuple[str, list[str]]]:
    """Yields the command lines of containers."""
    for file in sorted((ROOT / "manifests").rglob("*.yaml")):
        for document in yaml.safe_load_all(file.read_bytes()):
            yield from ((file.name, words) for words in _containers(document))


def _containers(node: object) -> Iterator[list[str]]:
    if isinstance(node, dict):
        words = [*(node.get("command") or []), *(node.get("args") or [])]
        if words[:1] == ["ocr"]:
            yield words
        for value in node.values():
            yield from _containers(value)
    elif isinstance(node, list):
        for value in node:
            yield from _containers(value)


def complaint(words: list[str]) -> str:
    """Says what is wrong with a command line: a command or an option that does not exist."""
    command: click.Command = ocr
    context = click.Context(ocr, info_name="ocr")
    rest = words[1:]
    while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
        if PLACEHOLDER.search(rest[0]):
            return ""
        found = command.get_command(context, rest[0])
        if found is None:
            return f"no command {rest[0]}"
        command, rest = found, rest[1:]
    known = {option for param in command.get_params(context) for option in param.opts}
    given = {word.partition("=")[0] for word in rest if re.match(r"-[-a-zA-Z]", word)}
    wrong = sorted(name for name in given - known - {"-h"} if not PLACEHOLDER.search(name))
    return f"no option {', '.join(wrong)}" if wrong else ""


def test_documented_commands_exist_with_their_options() -> None:
    lines = list(documented())
    assert len(lines) > 150
    wrong = []
    for where, line in lines:
        if said := complaint(shlex.split(line.replace("'", "").replace('"', ""))):
            wrong.append(f"{where}: {line}: {said}")
    assert wrong == []


def test_containers_run_commands_that_exist_with_their_options() -> None:
    lines = list(in_manifests())
    assert lines
    assert [(where, said) for where, words in lines if (said := complaint(words))] == []


@pytest.mark.parametrize(
    "line",
    ["ocr trane -c x", "ocr pack-lmdb a b c --max-bad 0.1", "ocr models prune --kep 3"],
)
def test_a_wrong_one_is_seen(line: str) -> None:
    assert complaint(line.split())
