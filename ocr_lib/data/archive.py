"""A data set as a folder, whatever it comes as: a folder, a tar (also compressed) or a zip.

An archive is untrusted: links, devices, paths that leave the folder, and archives that
unpack to more than they should are refused before a byte lands outside the working folder.
"""

import os
import shutil
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

from ocr_lib.atomic import atomic_directory
from ocr_lib.data.archive_names import NAME_ERRORS, decode_tree, is_undecoded, member_path
from ocr_lib.data.archive_reader import DAMAGED, HEADER_BYTES, BoundedReader, open_tar, open_zip
from ocr_lib.digest import CHUNK_BYTES, sha256_file
from ocr_lib.errors import ConfigError, DataError
from ocr_lib.progress import Progress

DIGEST_CHARS = 16
TARGET_CHARS = 40  # of an archive's name in the name of its folder
GLOBAL_HEADERS = 100  # values for all members of a tar
ZIP_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2)
ZIP_MAGIC = (b"PK\3\4", b"PK\5\6")  # a member, or the end of an empty one
UTF8_FLAG = 1 << 11
UNICODE_PATH = 0x7075
_LITTER = ("__MACOSX", ".DS_Store")
_RENAME = "Rename it and pack again"


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
    return _kind(path) is not None


def open_source(
    path: Path, work_dir: Path, caps: Caps = DEFAULT_CAPS, names_encoding: str | None = None
) -> Path:
    """Returns the folder of a data set; an archive is unpacked, once for each content.

    Args:
        path: a folder (returned as it is), or a tar, tar.gz, tar.bz2, tar.xz or zip.
        work_dir: archives are unpacked below it, in a folder named after their SHA-256.
        caps: larger archives are refused.
        names_encoding: code page of names that are not UTF-8; None finds out and logs it.

    Returns:
        The folder; the one inside, where an archive holds nothing but a single folder.

    Raises:
        DataError: no such file, no archive, a damaged one, or one with unsafe content.
        ConfigError: there is no such code page.
    """
    check_encoding(names_encoding or "utf-8")
    if path.is_dir():
        return path
    kind = _kind(path)
    if kind is None:
        cause = "neither a folder nor a tar or zip" if path.exists() else "no such file or folder"
        raise DataError(str(path), cause, "Give a folder, a tar, a tar.gz or a zip")
    name = f"{path.name.split('.')[0][:TARGET_CHARS]}-{sha256_file(path)[:DIGEST_CHARS]}"
    target = work_dir / (f"{name}-{names_encoding}" if names_encoding else name)
    if not target.is_dir():
        with atomic_directory(target) as folder:
            budget = _unpack(path, kind, folder, caps)
            if budget.undecoded or names_encoding:
                marked = budget.is_utf8_marked
                decode_tree(folder, names_encoding, str(path), is_utf8_marked=marked)
    return _inner(target)


def check_encoding(name: str) -> None:
    """Refuses what Python does not know as a code page.

    Raises:
        ConfigError: `name` is none.
    """
    try:
        b"a".decode(name)
    except (LookupError, ValueError):
        fix = "Name one that Python knows: gb18030, cp932, cp949, big5, cp866, cp437, …"
        raise ConfigError("names_encoding", f"{name!r} is no code page", fix) from None


def _kind(path: Path) -> Literal["tar", "zip"] | None:
    """Tells what a file is by its first bytes: a tar may hold a zip, and end with it."""
    if not path.is_file():
        return None
    with open(path, "rb") as file:
        if file.read(4) in ZIP_MAGIC:
            return "zip"
    try:
        with open_tar(path):
            return "tar"
    except DataError:  # a header that is too large for a tar is one
        return "tar"
    except (*DAMAGED, OSError):
        return None


