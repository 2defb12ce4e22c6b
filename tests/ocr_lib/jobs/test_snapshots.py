import errno
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ocr_lib.jobs.snapshots import Snapshots
from ocr_lib.storage.s3 import DigestError
from ocr_lib.storage.store import Store
from ocr_lib.storage.tree_manifest import MANIFEST_NAME
from ocr_lib.training import checkpoint


def checkpoint_at(run_dir: Path, step: int, name: str = "latest", log: str = "") -> None:
    run_dir.mkdir(exist_ok=True)
    (run_dir / "train.log").write_text(log or f"step {step}\n")
    checkpoint.save(run_dir / name, {}, {}, {"global_step": step})


def save_twice(store: Store, run: str, folder: Path) -> None:
    """Uploads snapshots of the steps 5 and 10."""
    snapshots = Snapshots(store, run, folder)
    for step in (5, 10):
        checkpoint_at(folder, step)
        snapshots.save()


def uploaded(store: Store, run: str) -> list[int]:
    """Returns the steps of the complete snapshots."""
    keys = [item.key for item in store.list(f"{run}/snapshots/")]
    return sorted(int(key.split("/")[-2]) for key in keys if key.endswith(MANIFEST_NAME))


@pytest.fixture
def run(request: pytest.FixtureRequest) -> str:
    return f"runs/{request.node.name}"


def step_of(run_dir: Path) -> int:
    return int(checkpoint.load(run_dir / "latest").states["global_step"])


def test_another_machine_goes_on_from_the_newest(store: Store, tmp_path: Path, run: str) -> None:
    snapshots = Snapshots(store, run, tmp_path / "first")
    for step in (3, 5, 10):
        checkpoint_at(tmp_path / "first", step)
        snapshots.save()
    assert uploaded(store, run) == [5, 10]  # the one before stays
    files = store.list(f"{run}/snapshots/000000000010/")
    assert len(files) == len(list((tmp_path / "first").iterdir())) + 1
    Snapshots(store, run, tmp_path / "second").restore()
    assert step_of(tmp_path / "second") == 10
    assert (tmp_path / "second" / "train.log").read_text() == "step 10\n"


def replace(store: Store, run: str, step: int, name: str) -> None:
    store.put_bytes(f"{run}/snapshots/{step:012d}/{name}", b"damaged")


def delete(store: Store, run: str, step: int, name: str) -> None:
    store.remove(f"{run}/snapshots/{step:012d}/{name}")


@pytest.mark.parametrize("change", [replace, delete])
@pytest.mark.parametrize("name", ["latest.pdopt", MANIFEST_NAME])
def test_another_machine_goes_on_from_the_one_before_where_the_newest_is_damaged(
    store: Store,
    tmp_path: Path,
    run: str,
    caplog: pytest.LogCaptureFixture,
    change: Callable[[Store, str, int, str], None],
    name: str,
) -> None:
    run = f"{run}-{change.__name__}-{name}"
    save_twice(store, run, tmp_path / "first")
    change(store, run, 10, name)
    is_known = (change, name) != (delete, MANIFEST_NAME)  # without a manifest it does not count
    again = Snapshots(store, run, tmp_path / "second")
    again.restore()
    assert step_of(tmp_path / "second") == 5
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
    warnings = [record.getMessage() for record in caplog.records]
    assert len(warnings) == is_known
    assert all(f"{run}/snapshots/000000000010" in warning for warning in warnings)
    checkpoint_at(tmp_path / "second", 10)
    again.save()
    Snapshots(store, run, tmp_path / "third").restore()
    assert step_of(tmp_path / "third") == 10


def test_no_intact_snapshot_is_an_error_that_names_each(
    store: Store, tmp_path: Path, run: str
) -> None:
    save_twice(store, run, tmp_path / "first")
    for step in (5, 10):
        replace(store, run, step, "latest.pdparams")
    with pytest.raises(DigestError, match=r"no snapshot of the run is intact.*10/.*5/"):
        Snapshots(store, run, tmp_path / "second").restore()
    assert not (tmp_path / "second").exists()
    assert uploaded(store, run) == [5, 10]


