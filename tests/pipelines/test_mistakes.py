"""Every command of `ocr` with every kind of mistake in each of its arguments.

Each ends with exit code 2 and one line that names the argument or what was typed, and leaves the
folders as they were. A new argument needs a row in `mistakes.py`.
"""

import socket
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from ocr_lib.storage.s3_server import S3Server
from ocr_lib.terminal import printable
from pipelines.cli.main import main
from pipelines.kfp_api.api import Kubeflow
from tests.pipelines.mistakes import COMMANDS, MISTAKES, Argument, commands, write_inputs

Capture = pytest.CaptureFixture[str]
RIGHT = {"any word": "x", "text": "x"}  # of arguments that a command goes without


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_inputs(tmp_path_factory.mktemp("inputs"))


@pytest.fixture(scope="module")
def closed() -> Iterator[str]:
    """An address at which nothing answers, held so that nothing will."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{held.getsockname()[1]}"


@pytest.fixture(autouse=True)
def environment(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in s3_server.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setitem(Kubeflow.__init__.__kwdefaults__, "read_for_s", 0.0)  # asks once


@pytest.fixture(scope="module")
def all_commands() -> dict[str, click.Command]:
    return dict(commands())


def snapshot(folder: Path) -> dict[Path, int]:
    return {path: path.lstat().st_size for path in folder.rglob("*")}


@pytest.mark.parametrize("name", COMMANDS)
def test_each_mistake_is_one_line_that_names_it(
    name: str, inputs: Path, closed: str, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(inputs)
    arguments = COMMANDS[name]
    before = snapshot(inputs)
    wrong = []
    for argument in arguments:
        for kind, value in MISTAKES[argument.kind].items():
            words = [*name.split()]
            for other in arguments:
                right = other.value and other.value.format(closed=closed)
                given = value if other is argument else right
                words += [] if given is None else other.words(given)
            code, said = main(words), capsys.readouterr().err
            if complaint := complain(argument, value, code, said):
                wrong.append(f"{argument.name}, {kind} ({value[:40]!r}): {complaint}")
    assert wrong == []
    assert snapshot(inputs) == before


def complain(argument: Argument, value: str, code: int, said: str) -> str:
    """Says what is wrong with how a mistake was answered; "" where nothing is."""
    lines = said.splitlines()
    if code != 2:
        return f"exit code {code}: {said[:300]}"
    if len(lines) != 1 or "Traceback" in said or "internal error" in said:
        return f"not one line: {said[:300]}"
    if any(not character.isprintable() for character in lines[0]):
        return f"control characters: {said[:300]!r}"
    if argument.name not in said and not (value and printable(value)[:40] in said):
        return f"the argument is not named: {said[:300]}"
    return ""


@pytest.mark.parametrize("name", COMMANDS)
def test_an_option_that_does_not_exist_is_named(name: str, capsys: Capture) -> None:
    assert main([*name.split(), "--nosuch"]) == 2
    said = capsys.readouterr().err
    assert len(said.splitlines()) == 1
    assert f"ocr {name}: --nosuch: no such option." in said


@pytest.mark.parametrize("name", COMMANDS)
def test_an_option_without_its_value_is_named(
    name: str, all_commands: dict[str, click.Command], capsys: Capture
) -> None:
    for param in all_commands[name].params:
        if isinstance(param, click.Option) and takes_value(param):
            for following in ([], ["--help"]):
                assert main([*name.split(), param.opts[0], *following]) == 2
                missing = (
                    f"ocr {name}: {param.opts[0]}: its value is missing. See `ocr {name} --help`"
                )
                assert capsys.readouterr() == ("", f"{missing}.\n")


@pytest.mark.parametrize("name", COMMANDS)
def test_an_argument_too_many_is_named(
    name: str,
    all_commands: dict[str, click.Command],
    inputs: Path,
    closed: str,
    capsys: Capture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if any(param.nargs == -1 for param in all_commands[name].params):
        return  # takes as many as there are
    monkeypatch.chdir(inputs)
    words = name.split()
    for argument in COMMANDS[name]:
        given = argument.value or (None if argument.name.startswith("-") else RIGHT[argument.kind])
        words += [] if given is None else argument.words(given.format(closed=closed))
    assert main([*words, "one-too-many"]) == 2
    said = capsys.readouterr().err
    assert "one-too-many" in said
    assert len(said.splitlines()) == 1


def test_every_argument_of_every_command_has_its_mistakes() -> None:
    """An argument without a value can hardly be wrong; the others need a row."""
    missing = []
    for name, command in commands():
        rows = {argument.name for argument in COMMANDS.get(name, ())}
        for param in command.params:
            names = {*param.opts, param.human_readable_name}
            if takes_value(param) and not names & rows:
                missing.append(f"{name} {param.name}")
    assert missing == []


def takes_value(param: click.Parameter) -> bool:
    if isinstance(param, click.Option):
        return not (param.is_flag or param.hidden)
    return True


HOSTILE = "a\x1b[2J\u202eb\nc.png"


def test_names_from_outside_cannot_control_the_terminal(
    inputs: Path, tmp_path: Path, capsys: Capture
) -> None:
    (tmp_path / HOSTILE).write_bytes(b"no image")
    (tmp_path / "labels.txt").write_text("a\x1b[2J\u202eb.png\tx\n")
    for words in (
        ["predict", str(inputs / "bundle"), str(tmp_path / HOSTILE)],
        ["pack-lmdb", str(tmp_path / "labels.txt"), str(tmp_path), str(tmp_path / "out")],
        ["gen-label", str(tmp_path / "labels.txt"), str(tmp_path / "list")],
    ):
        assert main(words) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert line.isprintable()
        assert r"[2J\u202eb" in line  # what stands there can be seen
