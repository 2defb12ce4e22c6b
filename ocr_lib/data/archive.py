"""A data set as a folder, whatever it comes as: a folder, a tar (also compressed) or a zip.

An archive is untrusted: links, devices, paths that leave the folder, and archives that
unpack to more than they should are refused before a byte lands outside the working folder.
"""

import lzma
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ocr_lib.atomic import atomic_directory
from ocr_lib.digest import CHUNK_BYTES, sha256_file
from ocr_lib.errors import DataError
from ocr_lib.progress import Progress

DIGEST_CHARS = 16
_LITTER = ("__MACOSX", ".DS_Store")
_DAMAGED = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    NotImplementedError,  # a compression that zipfile does not know
)


@dataclass(frozen=True)
class Caps:
    """What an archive may unpack to.

    Args:
        members: files and folders.
        file_bytes: of one file.
        total_bytes: of all files.
    """

    members: int = 20_000_000
    file_bytes: int = 1 << 30
    total_bytes: int = 1 << 40


DEFAULT_CAPS = Caps()


def is_archive(path: Path) -> bool:
    """Whether `path` is a file that `open_source` can unpack, by its content."""
    return path.is_file() and (zipfile.is_zipfile(path) or tarfile.is_tarfile(path))


def open_source(path: Path, work_dir: Path, caps: Caps = DEFAULT_CAPS) -> Path:
    """Returns the folder of a data set; an archive is unpacked, once for each content.

    Args:
        path: a folder (returned as it is), or a tar, tar.gz, tar.bz2, tar.xz or zip.
        work_dir: archives are unpacked below it, in a folder named after their SHA-256.
        caps: larger archives are refused.

    Returns:
        The folder; the one inside, where an archive holds nothing but a single folder.

    Raises:
        DataError: no such file, no archive, a damaged one, or one with unsafe content.
    """
    if path.is_dir():
        return path
    if not is_archive(path):
        cause = "neither a folder nor a tar or zip" if path.exists() else "no such file or folder"
        raise DataError(str(path), cause, "Give a folder, a tar, a tar.gz or a zip")
    target = work_dir / f"{path.name.split('.')[0]}-{sha256_file(path)[:DIGEST_CHARS]}"
    if not target.is_dir():
        with atomic_directory(target) as folder:
            _unpack(path, folder, caps)
    return _inner(target)


def _unpack(archive: Path, folder: Path, caps: Caps) -> None:
    budget = _Budget(archive, folder, caps)
    unpack = _unpack_zip if zipfile.is_zipfile(archive) else _unpack_tar
    try:
        with Progress(archive.stat().st_size >> 10, f"unpacking {archive.name}", "KiB") as progress:
            for position in unpack(archive, folder, budget):
                progress.add((position >> 10) - progress.done)
    except (*_DAMAGED, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # the disk's fault, not the archive's
        raise DataError(str(archive), f"damaged or unsafe: {error}", "Download it again") from error


class _Budget:
    """Counts members and bytes against the caps and the room on the disk."""

    def __init__(self, archive: Path, folder: Path, caps: Caps) -> None:
        self._archive = archive
        self._caps = caps
        self._room = min(caps.total_bytes, shutil.disk_usage(folder).free)
        self._members = 0

    def take(self, name: str, size: int) -> None:
        """Raises DataError where the member may not be unpacked."""
        self._members += 1
        self._room -= size
        if self._members > self._caps.members:
            raise self.refusal(name, f"more than {self._caps.members} members")
        if size > self._caps.file_bytes:
            raise self.refusal(name, f"{size} bytes, more than the {self._caps.file_bytes} allowed")
        if self._room < 0:
            raise self.refusal(name, "more bytes than are allowed or than the disk has room for")
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or "\\" in name or "\0" in name:
            raise self.refusal(name, "a path that leaves the folder")

    def refusal(self, name: str, cause: str) -> DataError:
        """Returns the error for a member."""
        return DataError(f"{self._archive}: {name!r}", cause, "Pack plain files and folders only")


def _unpack_tar(archive: Path, folder: Path, budget: _Budget) -> Iterator[int]:
    with open(archive, "rb") as raw, tarfile.open(fileobj=raw, mode="r:*") as tar:
        while (member := tar.next()) is not None:
            budget.take(member.name, member.size)
            if not (member.isreg() or member.isdir()):
                raise budget.refusal(member.name, "a link or a device")
            _write_member(tar, member, folder / member.name)
            tar.members = []  # type: ignore[attr-defined]  # or it keeps a record of every member
            yield raw.tell()
        _check_end(tar)


def _write_member(tar: tarfile.TarFile, member: tarfile.TarInfo, path: Path) -> None:
    """Writes one file or folder; nothing of its owner and mode counts.

    `extract(filter="data")` would do, but Python has it from 3.11.4 on only.
    """
    if member.isdir():
        path.mkdir(parents=True, exist_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    content = tar.extractfile(member)
    assert content is not None
    with content, path.open("wb") as file:
        shutil.copyfileobj(content, file, CHUNK_BYTES)


def _check_end(tar: tarfile.TarFile) -> None:
    """Tells the end of an archive from a damaged header, at which tarfile stops as quietly."""
    assert tar.fileobj is not None
    tar.fileobj.seek(tar.offset)
    if tar.fileobj.read(tarfile.BLOCKSIZE).strip(b"\0"):
        raise tarfile.ReadError(f"no member header at byte {tar.offset}")
    while tar.fileobj.read(CHUNK_BYTES):  # to the checksum at the end of a compressed stream
        pass


def _unpack_zip(archive: Path, folder: Path, budget: _Budget) -> Iterator[int]:
    with zipfile.ZipFile(archive) as packed:
        position = 0
        for member in packed.infolist():
            budget.take(member.filename, member.file_size)
            mode = member.external_attr >> 16
            if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise budget.refusal(member.filename, "a link or a device")
            if member.flag_bits & 1:
                raise budget.refusal(member.filename, "encrypted")
            packed.extract(member, folder)
            position += member.compress_size
            yield position


def _inner(folder: Path) -> Path:
    """Returns the single folder inside, if that is all there is; macOS's additions aside."""
    entries = [e for e in folder.iterdir() if not e.name.startswith(("._", *_LITTER))]
    return entries[0] if len(entries) == 1 and entries[0].is_dir() else folder