def test_a_snapshot_that_was_read_damaged_is_not_deleted(
    store: Store, tmp_path: Path, run: str
) -> None:
    save_twice(store, run, tmp_path / "first")
    content = (tmp_path / "first/latest.pdparams").read_bytes()
    replace(store, run, 10, "latest.pdparams")
    Snapshots(store, run, tmp_path / "second").restore()
    assert step_of(tmp_path / "second") == 5
    assert uploaded(store, run) == [5, 10]
    store.put_bytes(f"{run}/snapshots/{10:012d}/latest.pdparams", content)
    Snapshots(store, run, tmp_path / "third").restore()  # the damage was not the store's
    assert step_of(tmp_path / "third") == 10


def test_two_intact_snapshots_stay_next_to_a_damaged_one(
    store: Store, tmp_path: Path, run: str
) -> None:
    save_twice(store, run, tmp_path / "first")
    replace(store, run, 10, "latest.pdparams")
    again = Snapshots(store, run, tmp_path / "second")
    again.restore()
    checkpoint_at(tmp_path / "second", 8)
    again.save()
    assert uploaded(store, run) == [5, 8]


def test_a_folder_whose_checkpoints_are_damaged_is_filled_from_the_store(
    store: Store, tmp_path: Path, run: str
) -> None:
    folder = tmp_path / "run"
    checkpoint_at(folder, 5)
    Snapshots(store, run, folder).save()
    (folder / "latest.pdparams").write_bytes(b"damaged")
    Snapshots(store, run, folder).restore()
    assert step_of(folder) == 5


def test_the_folder_of_this_machine_goes_before_the_store(
    store: Store, tmp_path: Path, run: str
) -> None:
    checkpoint_at(tmp_path / "run", 5)
    Snapshots(store, run, tmp_path / "run").save()
    checkpoint_at(tmp_path / "run", 7)  # not uploaded yet
    Snapshots(store, run, tmp_path / "run").restore()
    assert step_of(tmp_path / "run") == 7


def test_a_checkpoint_being_written_is_left_for_the_next_look(
    store: Store, tmp_path: Path, run: str
) -> None:
    checkpoint_at(tmp_path / "run", 5)
    (tmp_path / "run" / "latest.pdparams").write_bytes(b"of the next step")
    assert not Snapshots(store, run, tmp_path / "run").save()
    assert store.list(f"{run}/snapshots/") == []


def test_a_checkpoint_whose_last_file_was_not_moved_into_place_goes_up(
    store: Store, tmp_path: Path, run: str
) -> None:
    folder = tmp_path / "run"
    checkpoint_at(folder, 5)
    former = (folder / "latest.states").read_bytes()
    checkpoint_at(folder, 7)
    (folder / "latest.states").rename(folder / ".latest.states.new")
    (folder / "latest.states").write_bytes(former)  # stopped between the two
    assert Snapshots(store, run, folder).save()
    Snapshots(store, run, tmp_path / "other").restore()
    assert step_of(tmp_path / "other") == 7
    assert (folder / "latest.states").read_bytes() == former  # the run's own files are left alone


