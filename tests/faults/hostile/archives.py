"""Tars and zips that would write elsewhere, never end, or do not hold what they say."""

import gzip
import io
import os
import struct
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

from ocr_lib.data.archive import Caps, open_source
from ocr_lib.errors import DataError
from tests.faults.cases import random_for
from tests.faults.hostile.case import Content, Hostile, constant, cut, flipped

CAPS = Caps(members=500, file_bytes=4 << 20, total_bytes=16 << 20)
NAMES = {
    "parent": "../outside",
    "parents": "a/../../outside",
    "deep-parents": "/".join([".."] * 40) + "/outside",
    "absolute": "/tmp/outside",
    "double-slash": "//tmp/outside",
    "windows-parent": "..\\outside",
    "windows-drive": "C:\\outside",
    "dots": "a/..",
    "too-long": "a" * 300,
    "too-deep": "a/" * 3000 + "b",
}


def unpacked(content: bytes, folder: Path) -> Path:
    """Unpacks; nothing is written outside of its folder, and only files and folders in it."""
    archive, work = folder / "archive.bin", folder / "inner/work"
    archive.write_bytes(content)
    work.mkdir(parents=True)
    try:
        return open_source(archive, work, CAPS)
    finally:
        outside = {path.name for path in folder.iterdir()} - {"archive.bin", "inner"}
        assert not outside, outside
        assert [path.name for path in (folder / "inner").iterdir()] == ["work"]
        assert not Path("/tmp/outside").exists()
        for path in work.rglob("*"):
            assert not path.is_symlink(), path
            assert path.is_file() or path.is_dir(), path
            assert path.stat().st_nlink == 1 or path.is_dir(), path


def is_folder(path: Path) -> bool:
    return path.is_dir() and sum(p.stat().st_size for p in path.rglob("*")) <= 32 << 20


