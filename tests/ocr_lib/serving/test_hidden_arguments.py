"""Programs that are given secrets in arguments which no list of processes shows."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ocr_lib.serving import hidden_arguments
from ocr_lib.serving.hidden_arguments import HiddenError, filled

SECRET = "canary5c1e8a7d02"
ENVIRONMENT = {"PATH": os.environ["PATH"], "A_KEY": SECRET, "EMPTY": ""}
LAUNCHER = [sys.executable, "-I", hidden_arguments.__file__]
SHOW = """
import json, os, subprocess, sys
others = "import os; print([key for key in os.environ])"
print(json.dumps({
    "pid": os.getpid(),
    "arguments": sys.argv[1:],
    "shown": open("/proc/self/cmdline").read().split("\\0")[3:-1],
    "inherited": subprocess.check_output([sys.executable, "-c", others], text=True),
    "readable": os.stat("/proc/self/environ").st_mode & 0o077,
}))
sys.exit(7)
"""


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*LAUNCHER, *arguments], env=ENVIRONMENT, capture_output=True, text=True, timeout=60
    )


def test_the_program_has_the_value_and_its_command_line_the_name() -> None:
    given = ["--a=x:{A_KEY}", "plain", "{A_KEY}{A_KEY}", "{A_KEY}", "{A_KEY}", "{EMPTY}", "{not}"]
    process = subprocess.Popen(
        [*LAUNCHER, sys.executable, "-c", SHOW, *given], env=ENVIRONMENT, stdout=subprocess.PIPE
    )
    output, _ = process.communicate(timeout=60)
    shown = json.loads(output)
    two = 2 * SECRET
    assert shown["arguments"] == [f"--a=x:{SECRET}", "plain", two, SECRET, SECRET, "", "{not}"]
    assert shown["shown"] == given
    assert hidden_arguments.HIDDEN not in shown["inherited"]
    assert shown["readable"] == 0  # for others: the environment holds the secret
    assert shown["pid"] == process.pid
    assert process.returncode == 7


def test_without_secrets_the_program_is_run_as_it_is() -> None:
    done = run("sh", "-c", 'echo "$0"; kill -9 $$', "plain")
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGKILL, "plain\n", "")


def test_where_tracing_is_not_allowed_the_program_runs_and_it_is_said() -> None:
    """A process has one tracer at most: here it is the parent of the launcher."""
    seize, go_on = 0x4206, 7
    traced = f"""
import ctypes, os, signal, sys
if not (pid := os.fork()):
    os.kill(os.getpid(), signal.SIGSTOP)
    os.execv(sys.executable, {[*LAUNCHER, sys.executable, "-c", SHOW, "--key={A_KEY}"]!r})
os.waitpid(pid, os.WUNTRACED)
libc = ctypes.CDLL(None)
assert libc.ptrace({seize}, pid, None, None) == 0
os.kill(pid, signal.SIGCONT)
while True:
    _, status = os.waitpid(pid, 0)
    if os.WIFEXITED(status):
        sys.exit(os.WEXITSTATUS(status))
    libc.ptrace({go_on}, pid, None, None)
"""
    done = subprocess.run(
        [sys.executable, "-c", traced],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert json.loads(done.stdout)["arguments"] == [f"--key={SECRET}"]
    assert done.returncode == 7
    assert done.stderr.startswith("warning: secrets are in the arguments of this server's process")
    assert "(Operation not permitted)" in done.stderr
    assert SECRET not in done.stderr


SIGNALLED = f"""
import os, signal, sys
sys.path.insert(0, {str(Path(hidden_arguments.__file__).parent)!r})
import hidden_arguments
execve = os.execve
def execve_after_signals(*command):
    for number in (signal.SIGWINCH, signal.SIGUSR1, signal.SIGSTOP):
        os.kill(os.getpid(), number)
    assert got == [signal.SIGUSR1]
    execve(*command)
got = []
signal.signal(signal.SIGUSR1, lambda number, _: got.append(number))
os.execve = execve_after_signals
sys.exit(hidden_arguments.main(sys.argv[1:]))
"""


def test_signals_before_the_program_runs_are_its_own() -> None:
    """One that is ignored, one that is handled and one that stops, once the helper is ready."""
    command = [sys.executable, "-c", SIGNALLED, sys.executable, "-c", SHOW, "{A_KEY}"]
    process = subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.PIPE)
    _, status = os.waitpid(process.pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status), status
    process.send_signal(signal.SIGCONT)
    output, _ = process.communicate(timeout=60)
    shown = json.loads(output)
    assert (shown["arguments"], shown["shown"]) == ([SECRET], ["{A_KEY}"])
    assert process.returncode == 7


def test_where_memory_cannot_be_written_the_program_runs_and_it_is_said() -> None:
    """ptrace is allowed there: without the memory, the program would be killed at each start."""
    read_only = 'mount --rbind /proc /proc && mount -o remount,bind,ro /proc && exec "$@"'
    inside = ["unshare", "-rm", "sh", "-c", read_only, "sh"]
    done = subprocess.run(
        [*inside, *LAUNCHER, sys.executable, "-c", SHOW, "--key={A_KEY}"],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    if done.stderr.startswith(("unshare:", "mount:")):
        pytest.skip("this machine does not let a user mount")
    assert done.stderr.startswith("warning: secrets are in the arguments of this server's process")
    assert "(Read-only file system)" in done.stderr
    assert json.loads(done.stdout)["arguments"] == [f"--key={SECRET}"]
    assert done.returncode == 7


def test_memory_that_ends_in_a_string_is_no_string(tmp_path: Path) -> None:
    path = tmp_path / "memory"
    path.write_bytes(b"one\0" + b"x" * 5000)
    with path.open("rb") as memory:
        assert hidden_arguments.string(memory, 1) == b"ne"
        with pytest.raises(HiddenError, match=r"^its memory ends in the middle of a string$"):
            hidden_arguments.string(memory, 4)


@pytest.mark.parametrize(
    ("command", "code", "message"),
    [
        ([], 2, "usage: hidden_arguments.py PROGRAM ARGUMENT…"),
        (
            ["sh", "{NO_KEY}"],
            126,
            "hidden_arguments.py: NO_KEY: is not set. Set it for '{NO_KEY}'.",
        ),
        (["no-program", "{A_KEY}"], 126, "no-program: there is no such program. Check PATH."),
        ([__file__, "{A_KEY}"], 126, "there is no such program"),  # cannot be executed
    ],
)
def test_what_cannot_run_is_named(command: list[str], code: int, message: str) -> None:
    done = run(*command)
    assert done.returncode == code
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert SECRET not in done.stderr


def test_values_are_put_where_their_names_are() -> None:
    assert filled("a{X}b{Y_1}{x}", {"X": "{Y_1}", "Y_1": "2"}) == "a{Y_1}b2{x}"
    with pytest.raises(HiddenError, match=r"^X: is not set"):
        filled("{X}", {})


def test_it_needs_no_other_module() -> None:
    """It runs where the project's dependencies are not installed, and the project is no package."""
    alone = [
        sys.executable,
        "-I",
        "-S",
        hidden_arguments.__file__,
        "sh",
        "-c",
        "echo $0",
        "{A_KEY}",
    ]
    done = subprocess.run(
        alone, env=ENVIRONMENT, cwd=Path("/"), capture_output=True, text=True, timeout=60
    )
    assert (done.stdout, done.stderr) == (f"{SECRET}\n", "")
