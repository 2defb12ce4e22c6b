"""Runs a program with secrets in its arguments that no list of processes shows.

    python -I hidden_arguments.py PROGRAM ARGUMENT…

`{NAME}` in an argument stands for the variable NAME. The program reads the argument with its
value; /proc/PID/cmdline, which every user of a machine may read, shows `{NAME}`.

Whole arguments go with the program's environment, which only its own user may read. A helper
process stops the program (ptrace) when the kernel has laid out its memory and before it has run,
and turns the pointers to its arguments there. It runs with the standard library alone, next to
Triton in NVIDIA's image, too. It replaces itself by the program: process id, signals and exit code
are the program's own.

Source: the layout of a new process's stack (argument count, pointers to the arguments, null,
pointers to the environment, null) is that of the System V ABI; proc(5), `startstack`; ptrace(2).
"""

import ctypes
import os
import re
import shutil
import signal
import struct
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import BinaryIO, NoReturn

USAGE = "usage: hidden_arguments.py PROGRAM ARGUMENT…\n"
HIDDEN = "OCR_HIDDEN_ARGUMENT_"
PLACEHOLDER = re.compile(r"\{([A-Z][A-Z0-9_]*)\}")
POINTER = struct.calcsize("P")
MAX_STRING_BYTES = 1 << 17  # of an argument or variable, the kernel's own limit
FAILED = 126  # exit code of what cannot be run

_PTRACE_SEIZE, _PTRACE_CONT, _PTRACE_LISTEN, _PTRACE_DETACH = 0x4206, 7, 0x4208, 17
_OPTIONS = 0x10 | 0x100000  # PTRACE_O_TRACEEXEC, and PTRACE_O_EXITKILL: never run half set up
_EVENT_EXEC, _EVENT_STOP = 4, 128
_PR_SET_PTRACER = 0x59616D61
_WALL = 0x40000000
_START_STACK = 28 - 3  # field of /proc/PID/stat, counted behind the name


class HiddenError(Exception):
    """The program cannot be given its arguments."""


def filled(argument: str, environment: Mapping[str, str]) -> str:
    """Returns an argument with the values of the variables that it names.

    Raises:
        HiddenError: a variable is not set.
    """

    def value(match: re.Match[str]) -> str:
        if match[1] not in environment:
            raise HiddenError(f"{match[1]}: is not set. Set it for {argument!r}.")
        return environment[match[1]]

    return PLACEHOLDER.sub(value, argument)


def run(command: Sequence[str], environment: Mapping[str, str]) -> NoReturn:
    """Becomes the program.

    Where the machine forbids ptrace, or writing to the memory of a process, the arguments are given
    openly, and standard error says so.

    Args:
        command: the program and its arguments, with placeholders.
        environment: its variables.

    Raises:
        HiddenError: there is no such program, or a variable is not set.
    """
    program = shutil.which(command[0], path=environment.get("PATH"))
    if program is None:
        raise HiddenError(f"{command[0]}: there is no such program. Check PATH.")
    hidden = [argument for argument in command if PLACEHOLDER.search(argument)]
    values = [filled(argument, environment) for argument in hidden]
    if hidden and _start_helper(hidden):
        # last, so that the helper finds them at the end of the environment
        secret = {f"{HIDDEN}{number}": value for number, value in enumerate(values)}
        os.execve(program, list(command), {**environment, **secret})  # noqa: S606
    open_command = [filled(argument, environment) for argument in command]
    os.execve(program, open_command, environment)  # noqa: S606 - what this program is for


def _start_helper(hidden: Sequence[str]) -> bool:
    """Starts the process that waits for this one's exec; returns whether it may."""
    pid, (from_helper, to_parent), (from_parent, to_helper) = os.getpid(), os.pipe(), os.pipe()
    if not (child := os.fork()):
        if os.fork():
            # The helper's parent is init, which reaps it. In a container the program may be init
            # itself: one that does not reap keeps the helper as a zombie.
            os._exit(0)
        os.close(from_helper)
        os.close(to_helper)
        _help(pid, hidden, to_parent, from_parent)
    os.waitpid(child, 0)
    os.close(to_parent)
    os.close(from_parent)
    helper = int(os.read(from_helper, 32) or b"0")
    _libc().prctl(_PR_SET_PTRACER, helper, 0, 0, 0)  # where Yama asks for it
    os.write(to_helper, b"1")
    refusal = os.read(from_helper, 1000).decode()
    os.close(from_helper)
    os.close(to_helper)
    if refusal != "ready":
        sys.stderr.write(
            "warning: secrets are in the arguments of this server's process, which other users "
            f"of this machine may read: they cannot be hidden here ({refusal}).\n"
        )
    return refusal == "ready"


