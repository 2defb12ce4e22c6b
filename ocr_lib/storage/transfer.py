"""Moving many files at once, and putting a finished folder in its place."""

import shutil
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from pathlib import Path

from ocr_lib.atomic import replace_directory
from ocr_lib.errors import DataError, ServiceError
from ocr_lib.progress import Progress
from ocr_lib.storage.tree_manifest import TreeManifest

WORKERS = 8


def in_parallel(work: Callable[[str], None], names: Iterable[str], label: str) -> None:
    """Runs `work` on every name in a few threads; the first error stops the rest."""
    names = list(names)
    with ThreadPoolExecutor(WORKERS) as pool, Progress(len(names), label, "files") as progress:
        jobs = [pool.submit(work, name) for name in names]
        try:
            for job in as_completed(jobs):
                job.result()
                progress.add()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def check_room(
    uri: str, manifest: TreeManifest, missing: list[str], work: Path, max_bytes: int
) -> None:
    """Refuses a tree that is larger than allowed, or than the disk.

    Raises:
        DataError: names the tree, its size and the limit.
    """
    if manifest.size > max_bytes:
        raise DataError(uri, f"{manifest.size} bytes, more than {max_bytes} allowed", "Split it")
    needed, free = sum(manifest.files[n].size for n in missing), shutil.disk_usage(work).free
    if needed > free:
        raise DataError(
            str(work.parent), f"{uri} needs {needed} bytes, the disk has {free}", "Make room"
        )


def remove_foreign_files(manifest: TreeManifest, work: Path) -> None:
    """Removes what is not the tree's, nor a part of a file of it, from a download's folder.

    A process that is killed after it put a download in its place leaves the former tree there.
    """
    of_tree = {work / f"{name}{suffix}" for name in manifest.files for suffix in ("", ".part")}
    for path in sorted(work.rglob("*"), reverse=True):  # what is in a folder before the folder
        if path.is_dir() and not path.is_symlink():
            with suppress(OSError):  # something is left in it
                path.rmdir()
        elif path not in of_tree:
            path.unlink(missing_ok=True)


def put_in_place(work: Path, folder: Path) -> None:
    """Makes the finished `work` the folder `folder`; what was there is removed."""
    try:
        replace_directory(work, folder)
    except OSError as error:
        raise ServiceError(f"{folder}: cannot put the download there ({error}).") from error
    shutil.rmtree(work, ignore_errors=True)
