"""The table of commands: what is imported when, and completion in a shell."""

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest

from pipelines.cli.commands import COMMANDS, PIPELINE_COMMANDS, SHELLS, ocr
from pipelines.cli.main import main
from tests.pipelines.mistakes import commands

ROOT = Path(__file__).resolve().parents[3]
HEAVY = ("paddle", "kfp", "kfp_server_api", "cv2", "minio", "tritonclient", "onnxruntime", "numpy")
IMPORTED = f"""
import sys
from pipelines.cli.main import main

code = main(sys.argv[1:])
assert code == 0, code
print(*(name for name in {HEAVY!r} if name in sys.modules), file=sys.stderr)
"""


def imported(*words: str, **environment: str) -> set[str]:
    """Returns which of the heavy libraries a command imports, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", IMPORTED, *words],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
        timeout=240,
    )
    return set(done.stderr.split())


@pytest.mark.parametrize(
    "words", [["--help"], ["--version"], ["pipeline", "--help"], ["completion", "bash"]]
)
def test_what_only_lists_commands_imports_no_library(words: list[str]) -> None:
    assert imported(*words) == set()


@pytest.mark.parametrize("name", ["gen-label", "pack-lmdb", "fsck", "dictionary", "synth"])
def test_commands_for_data_import_neither_paddle_nor_kubeflow(name: str) -> None:
    assert not imported(name, "--help") & {"paddle", "kfp", "kfp_server_api", "tritonclient"}


@pytest.mark.parametrize("name", ["train", "eval", "export", "infer", "config", "import"])
def test_paddle_is_imported_only_once_a_network_is_needed(name: str) -> None:
    assert not imported(name, "--help") & {"paddle", "kfp"}


@pytest.mark.parametrize("name", PIPELINE_COMMANDS)
def test_kubeflow_is_imported_only_once_it_is_asked(name: str) -> None:
    assert not imported("pipeline", name, "--help") & {"paddle", "kfp", "kfp_server_api"}


def test_names_are_completed_without_importing_a_command() -> None:
    asked = {"_OCR_COMPLETE": "bash_complete", "COMP_WORDS": "ocr p", "COMP_CWORD": "1"}
    assert imported(**asked) == set()


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("ocr p", ["plain,pack-lmdb", "plain,preflight", "plain,predict", "plain,pipeline"]),
        ("ocr pipeline s", ["plain,schedule", "plain,status"]),
        ("ocr fsck --he", ["plain,--help"]),
        ("ocr gen-label --mode r", ["plain,rec"]),
        ("ocr gen-label ", ["file,"]),
        ("ocr fsck ", ["dir,"]),
        ("ocr train -c ", ["file,"]),
    ],
)
def test_commands_options_and_files_are_completed(
    line: str,
    expected: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("_OCR_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", line)
    monkeypatch.setenv("COMP_CWORD", str(line.count(" ")))
    assert main([]) == 0
    assert capsys.readouterr().out.splitlines() == expected


@pytest.mark.parametrize("shell", SHELLS)
def test_a_shell_takes_its_script(shell: str, tmp_path: Path) -> None:
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"no {shell} here")
    script = tmp_path / "ocr"
    printed = subprocess.run(
        [sys.executable, "-m", "pipelines.cli.main", "completion", shell],
        cwd=ROOT,
        capture_output=True,
        check=True,
        timeout=240,
    )
    script.write_bytes(printed.stdout)
    subprocess.run([program, "-n", str(script)], check=True, timeout=60)


def test_bash_completes_a_command_as_it_is_typed(tmp_path: Path) -> None:
    """With the script that `ocr completion bash` prints, in a real shell."""
    (tmp_path / "ocr").write_text(
        f'#!/bin/sh\ncd {ROOT} && exec {sys.executable} -m pipelines.cli.main "$@"\n'
    )
    (tmp_path / "ocr").chmod(0o755)
    typed = "COMP_WORDS=(ocr roll); COMP_CWORD=1; _ocr_completion ocr; echo ${COMPREPLY[@]}"
    done = subprocess.run(
        ["bash", "--norc", "-c", f"source <(ocr completion bash); {typed}"],
        env={**os.environ, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=240,
        check=True,
    )
    assert done.stdout == "rollback\n"


def test_every_command_of_the_table_is_that_command() -> None:
    context = click.Context(ocr, info_name="ocr")
    for table, parent in (
        (COMMANDS, ocr),
        (PIPELINE_COMMANDS, ocr.get_command(context, "pipeline")),
    ):
        assert isinstance(parent, click.Group)
        for name in table:
            command = parent.get_command(context, name)
            assert command is not None
            assert command.name == name


def test_every_option_says_what_it_is_for() -> None:
    silent = [
        f"{name} {param.opts[0]}"
        for name, command in commands()
        for param in command.params
        if not getattr(param, "help", None)
        and not getattr(param, "hidden", False)
        and getattr(param, "heading", "") != "Thresholds"  # docs/gate.md tells what each means
    ]
    assert silent == []


def test_no_module_of_the_command_line_lies_outside_its_folder() -> None:
    """Thin commands over the libraries: nothing below knows the command line."""
    importers = [
        str(path.relative_to(ROOT))
        for package in ("ocr_lib", "components", "pipelines")
        for path in sorted((ROOT / package).rglob("*.py"))
        if "pipelines/cli" not in str(path)
        for node in ast.walk(ast.parse(path.read_bytes()))
        if isinstance(node, ast.ImportFrom | ast.Import)
        for name in [getattr(node, "module", None) or "", *(alias.name for alias in node.names)]
        if name.startswith(("click", "argparse", "pipelines.cli"))
    ]
    assert importers == []
