"""Room on the disk for checkpoints and in shared memory for processes."""

import shutil
from collections.abc import Iterator
from pathlib import Path

from ocr_lib.config.schema import Config
from ocr_lib.data.preflight.report import Finding, Numbers

DISK_NEEDED_MIB = 256  # a few checkpoints of a small network with its optimiser
DISK_WANTED_MIB = 2048
SHARED_WANTED_MIB = 1024  # what several GPUs of one machine exchange gradients through
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - looked at, not written


def machine_numbers(config: Config) -> Numbers:
    """Returns the free room in MiB where checkpoints go and in shared memory."""
    numbers = {"disk_free_MiB": _free_mib(Path(config.global_.save_model_dir))}
    if SHARED_MEMORY.exists():
        numbers["shared_memory_free_MiB"] = _free_mib(SHARED_MEMORY)
    return numbers


def machine_findings(config: Config, numbers: Numbers) -> Iterator[Finding]:
    """Yields what the machine is short of."""
    disk = numbers["disk_free_MiB"]
    if disk < DISK_WANTED_MIB:
        yield Finding(
            "disk",
            f"{disk:,} MiB are free for checkpoints below {config.global_.save_model_dir}",
            "Make room, set Global.keep_checkpoints, or choose another Global.save_model_dir",
            blocking=disk < DISK_NEEDED_MIB,
        )
    shared = numbers.get("shared_memory_free_MiB", SHARED_WANTED_MIB)
    if config.global_.distributed and shared < SHARED_WANTED_MIB:
        yield Finding(
            "shared memory",
            f"{shared:,} MiB are free in {SHARED_MEMORY}, {SHARED_WANTED_MIB:,} are wanted",
            "Mount a volume of medium Memory there (containers have 64 MiB by default)",
        )


def _free_mib(path: Path) -> int:
    while not path.exists():
        path = path.parent
    return shutil.disk_usage(path).free >> 20
