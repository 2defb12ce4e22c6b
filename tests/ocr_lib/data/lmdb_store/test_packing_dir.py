"""One packer at a time, and plain words on failures."""

import os
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from ocr_lib.data.lmdb_store import pack
from ocr_lib.data.lmdb_store.packing_dir import packing_folder
from ocr_lib.errors import DataError, LmdbError
from tests.ocr_lib.data.lines import texts, write_lines


@pytest.mark.parametrize("size", ["64k", "192k", "320k"])
def test_a_full_disk_is_one_message_and_nothing_half_written(tmp_path: Path, size: str) -> None:
    """On a real file system of that size, mounted in a name space of the child's own."""
    labels = write_lines(tmp_path, texts(400))
    disk = tmp_path / "disk"
    disk.mkdir()
    program = (
        "import sys; from pathlib import Path; from ocr_lib.data.lmdb_store import pack\n"
        "from ocr_lib.errors import DataError\n"
        "try: pack(*sys.argv[1:], shard_samples=100)\n"
        "except DataError as error: print(error)\n"
        "print([path.name for path in Path(sys.argv[3]).glob('.*')])"
    )
    mount = ["unshare", "-rm", "sh", "-c", f'mount -t tmpfs -o size={size} none "$0" && exec "$@"']
    command = [sys.executable, "-c", program, str(labels), str(tmp_path), str(disk / "out")]
    done = subprocess.run([*mount, str(disk), *command], capture_output=True, text=True)
    if "unshare" in done.stderr or "mount" in done.stderr:
        pytest.skip("this machine gives no name space of one's own")
    message, leftovers = done.stdout.splitlines()
    assert "no room left on the disk" in message
    assert "finished shards are kept" in message
    assert leftovers == "[]"


def test_an_out_dir_that_cannot_be_made_is_one_message(tmp_path: Path) -> None:
    labels = write_lines(tmp_path, ["a"])
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot write here"):
        pack(labels, tmp_path, tmp_path / "file/out")


def test_two_packings_into_one_folder_are_refused(tmp_path: Path) -> None:
    import fcntl

    labels = write_lines(tmp_path, ["a"])
    (tmp_path / "out").mkdir()
    handle = os.open(tmp_path / "out", os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    with pytest.raises(LmdbError, match="another process is packing"):
        pack(labels, tmp_path, tmp_path / "out")
    os.close(handle)


def test_a_killed_worker_is_one_message(tmp_path: Path) -> None:
    labels = write_lines(tmp_path, texts(4))
    with (
        pytest.raises(DataError, match="a packing process was killed"),
        packing_folder(tmp_path / "out"),
        ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool,
    ):
        pool.submit(os.abort).result()
    assert pack(labels, tmp_path, tmp_path / "out").samples == 4