def test_checkpoints_go_up_from_a_file_system_without_hard_links(
    store: Store, tmp_path: Path, run: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def link(*_: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    folder = tmp_path / "run"
    checkpoint_at(folder, 5)
    checkpoint_at(folder, 7)
    (folder / "latest.states").rename(folder / ".latest.states.new")  # not moved into place yet
    monkeypatch.setattr(os, "link", link)
    assert Snapshots(store, run, folder).save()
    Snapshots(store, run, tmp_path / "other").restore()
    assert step_of(tmp_path / "other") == 7


def test_a_half_uploaded_snapshot_does_not_count(store: Store, tmp_path: Path, run: str) -> None:
    checkpoint_at(tmp_path / "run", 5)
    snapshots = Snapshots(store, run, tmp_path / "run")
    snapshots.save()
    store.put_json(f"{run}/snapshots/000000000009/latest.json", {})  # its manifest never came
    Snapshots(store, run, tmp_path / "other").restore()
    assert step_of(tmp_path / "other") == 5
    snapshots.clear()
    assert store.list(f"{run}/snapshots/") == []


def test_checkpoints_go_up_while_training_goes_on(
    store: Store, tmp_path: Path, run: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ocr_lib.jobs.snapshots.PERIOD_S", 0.01)
    snapshots = Snapshots(store, run, tmp_path / "run")
    with snapshots:
        checkpoint_at(tmp_path / "run", 5)
        ends = time.monotonic() + 120
        while not store.list(f"{run}/snapshots/") and time.monotonic() < ends:
            time.sleep(0.01)
    assert any(item.key.endswith("manifest.json") for item in store.list(f"{run}/"))
    snapshots.clear()
    assert store.list(f"{run}/") == []


ON_A_SMALL_DISK = """
import sys, time
from pathlib import Path
from ocr_lib.storage.store import Store
from ocr_lib.jobs import snapshots
from ocr_lib.log_config import logging_configured
from tests.ocr_lib.jobs.test_snapshots import checkpoint_at, uploaded
snapshots.PERIOD_S = 0.01
disk, run = Path(sys.argv[1]), sys.argv[2]
store = Store.from_env()
uploads = snapshots.Snapshots(store, run, disk / "run")
def until(what, done):
    ends = time.monotonic() + 60
    while not done():
        if time.monotonic() > ends: sys.exit(f"{what}: not in time")
        time.sleep(0.01)
with logging_configured(), uploads:
    checkpoint_at(disk / "run", 5)
    until("first", lambda: uploaded(store, run) == [5])
    (disk / "filler").write_bytes(bytes(600_000))
    checkpoint_at(disk / "run", 7, log="x" * 300_000)
    until("failure", lambda: uploads.failed == 1)
    print(uploaded(store, run))
    (disk / "filler").unlink()
    checkpoint_at(disk / "run", 9)
    until("third", lambda: uploaded(store, run) == [5, 9])
print(uploaded(store, run), uploads.failed)
"""


def test_a_full_disk_fails_one_upload_and_says_so(store: Store, tmp_path: Path, run: str) -> None:
    """On a real file system of 1 MiB, mounted in a name space of the child's own."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["unshare", "-rm", "sh", "-c", 'mount -t tmpfs -o size=1m none "$0" && exec "$@"']
    command = [*mount, str(disk), sys.executable, "-c", ON_A_SMALL_DISK, str(disk), run]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, env=os.environ)
    if done.stderr.startswith(("unshare:", "mount:")):
        pytest.skip("this machine gives no name space of one's own")
    assert done.stdout.splitlines() == ["[5]", "[5, 9] 1"], done.stderr
    assert "a checkpoint was not uploaded: [Errno 28] No space left on device" in done.stderr
    assert done.stderr.rstrip().endswith("the next checkpoint is tried again.")


def test_an_error_of_any_kind_leaves_the_next_checkpoint_its_turn(
    store: Store,
    tmp_path: Path,
    run: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("ocr_lib.jobs.snapshots.PERIOD_S", 0.01)
    put_tree = store.put_tree
    errors = iter([ValueError("a store that does not speak S3")])

    def once(folder: Path, prefix: str) -> str:
        for error in errors:
            raise error
        return put_tree(folder, prefix)

    monkeypatch.setattr(store, "put_tree", once)
    with Snapshots(store, run, tmp_path / "run") as snapshots:
        checkpoint_at(tmp_path / "run", 5)
        ends = time.monotonic() + 60
        while not snapshots.failed and time.monotonic() < ends:
            time.sleep(0.01)
        checkpoint_at(tmp_path / "run", 7)
        while uploaded(store, run) != [7] and time.monotonic() < ends:
            time.sleep(0.01)
    assert (uploaded(store, run), snapshots.failed) == ([7], 1)
    assert "ValueError: a store that does not speak S3" in caplog.text


def test_a_finished_run_is_found_after_its_snapshots_are_gone(
    store: Store, tmp_path: Path, run: str
) -> None:
    checkpoint_at(tmp_path / "run", 5)
    store.put_tree(tmp_path / "run", run)
    Snapshots(store, run, tmp_path / "again").restore()
    assert step_of(tmp_path / "again") == 5
