"""The command line: exit codes, messages, and only the asked-for module imported."""

import errno
import json
import logging
import os
import re
import subprocess
import sys
from dataclasses import fields

import pytest

from ocr_lib.errors import LabelError, OcrError
from ocr_lib.runspec.options import RunOptions
from pipelines.cli import main as cli
from pipelines.cli.command import command
from pipelines.cli.commands import COMMANDS, ocr
from tests.ocr_lib.data.labels.folders import write_labels


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_examples(name, capsys):
    assert cli.main([name, "--help"]) == 0
    assert f"ocr {name}" in capsys.readouterr().out.split("Examples:")[1]


def run_command(monkeypatch, error):
    def fail():
        raise error

    monkeypatch.setitem(ocr.commands, "broken", command("broken")(fail))
    return cli.main(["broken"])


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (LabelError("gt.txt:3", "no tab", "Put one there"), 2, "gt.txt:3: no tab. Put one there."),
        (OcrError("it does not work"), 1, "it does not work"),
        (OSError(errno.ENOSPC, "No space", "/data/x"), 1, "/data/x: the disk is full. Free some"),
        (PermissionError(errno.EACCES, "Permission denied", "/x"), 1, "/x: Permission denied."),
        (ConnectionRefusedError(111, "Connection refused"), 1, "ocr broken: Connection refused."),
        (BrokenPipeError(errno.EPIPE, "Broken pipe"), 1, "ocr broken: Broken pipe."),
        (MemoryError(), 1, "the memory is full"),
        (ModuleNotFoundError("x", name="paddle.nn"), 1, "needs the package paddle.nn"),
        (KeyError("tab\tesc\x1b"), 1, r"internal error: KeyError: 'tab\tesc\x1b' (test_main.py:"),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_errors_are_one_line_and_an_exit_code(monkeypatch, capsys, error, code, message):
    assert run_command(monkeypatch, error) == code
    shown = capsys.readouterr().err
    assert message in shown
    assert "Traceback" not in shown
    assert len(shown.splitlines()) <= 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["trane"],
            "ocr: trane: no such command. The nearest known name is train. See `ocr --help`.\n",
        ),
        (["zzz"], "ocr: zzz: no such command. See `ocr --help`.\n"),
        ([], "ocr: Missing command. See `ocr --help`.\n"),
        (
            ["fsck", "--helb"],
            "ocr fsck: --helb: no such option. The nearest known name is --help."
            " See `ocr fsck --help`.\n",
        ),
        (
            ["config", "shwo"],
            "ocr config: shwo: no such command. The nearest known name is show."
            " See `ocr config --help`.\n",
        ),
        (["fsck"], "ocr fsck: DIR: is missing. See `ocr fsck --help`.\n"),
        (["train"], "ocr train: --config: is missing. See `ocr train --help`.\n"),
        (["train", "-c"], "ocr train: -c: its value is missing. See `ocr train --help`.\n"),
        (
            ["preflight", "-c", "cpu_line", "--json", "--report", "x"],
            "ocr preflight: --json: its value is missing. See `ocr preflight --help`.\n",
        ),
    ],
)
def test_a_wrong_command_line_is_one_line_with_the_nearest_name(words, message, capsys):
    assert cli.main(words) == 2
    assert capsys.readouterr() == ("", message)


def test_the_fix_for_too_many_bad_lines_names_the_option_that_allows_them(tmp_path, capsys):
    write_labels(tmp_path / "in", 'word_1.jpg, "text"\nword_2.jpg, ""\n')
    command = ["gen-label", str(tmp_path / "in"), str(tmp_path / "out")]
    assert cli.main(command) == 2
    said = capsys.readouterr().err
    (option,) = re.findall(r"--[a-z-]+", said)
    (parameter,) = set(re.findall(r"max_[a-z_]+", said))
    assert cli.main([*command, option, "0.5"]) == 0
    assert parameter in {field.name for field in fields(RunOptions)}


def test_a_variable_that_holds_no_number_is_one_line(monkeypatch, capsys):
    monkeypatch.setenv("PADDLE_LOCAL_SIZE", "two")
    assert cli.main(["fsck", "."]) == 2
    assert capsys.readouterr().err.startswith("ocr fsck: PADDLE_LOCAL_SIZE: 'two' is not a whole")


@pytest.mark.parametrize("how", ["option", "variable"])
def test_a_traceback_is_printed_on_request(monkeypatch, capsys, how):
    def fail(*_):
        raise ZeroDivisionError("no")

    monkeypatch.setattr("pipelines.cli.data.lmdb.verify", fail)
    if how == "variable":
        monkeypatch.setenv("OCR_DEBUG", "1")
    assert cli.main([*(["--debug"] if how == "option" else []), "fsck", "."]) == 1
    shown = capsys.readouterr().err
    assert shown.startswith("Traceback")
    assert shown.splitlines()[-1].startswith("ocr fsck: internal error: ZeroDivisionError: no")