def _unpack(archive: Path, kind: str, folder: Path, caps: Caps) -> "_Budget":
    budget = _Budget(archive, folder, caps)
    unpack = _unpack_zip if kind == "zip" else _unpack_tar
    try:
        with Progress(archive.stat().st_size >> 10, f"unpacking {archive.name}", "KiB") as progress:
            for position in unpack(archive, budget):
                progress.add((position >> 10) - progress.done)
    except (*DAMAGED, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # the disk's fault, not the archive's
        raise DataError(str(archive), f"damaged or unsafe: {error}", "Download it again") from error
    return budget


class _Budget:
    """Counts members and bytes against the caps and the room on the disk."""

    def __init__(self, archive: Path, folder: Path, caps: Caps) -> None:
        self._archive = archive
        self._folder = folder
        self._caps = caps
        self._room = min(caps.total_bytes, shutil.disk_usage(folder).free)
        self._members = 0
        self.undecoded = False  # whether a name is not UTF-8
        self.is_utf8_marked = False  # whether one is marked as UTF-8

    def take(self, name: str, size: int, is_folder: bool) -> Path:
        """Returns where to unpack a member.

        Raises:
            DataError: it may not be unpacked.
        """
        self._members += 1
        self._room -= size
        if self._members > self._caps.members:
            raise self.refusal(name, f"more than {self._caps.members} members")
        if size < 0:
            raise self.refusal(name, "a negative size", "Download the archive again")
        if size > self._caps.file_bytes:
            raise self.refusal(name, f"{size} bytes, more than the {self._caps.file_bytes} allowed")
        if self._room < 0:
            raise self.refusal(name, "more bytes than are allowed or than the disk has room for")
        self.undecoded |= is_undecoded(name)
        try:
            return self._folder / member_path(name, is_folder)
        except ValueError as error:
            raise self.refusal(name, str(error), _RENAME) from None

    def refusal(
        self, name: str, cause: str, fix: str = "Pack plain files and folders only"
    ) -> DataError:
        """Returns the error for a member."""
        return DataError(f"{self._archive}: {name!r}", cause, fix)

    def write(self, name: str, path: Path, content: IO[bytes] | None) -> None:
        """Writes a file, or makes a folder where there is no content.

        Nothing of owner, mode and time counts. No two members have one path: the later would
        replace the earlier without a word.

        Raises:
            DataError: the file system does not take the name.
        """
        try:
            if content is None:
                path.mkdir(parents=True, exist_ok=True)
                return
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("xb") as file:
                shutil.copyfileobj(content, file, CHUNK_BYTES)
        except OSError as error:
            if error.errno not in NAME_ERRORS:
                raise
            raise self.refusal(name, NAME_ERRORS[error.errno], _RENAME) from None


def _unpack_tar(archive: Path, budget: _Budget) -> Iterator[int]:
    with open_tar(archive) as (tar, reader, raw):
        while (member := tar.next()) is not None:
            path = budget.take(member.name, member.size, member.isdir())
            if not (member.isreg() or member.isdir()):
                raise budget.refusal(member.name, "a link or a device")
            if len(tar.pax_headers) > GLOBAL_HEADERS:
                raise budget.refusal(member.name, f"more than {GLOBAL_HEADERS} global headers")
            reader.allow(member.size + HEADER_BYTES)
            content = None if member.isdir() else tar.extractfile(member)
            budget.write(member.name, path, content)
            tar.members = []  # type: ignore[attr-defined]  # or it keeps a record of every member
            reader.allow(HEADER_BYTES)
            yield raw.tell()
        _check_end(reader, tar.offset)


def _check_end(reader: BoundedReader, offset: int) -> None:
    """Tells the end of an archive from a damaged header and a cut, at which tarfile stops, too."""
    if reader.last.strip(b"\0"):
        raise tarfile.ReadError(f"no member header at byte {offset}")
    if len(reader.last) < tarfile.BLOCKSIZE:
        raise tarfile.ReadError(f"it is cut short at byte {offset}: its end mark is missing")
    reader.allow(CHUNK_BYTES)
    while reader.read(CHUNK_BYTES):  # to the checksum at the end of a compressed stream
        reader.allow(CHUNK_BYTES)


def _unpack_zip(archive: Path, budget: _Budget) -> Iterator[int]:
    with open_zip(archive) as (packed, reader):
        position = 0
        for member in packed.infolist():
            name = _zip_name(member)
            budget.is_utf8_marked |= member.flag_bits & UTF8_FLAG > 0 and not name.isascii()
            is_folder = name.endswith("/") or (name.endswith("\\") and not is_undecoded(name))
            path = budget.take(name, member.file_size, is_folder)
            mode = member.external_attr >> 16
            if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise budget.refusal(name, "a link or a device")
            if member.flag_bits & 1:
                raise budget.refusal(name, "encrypted", "Pack it without a password")
            if member.compress_type not in ZIP_METHODS:
                raise budget.refusal(name, "compressed by a method of few programs", "Use deflate")
            reader.allow(member.compress_size + HEADER_BYTES)
            if is_folder:
                budget.write(name, path, None)
            else:
                with packed.open(member) as content:
                    budget.write(name, path, content)
            position += member.compress_size
            yield position


def _zip_name(member: zipfile.ZipInfo) -> str:
    """Returns a member's name: UTF-8 wherever it is, and else its bytes as surrogates."""
    if member.flag_bits & UTF8_FLAG:
        return member.orig_filename
    name = member.orig_filename.encode("cp437")
    return _unicode_path(member.extra, name) or os.fsdecode(name)


def _unicode_path(extra: bytes, name: bytes) -> str | None:
    """Returns the UTF-8 name that some programs write beside one in a code page.

    Source: Info-ZIP Unicode Path Extra Field, APPNOTE.TXT 4.6.9.
    """
    position = 0
    while position + 4 <= len(extra):
        kind, size = struct.unpack_from("<HH", extra, position)
        field = extra[position + 4 : position + 4 + size]
        if kind == UNICODE_PATH and field[:5] == struct.pack("<BI", 1, zlib.crc32(name)):
            return field[5:].decode("utf-8")
        position += 4 + size
    return None


def _inner(folder: Path) -> Path:
    """Returns the single folder inside, if that is all there is; macOS's additions aside."""
    entries = [e for e in folder.iterdir() if not e.name.startswith(("._", *_LITTER))]
    return entries[0] if len(entries) == 1 and entries[0].is_dir() else folder
