"""The pages of an LMDB file, checked before LMDB follows them.

LMDB maps the file and trusts it: a flipped byte in a page leads it out of the page or out of the
file, which ends the process (SIGBUS, SIGSEGV, SIGFPE, abort). Every page that a read can come by is
read here first, by ordinary reads: 40 ms for a shard of 20,000 samples. What the values hold is
not looked at.

Source: the file format of LMDB 0.9, `mdb.c` (MDB_page, MDB_node, MDB_meta, MDB_db).
"""

import os
import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

META_BYTES = 152  # page header and meta record
LMDB_0_9 = (0xBEEFC0DE, 1)  # magic number, version of the file format
PAGE_SIZES = frozenset(1 << n for n in range(8, 17))
HEADER_BYTES = 16  # of a page
NODE_BYTES = 8  # of a node, without key and value
BRANCH, LEAF, META = 1, 2, 8  # flags of a page
OVERFLOW_VALUE = 1  # flag of a node: its value is on pages of its own
NO_PAGE = 2**64 - 1  # root of an empty database
MAX_DEPTH = 32


class PageError(Exception):
    """A page is damaged, or is none; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Meta:
    """What a meta page says.

    Attributes:
        page_bytes: size of a page.
        flags: of the main database.
        entries: records in it.
        root: its first page.
        pages: that the file must have.
        transaction: number of the commit.
    """

    page_bytes: int
    flags: int
    entries: int
    root: int
    pages: int
    transaction: int


def read_meta(file: int) -> Meta:
    """Returns the newer of the two meta pages of an open file.

    Raises:
        PageError: it does not begin as a file of LMDB 0.9 does.
    """
    first = _meta(os.pread(file, META_BYTES, 0))
    second = _meta(os.pread(file, META_BYTES, first.page_bytes))
    if second.page_bytes != first.page_bytes:
        raise PageError("its two first pages do not say the same size of a page")
    return first if first.transaction >= second.transaction else second


def check_pages(file: int, meta: Meta) -> None:
    """Follows every page of the main database of an open file that is as long as it says.

    Raises:
        PageError: a page leads out of itself or out of the file.
    """
    if meta.flags:
        raise PageError(f"a database of another kind (flags {meta.flags:#x})")
    if meta.root == NO_PAGE:
        return
    todo = [(meta.root, 1)]
    entries = visited = 0
    while todo:
        number, depth = todo.pop()
        visited += 1
        if visited > meta.pages or depth > MAX_DEPTH:
            raise PageError("its pages go in a circle")
        if number >= meta.pages:
            raise PageError(f"page {number} is outside of the file")
        page = os.pread(file, meta.page_bytes, number * meta.page_bytes)
        try:
            children, records = _follow(page, meta)
        except PageError as error:
            raise PageError(f"page {number} is damaged: {error}") from None
        todo += [(child, depth + 1) for child in children]
        entries += records
    if entries != meta.entries:
        raise PageError(f"it has {entries} records and says {meta.entries}")


def _meta(content: bytes) -> Meta:
    if len(content) < META_BYTES or struct.unpack_from("<II", content, 16) != LMDB_0_9:
        raise PageError("not an LMDB 0.9 file")
    (page_flags,) = struct.unpack_from("<H", content, 10)
    (page_bytes,) = struct.unpack_from("<I", content, 40)  # of the free-list record
    (flags,) = struct.unpack_from("<H", content, 92)
    entries, root, last_page, transaction = struct.unpack_from("<QQQQ", content, 120)
    if page_flags != META or page_bytes not in PAGE_SIZES:
        raise PageError("not an LMDB 0.9 file: its first pages are damaged")
    return Meta(page_bytes, flags, entries, root, last_page + 1, transaction)


def _follow(page: bytes, meta: Meta) -> tuple[list[int], int]:
    """Returns the pages that a branch leads to, or how many records a leaf has."""
    if len(page) < meta.page_bytes:
        raise PageError("cut short")
    flags, lower, upper = struct.unpack_from("<HHH", page, 10)
    count = (lower - HEADER_BYTES) >> 1
    if flags not in (BRANCH, LEAF) or not HEADER_BYTES < lower <= upper <= len(page):
        raise PageError("its header is no page's of records")
    words = np.frombuffer(page, "<u2")
    nodes = words[HEADER_BYTES >> 1 : lower >> 1].astype(np.int64)
    if (
        lower & 1
        or (nodes & 1).any()
        or nodes.min() < lower
        or nodes.max() > len(page) - NODE_BYTES
    ):
        raise PageError("a record is outside of it")
    low, high, node_flags, key_bytes = (words[(nodes >> 1) + i].astype(np.int64) for i in range(4))
    if flags == BRANCH:
        if count < 2 or (nodes + NODE_BYTES + key_bytes > len(page)).any():
            raise PageError("a key is outside of it")
        return (low | high << 16 | node_flags << 32).tolist(), 0
    size = low | high << 16
    overflows = node_flags == OVERFLOW_VALUE
    if (node_flags[~overflows] != 0).any():
        raise PageError("a record is no plain value")
    ends = nodes + NODE_BYTES + key_bytes + np.where(overflows, 8, size)
    if (ends > len(page)).any():
        raise PageError("a value is outside of it")
    _check_overflows(page, (ends - 8)[overflows], size[overflows], meta)
    return [], count


def _check_overflows(
    page: bytes, offsets: NDArray[np.int64], sizes: NDArray[np.int64], meta: Meta
) -> None:
    """Checks where values are that have pages of their own.

    Args:
        page: the leaf.
        offsets: int64 [N], where in it the number of the value's first page is.
        sizes: int64 [N], bytes of the values.
        meta: of the file.
    """
    content = np.frombuffer(page, np.uint8)
    first = content[offsets[:, None] + np.arange(8)].copy().view("<u8")[:, 0]
    pages = -(-(sizes + HEADER_BYTES) // meta.page_bytes)
    if (first >= meta.pages).any() or (first.astype(np.int64) + pages > meta.pages).any():
        raise PageError("a value is outside of the file")
