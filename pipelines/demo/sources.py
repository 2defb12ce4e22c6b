"""The demo's data sets: drawn or given, as one archive each, in the object store."""

import tarfile
from dataclasses import dataclass
from pathlib import Path

from ocr_lib.atomic import atomic_file
from ocr_lib.data.synthetic.dataset import generate
from ocr_lib.digest import sha256_file
from ocr_lib.storage.store import Store
from pipelines.demo.options import DemoOptions

SEED = 20_26


@dataclass(frozen=True, slots=True)
class Uploaded:
    """A file in the object store."""

    uri: str
    sha256: str


def upload_sources(options: DemoOptions, store: Store) -> tuple[Uploaded, Uploaded]:
    """Uploads what to learn from and the test set; draws both first where none are given."""
    train, test = options.train, options.test
    if train is None or test is None:
        count = options.train_lines, options.test_lines
        drawn = options.out / "synthetic" / "-".join(map(str, count))
        generate(drawn, train=count[0], test=count[1], seed=SEED)
        train, test = drawn / "train", drawn / "test"
    return upload(train, store, options.out), upload(test, store, options.out)


def upload(path: Path, store: Store, out: Path) -> Uploaded:
    """Uploads a file as it is, a folder as one archive: thousands of objects would take longer."""
    if path.is_dir():
        path = archive(path, out / "sources" / f"{path.name}.tar")
    digest = sha256_file(path)
    key = f"sources/{digest}/{path.name}"
    return Uploaded(store.put_file(path, key), digest)


def archive(folder: Path, target: Path) -> Path:
    """Packs the files of a folder into a tar, the same bytes for the same files."""
    with atomic_file(target) as file, tarfile.open(fileobj=file, mode="w", dereference=True) as tar:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            member = tar.gettarinfo(path, path.relative_to(folder).as_posix())
            member.mtime = member.uid = member.gid = 0
            member.uname = member.gname = ""
            with open(path, "rb") as content:
                tar.addfile(member, content)
    return target