def test_a_wrong_argument_is_one_line(capsys):
    assert cli.main(["gate", __file__, "--proof", "a\x1b[2Jb"]) == 2
    shown = capsys.readouterr().err
    assert shown.startswith("ocr gate: --proof: 'a\\x1b[2Jb' is not one of 'none', ")
    assert shown.endswith("See `ocr gate --help`.\n")
    assert len(shown.splitlines()) == 1


def test_what_the_library_logs_goes_to_standard_error(monkeypatch, capsys):
    def warn():
        logging.getLogger("ocr_lib.storage").warning("this store ignores conditions")

    monkeypatch.setitem(ocr.commands, "warn", command("warn")(warn))
    assert cli.main(["warn"]) == 0
    assert capsys.readouterr().err.endswith(" WARNING storage: this store ignores conditions\n")
    monkeypatch.setenv("OCR_LOG_FORMAT", "json")
    assert cli.main(["warn"]) == 0
    assert json.loads(capsys.readouterr().err)["message"] == "this store ignores conditions"


TALK = """
import sys
from ocr_lib.terminal import echo
from pipelines.cli import main as cli
from pipelines.cli.command import command
from pipelines.cli.commands import ocr

def talk():
    while True:
        echo("a line", err=sys.argv[1] == "err")

ocr.commands["talk"] = command("talk")(talk)
sys.exit(cli.main(["talk"]))
"""


@pytest.mark.parametrize("stream", ["out", "err"])
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_command_whose_reader_goes_away_ends_as_by_sigpipe(stream, unbuffered):
    with subprocess.Popen(
        [sys.executable, "-c", TALK, stream],
        env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        ends = {"out": process.stdout, "err": process.stderr}
        assert ends[stream].readline() == b"a line\n"
        ends.pop(stream).close()
        (other,) = ends.values()
        assert other.read() == b""
        assert process.wait(60) == 141


@pytest.mark.parametrize(
    ("words", "stream"), [(["--help"], "stdout"), (["fsck"], "stderr"), (["fsck", "no"], "stderr")]
)
def test_output_that_no_one_reads_is_no_success(words, stream):
    reader, writer = os.pipe()
    os.close(reader)
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, stream: writer}
    with subprocess.Popen(
        [sys.executable, "-m", "pipelines.cli.main", *words], **streams
    ) as process:
        os.close(writer)
        assert [text for text in process.communicate(timeout=60) if text] == []
    assert process.returncode == 141


STOP = """
import signal, sys
from ocr_lib.errors import UserError
from ocr_lib.terminal import echo
from pipelines.cli import main as cli
from pipelines.cli.command import command
from pipelines.cli.commands import ocr

def stop():
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background ignores it
    echo("a line that waits in the buffer")
    echo("ready", err=True, flush=True)
    sys.stdin.readline()
    if sys.argv[1] == "interrupt":
        signal.raise_signal(signal.SIGINT)
    if sys.argv[1] == "error":
        raise UserError("a", "is wrong", "Mend it")

ocr.commands["stop"] = command("stop")(stop)
sys.exit(cli.main(["stop"]))
"""


@pytest.mark.parametrize(
    ("end", "output", "code", "message"),
    [
        ("interrupt", "closed", 130, ""),
        ("error", "closed", 2, "ocr stop: a: is wrong. Mend it.\n"),
        ("success", "closed", 141, ""),
        ("interrupt", "full", 130, ""),
        ("error", "full", 2, "ocr stop: a: is wrong. Mend it.\n"),
        ("success", "full", 1, "ocr stop: the disk is full. Free some room, then run it again.\n"),
    ],
)
def test_output_that_cannot_be_written_leaves_the_exit_code_as_it_is(end, output, code, message):
    with (
        open("/dev/full", "wb") as full,
        subprocess.Popen(
            [sys.executable, "-c", STOP, end],
            env={**os.environ, "PYTHONUNBUFFERED": ""},
            stdin=subprocess.PIPE,
            stdout=full if output == "full" else subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process,
    ):
        assert process.stderr.readline() == b"ready\n"
        if output == "closed":
            process.stdout.close()
        process.stdin.close()
        assert process.stderr.read().decode() == message
        assert process.wait(60) == code


def test_the_broken_pipe_of_a_child_is_an_error_with_its_message(monkeypatch, capfd):
    def tell():
        with subprocess.Popen(["true"], stdin=subprocess.PIPE, bufsize=0) as child:
            child.wait(60)
            child.stdin.write(b"no one reads this")

    monkeypatch.setitem(ocr.commands, "tell", command("tell")(tell))
    assert cli.main(["tell"]) == 1
    assert capfd.readouterr().err == "ocr tell: Broken pipe.\n"