def tar(*members: tarfile.TarInfo, content: bytes = b"", mode: str = "w") -> bytes:
    """Returns a tar of a good file and these members."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=mode) as packed:  # type: ignore[call-overload]
        good = tarfile.TarInfo("gt.txt")
        good.size = 4
        packed.addfile(good, io.BytesIO(b"good"))
        for member in members:
            member.size = len(content) if member.isreg() else 0
            packed.addfile(member, io.BytesIO(content))
    return file.getvalue()


def info(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname, member.mode = kind, link, 0o6777
    return member


def zipped(members: dict[str, bytes], mode: int = 0, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as packed:
        if "gt.txt" not in members:
            packed.writestr("gt.txt", "good")
        for name, content in members.items():
            member = zipfile.ZipInfo(name)
            member.external_attr, member.compress_type = mode << 16, method
            packed.writestr(member, content)
    return file.getvalue()


def _lies_about_size() -> bytes:
    """A zip whose directory says 10 bytes for a member of a megabyte."""
    content = bytearray(zipped({"big.bin": bytes(1 << 20)}))
    place = content.rindex(b"big.bin") - 46 + 24
    content[place : place + 4] = struct.pack("<I", 10)
    return bytes(content)


def _sparse() -> bytes:
    """A tar whose only member claims eight GiB of holes."""
    member = info("holes", tarfile.GNUTYPE_SPARSE)
    member.size = 0
    block = bytearray(member.tobuf(tarfile.GNU_FORMAT))
    block[386:398], block[483:495] = b"00000000000\0", b"%011o\0" % (1 << 33)
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block[:512])
    return bytes(block) + bytes(1024)


def _tars() -> dict[str, Content]:
    links = {"symlink": tarfile.SYMTYPE, "hardlink": tarfile.LNKTYPE}
    devices = {"fifo": tarfile.FIFOTYPE, "device": tarfile.CHRTYPE, "block": tarfile.BLKTYPE}
    targets = ("/etc/passwd", "../../outside", "gt.txt", ".")
    found: dict[str, Content] = {}
    for name, path in NAMES.items():
        if not name.startswith("too"):
            found[f"tar-{name}"] = constant(tar(info(path), content=b"x"))
    for name, kind in links.items():
        for target in targets:
            safe = target.replace("/", "_")
            found[f"tar-{name}-{safe}"] = constant(tar(info("link", kind, target)))
    for name, kind in devices.items():
        found[f"tar-{name}"] = constant(tar(info(name, kind)))
    found["tar-write-through-link"] = constant(
        tar(info("d", tarfile.SYMTYPE, "/tmp"), info("d/outside"), content=b"x")
    )
    found["tar-many"] = constant(tar(*(info(f"f{i}") for i in range(600))))
    found["tar-large"] = constant(tar(info("large"), content=bytes(5 << 20)))
    found["tar-gz-bomb"] = constant(gzip.compress(tar(info("large"), content=bytes(64 << 20))))
    found["tar-total"] = constant(tar(*(info(f"f{i}") for i in range(6)), content=bytes(3 << 20)))
    found["tar-sparse"] = _sparse
    found["gz-of-no-tar"] = constant(gzip.compress(os.urandom(0) + b"text" * 100))
    return found


def _zips() -> dict[str, Content]:
    found: dict[str, Content] = {}
    for name, path in NAMES.items():
        if name in (
            "parent",
            "parents",
            "deep-parents",
            "absolute",
            "double-slash",
            "windows-parent",
        ):
            found[f"zip-{name}"] = constant(zipped({path: b"x"}))
    found["zip-symlink"] = constant(zipped({"link": b"/etc/passwd"}, mode=0o120777))
    found["zip-fifo"] = constant(zipped({"fifo": b""}, mode=0o010777))
    found["zip-device"] = constant(zipped({"device": b""}, mode=0o020777))
    found["zip-bomb"] = constant(zipped({"large": bytes(200 << 20)}))
    found["zip-total"] = constant(zipped({f"f{i}": bytes(3 << 20) for i in range(6)}))
    found["zip-many"] = constant(zipped({f"f{i}": b"" for i in range(600)}))
    encrypted = bytearray(zipped({"secret": b"x"}))
    for place in (encrypted.rindex(b"PK\x01\x02") + 8, encrypted.rindex(b"PK\x03\x04") + 6):
        encrypted[place] |= 1
    found["zip-encrypted"] = constant(bytes(encrypted))
    unknown = bytearray(zipped({"odd": b"x"}))
    for place in (unknown.rindex(b"PK\x01\x02") + 10, unknown.rindex(b"PK\x03\x04") + 8):
        unknown[place : place + 2] = struct.pack("<H", 99)
    found["zip-unknown-compression"] = constant(bytes(unknown))
    found["zip-lies-about-size"] = _lies_about_size
    return found


def _plain() -> dict[str, Content]:
    return {
        "empty": constant(b""),
        "text": constant(b"text" * 500),
        "rar": constant(b"Rar!\x1a\x07\0" + bytes(100)),
        "seven-zip": constant(b"7z\xbc\xaf\x27\x1c" + bytes(100)),
        "zstd": constant(b"\x28\xb5\x2f\xfd" + bytes(100)),
        "zip-end-only": constant(b"PK\x05\x06" + bytes(17)),
        "html": constant(b"<html>404</html>"),
    }


def _odd_but_allowed() -> dict[str, bytes]:
    """What may be unpacked, if it stays in its folder."""
    return {
        "tar-too-long": tar(info("a" * 300), content=b"x"),
        "tar-too-deep": tar(info("a/" * 1500 + "b"), content=b"x"),
        "tar-twice": tar(info("gt.txt"), content=b"other"),
        "tar-file-and-folder": tar(info("gt.txt/a"), content=b"x"),
        "tar-line-end": tar(info("a\nb"), content=b"x"),
        "tar-control": tar(info("a\x1b[31m"), content=b"x"),
        "tar-not-utf8": tar(info("a\udcff"), content=b"x"),
        "tar-dot": tar(info("."), content=b""),
        "zip-too-long": zipped({"a" * 300: b"x"}),
        "zip-twice": zipped({"gt.txt": b"1", "gt.tx2": b"2"}).replace(b"gt.tx2", b"gt.txt"),
        "zip-file-and-folder": zipped({"gt.txt/a": b"x"}),
        "zip-line-end": zipped({"a\nb": b"x"}),
        "zip-setuid": zipped({"a": b"x"}, mode=0o106777),
        "zip-windows": zipped({"set\\a.png": b"x"}),
    }


def cases() -> dict[str, Hostile]:
    found = {
        name: Hostile(content, unpacked, DataError, "archive.bin")
        for name, content in {**_tars(), **_zips(), **_plain()}.items()
    }
    for name, content in _odd_but_allowed().items():
        found[name] = Hostile(constant(content), unpacked, DataError, "archive.bin", is_folder)
    random_bytes: Callable[[int], bytes] = random_for("archives").randbytes
    body = random_bytes(3000)
    whole = {
        "tar": tar(info("a"), content=body),
        "tar-gz": tar(info("a"), content=body, mode="w:gz"),
        "tar-bz2": tar(info("a"), content=body, mode="w:bz2"),
        "tar-xz": tar(info("a"), content=body, mode="w:xz"),
        "zip": zipped({"a": body}),
    }
    for kind, content in whole.items():
        for name, part in cut(content, 8):
            right = is_folder if kind == "tar" else None  # without checksum: zeros may be cut off
            found[f"{kind}-{name}"] = Hostile(
                constant(part), unpacked, DataError, "archive.bin", right
            )
        for name, part in flipped(content, kind, 12):
            found[f"{kind}-{name}"] = Hostile(
                constant(part), unpacked, DataError, "archive.bin", is_folder
            )
    return found
