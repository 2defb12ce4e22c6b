"""Archives for tests, also ones that no tool writes."""

import io
import struct
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def make_tar(path: Path, files: Mapping[str, bytes], how: Any = "w", **fields: Any) -> Path:
    """Writes a tar; `fields` are set on every member."""
    with tarfile.open(path, how) as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            for field, value in fields.items():
                setattr(member, field, value)
            tar.addfile(member, io.BytesIO(content))
    return path


def make_zip(path: Path, files: Mapping[str, bytes], external_attr: int = 0) -> Path:
    """Writes a zip with names in ASCII or UTF-8."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in files.items():
            member = zipfile.ZipInfo(name)
            member.external_attr = external_attr
            packed.writestr(member, content)
    return path


def make_raw_zip(path: Path, files: Mapping[bytes, bytes]) -> Path:
    """Writes a zip whose names are bytes that nothing is said of, as old tools do."""
    aliases = {name: b"%0*d" % (len(name), i) for i, name in enumerate(files)}
    make_zip(path, {alias.decode(): files[name] for name, alias in aliases.items()})
    content = path.read_bytes()
    for name, alias in aliases.items():
        assert content.count(alias) == 2  # in the member's header and in the directory
        content = content.replace(alias, name)
    path.write_bytes(content)
    return path


def tar_header(name: bytes, size: int, kind: bytes) -> bytes:
    """Returns a tar's header with a size that need not be true."""
    number = b"%011o\0" % size
    if not 0 <= size < 1 << 33:
        number = (b"\x80" if size > 0 else b"\xff") + size.to_bytes(11, "big", signed=True)
    fields = (name, b"0000644\0", b"0000000\0", b"0000000\0", number, b"0" * 11 + b"\0")
    head = struct.pack("100s8s8s8s12s12s", *fields)
    tail = struct.pack("c100s6s2s32s32s8s8s155s12x", kind, b"", b"ustar ", b" \0", *[b""] * 5)
    checksum = sum(head + b" " * 8 + tail)
    return head + b"%06o\0 " % checksum + tail