def _help(pid: int, hidden: Sequence[str], to_parent: int, from_parent: int) -> NoReturn:
    """Waits for the exec of a process, gives it its arguments, and ends."""
    code = 1  # a process whose tracer ends before it detached is killed
    try:
        os.write(to_parent, str(os.getpid()).encode())
        os.read(from_parent, 1)
        try:
            _check_access(pid)  # later there is no way back: the arguments hold names by then
            _ptrace(_PTRACE_SEIZE, pid, _OPTIONS)
        except (HiddenError, OSError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            os.write(to_parent, reason.encode())
        else:
            os.write(to_parent, b"ready")
            os.close(to_parent)
            if _reaches_exec(pid):
                reveal(pid, hidden)
                _ptrace(_PTRACE_DETACH, pid, 0)
        code = 0
    except Exception as error:
        sys.stderr.write(f"hidden_arguments.py: {error}\n")
    finally:
        os._exit(code)


def _check_access(pid: int) -> None:
    """Reads the argument count of this process's parent as `reveal` does, and writes it back.

    Raises:
        HiddenError: what is there is not the count.
        OSError: the memory cannot be read or written.
    """
    start = _start_of_stack(pid)
    with open(f"/proc/{pid}/mem", "r+b", buffering=0) as memory:
        memory.seek(start)
        word = memory.read(POINTER)
        if word != struct.pack("P", len(sys.orig_argv)):  # a fork has those of its parent
            raise HiddenError("its memory is laid out in another way")
        memory.seek(start)
        memory.write(word)


def _reaches_exec(pid: int) -> bool:
    """Waits for the exec of a traced process, which gets its signals meanwhile.

    Returns:
        False where it ended before.
    """
    while True:
        _, status = os.waitpid(pid, _WALL)
        if not os.WIFSTOPPED(status):
            return False
        event, number = status >> 16, os.WSTOPSIG(status)
        if event == _EVENT_EXEC:
            return True
        with suppress(ProcessLookupError):  # it was killed: the next wait says so
            if event == _EVENT_STOP and number != signal.SIGTRAP:
                _ptrace(_PTRACE_LISTEN, pid, 0)  # stopped as by job control, until SIGCONT
            else:
                _ptrace(_PTRACE_CONT, pid, 0 if event else number)


def reveal(pid: int, hidden: Sequence[str]) -> None:
    """Turns the pointers of a process that has not run yet to the arguments in its environment.

    Args:
        pid: of a process that this one has stopped.
        hidden: its arguments with placeholders; the last variables of its environment are what
            they stand for, in this order.
    """
    start = _start_of_stack(pid)
    with open(f"/proc/{pid}/mem", "r+b", buffering=0) as memory:

        def pointer(index: int) -> int:
            memory.seek(start + index * POINTER)
            return int(struct.unpack("P", memory.read(POINTER))[0])

        def set_pointer(index: int, address: int) -> None:
            memory.seek(start + index * POINTER)
            memory.write(struct.pack("P", address))

        count = pointer(0)
        arguments = [string(memory, pointer(1 + n)) for n in range(count)]
        first = ends = count + 2
        while pointer(ends):
            ends += 1
        for number, argument in enumerate(hidden):
            variable = ends - len(hidden) + number
            address = pointer(variable)
            name = f"{HIDDEN}{number}=".encode()
            if not string(memory, address).startswith(name):
                raise HiddenError(f"{argument}: is not in the environment")
            place = arguments.index(os.fsencode(argument))
            arguments[place] = b""  # the same one again is the next one
            set_pointer(1 + place, address + len(name))
            set_pointer(variable, pointer(first))  # what the program starts does not inherit it


def _start_of_stack(pid: int) -> int:
    """Returns the address of a process's argument count."""
    with open(f"/proc/{pid}/stat", "rb") as file:
        return int(file.read(4096).rpartition(b")")[2].split()[_START_STACK])


def string(memory: BinaryIO, address: int) -> bytes:
    """Returns what is at an address up to the next null byte, at most about `MAX_STRING_BYTES`.

    Raises:
        HiddenError: the memory ends before.
    """
    content = b""
    while b"\0" not in content and len(content) < MAX_STRING_BYTES:
        memory.seek(address + len(content))
        part = memory.read(4096 - (address + len(content)) % 4096)  # to the page's end
        if not part:
            raise HiddenError("its memory ends in the middle of a string")
        content += part
    return content.partition(b"\0")[0]


def _ptrace(request: int, pid: int, data: int) -> None:
    libc = _libc()
    libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    libc.ptrace.restype = ctypes.c_long
    if libc.ptrace(request, pid, None, data) == -1:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def main(command: Sequence[str]) -> int:
    """Runs a program; returns only where it cannot."""
    if not command:
        sys.stderr.write(USAGE)
        return 2
    try:
        run(command, os.environ)
    except (HiddenError, OSError) as error:
        sys.stderr.write(f"hidden_arguments.py: {error}\n")
        return FAILED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
