"""Secrets that are known are searched for in all that a run of the whole pipeline leaves behind."""

import itertools
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ocr_lib.serving.triton_env import triton_venv
from tests.faults.cases import NotInjectedError, cases, random_for
from tests.ocr_lib.serving.tiny_bundle import line_image
from tests.secret_forms import holds

pytestmark = [
    pytest.mark.faults,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(not triton_venv().is_dir(), reason="no Triton here: make setup"),
]
TEXTS = ["".join(text) for text in itertools.product("abc", repeat=4)]
ROOT = Path(__file__).resolve().parents[2]
SECRETS = {
    "store-key": random_for("store key").randbytes(20).hex(),
    "triton-key": random_for("triton key").randbytes(20).hex(),
}
PARAMETERS = (
    "options.config_overrides=[Global.epoch_num=1]",
    "options.gate={min_accuracy: 0.0, min_norm_edit_dis: 0.0, min_samples: 10}",
    "train_minutes=0.0",
)
NOT_SOURCES = (".git", ".venv", ".venv-triton", ".venv-uv", "__pycache__")
POLL_S = 0.05


class ProcessWatcher(threading.Thread):
    """Looks at the command lines and environments of all processes, again and again."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.ended = threading.Event()
        self.told: set[str] = set()  # command lines with a secret in them
        self.given: set[str] = set()  # names of secrets that a process has in its environment
        self.commands: set[bytes] = set()

    def run(self) -> None:
        while not self.ended.wait(POLL_S):
            for process in Path("/proc").glob("[0-9]*"):
                self._look(process)

    def _look(self, process: Path) -> None:
        try:
            command, environment = ((process / n).read_bytes() for n in ("cmdline", "environ"))
        except OSError:
            return  # it ended
        self.commands.add(command[:200])
        for name, secret in SECRETS.items():
            if holds(command, secret):
                self.told.add(
                    f"{name}: {command[:300].replace(bytes(1), b' ').decode(errors='replace')}"
                )
            if secret.encode() in environment:
                self.given.add(name)


def leaks(files: Iterator[Path]) -> tuple[list[str], int]:
    """Returns the files that hold a secret, and how many were searched."""
    found, searched = [], 0
    for path in files:
        if path.is_symlink() or not path.is_file():
            continue
        try:
            content = path.read_bytes()
        except OSError:
            continue
        searched += 1
        name = path.name.encode(errors="replace")
        for secret_name, secret in SECRETS.items():
            if holds(content, secret) or holds(name, secret):
                found.append(f"{secret_name} in {path}")
    return found, searched


def sources() -> Iterator[Path]:
    """Yields the files of the repository, of which images are built."""
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if name not in NOT_SOURCES]
        yield from (Path(folder) / name for name in names)


def write_lines(folder: Path, texts: list[str]) -> Path:
    folder.mkdir()
    for text in texts:
        (folder / f"{text}.png").write_bytes(line_image(text))
    (folder / "gt.txt").write_text("".join(f'{text}.png, "{text}"\n' for text in texts))
    return folder


def test_no_secret_is_left_behind(tmp_path: Path) -> None:
    train, test = write_lines(tmp_path / "a", TEXTS[:60]), write_lines(tmp_path / "b", TEXTS[60:])
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    environment = {
        **os.environ,
        "TMPDIR": str(temporary),
        "CANARY_STORE_KEY": SECRETS["store-key"],
        "OCR_TRITON_ADMIN_KEY": SECRETS["triton-key"],
        "AWS_SECRET_ACCESS_KEY": SECRETS["store-key"],
        "OCR_LOG_FORMAT": "json",
    }
    given = [f"--{key}={value}" for key, value in {"train": train, "test": test}.items()]
    given += [f"--param={parameter}" for parameter in PARAMETERS]
    program = [sys.executable, "-m", "tests.faults.demo_with_keys", *given]
    compile_command = [sys.executable, "-m", "pipelines.cli.main", "pipeline", "compile"]
    watcher = ProcessWatcher()
    watcher.start()
    started = time.monotonic()
    run = subprocess.run(
        [*program, f"--out={tmp_path / 'demo'}"],
        env=environment, cwd=ROOT, capture_output=True, timeout=1200,
    )  # fmt: skip
    compiled = subprocess.run(
        [*compile_command, "--out", tmp_path / "ir.yaml"],
        env=environment, cwd=ROOT, capture_output=True, timeout=600,
    )  # fmt: skip
    watcher.ended.set()
    watcher.join()
    for done, name in ((run, "demo"), (compiled, "compile")):
        assert done.returncode == 0, done.stderr[-3000:].decode(errors="replace")
        (tmp_path / f"{name}.out").write_bytes(done.stdout + done.stderr)
    if watcher.given != set(SECRETS):
        raise NotInjectedError(f"processes have had {watcher.given} only")
    with cases("canary") as some:
        seconds = time.monotonic() - started
        for place, files in {"artifacts": tmp_path.rglob("*"), "images": sources()}.items():
            found, searched = leaks(files)
            assert searched > 50
            some.count(f"in-{place}", f"{place} {searched}", "; ".join(found[:5]), seconds)
            seconds = 0.0
        told = "; ".join(sorted(watcher.told)[:5])
        some.count("in-command-lines", f"{len(watcher.commands)} commands", told, seconds)
