"""The pages of an LMDB file, checked before LMDB follows them.

LMDB maps the file and trusts it: a flipped byte in a page leads it out of the page or out of the
file, which ends the process (SIGBUS, SIGSEGV, SIGFPE, abort). Every page that a read can come by is
read here first, by ordinary reads: about 20 ms for 20,000 samples of 1 KB, which are on those
pages (27 MB), and 13 ms for samples of 3 KB, which have pages of their own, that are not read (one
core, file in the page cache). What the values hold is not looked at.

Source: the file format of LMDB 0.9, `mdb.c` (MDB_page, MDB_node, MDB_meta, MDB_db).
"""

import os
import struct
from dataclasses import dataclass
from itertools import pairwise

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
AT_A_TIME = 1 << 20  # bytes of pages that are checked at once


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
    level = np.array([] if meta.root == NO_PAGE else [meta.root], np.uint64)
    entries = visited = depth = 0
    count = AT_A_TIME // meta.page_bytes
    while len(level):
        depth += 1
        visited += len(level)
        if (outside := level[level >= meta.pages]).size:
            raise PageError(f"page {outside[0]} is outside of the file")
        numbers, children, following = np.sort(level).astype(np.int64), [], 0
        for start in range(0, len(numbers), count):
            targets, records = _follow(file, numbers[start : start + count], meta)
            children.append(targets)
            following += len(targets)
            entries += records
            if visited + following > meta.pages or (following and depth == MAX_DEPTH):
                raise PageError("its pages go in a circle")
        level = np.concatenate(children)
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


def _read(file: int, numbers: NDArray[np.int64], meta: Meta) -> NDArray[np.uint8]:
    """Returns pages, uint8 [N, page_bytes]; neighbours are read at once.

    Args:
        file: open.
        numbers: int64 [N], of the pages, ascending.
        meta: of the file.
    """
    pages = np.empty((len(numbers), meta.page_bytes), np.uint8)
    starts = [0, *(np.flatnonzero(np.diff(numbers) != 1) + 1).tolist(), len(numbers)]
    for start, end in pairwise(starts):
        first, run = int(numbers[start]), pages[start:end]
        if os.preadv(file, [run.data], first * meta.page_bytes) < run.size:
            raise PageError(f"the file is cut short at or after page {first}")
    return pages


def _follow(file: int, numbers: NDArray[np.int64], meta: Meta) -> tuple[NDArray[np.uint64], int]:
    """Returns the pages that branches lead to, uint64, and how many records the leaves have.

    Args:
        file: open.
        numbers: int64 [N], of pages in the file, ascending.
        meta: of the file.
    """

    def refuse(bad: NDArray[np.bool_], cause: str, pages: NDArray[np.int64] = numbers) -> None:
        if bad.any():
            raise PageError(f"page {pages[bad.argmax()]} is damaged: {cause}")

    content, size = _read(file, numbers, meta), meta.page_bytes
    words = content.view("<u2")
    flags, lower, upper = words[:, 5:8].astype(np.int64).T
    kind = (flags == BRANCH) | (flags == LEAF)
    whole = (lower > HEADER_BYTES) & (lower <= upper) & (upper <= size)
    refuse(~(kind & whole), "its header is no page's of records")
    refuse(lower & 1 == 1, "a record is outside of it")
    counts = (lower - HEADER_BYTES) >> 1
    rows = np.repeat(np.arange(len(numbers)), counts)  # [records], of each record's page
    index = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
    nodes, pages = words[rows, (HEADER_BYTES >> 1) + index].astype(np.int64), numbers[rows]
    outside = (nodes & 1 == 1) | (nodes < lower[rows]) | (nodes > size - NODE_BYTES)
    refuse(outside, "a record is outside of it", pages)
    low, high, node_flags, key_bytes = (
        words[rows, (nodes >> 1) + i].astype(np.int64) for i in range(4)
    )
    branch = (flags == BRANCH)[rows]
    refuse((flags == BRANCH) & (counts < 2), "a key is outside of it")
    ends = nodes + NODE_BYTES + key_bytes
    refuse(branch & (ends > size), "a key is outside of it", pages)
    refuse(~branch & (node_flags > OVERFLOW_VALUE), "a record is no plain value", pages)
    overflows = ~branch & (node_flags == OVERFLOW_VALUE)
    value_bytes = low | high << 16
    ends += np.where(branch, 0, np.where(overflows, 8, value_bytes))
    refuse(ends > size, "a value is outside of it", pages)
    first = _page_numbers(content, rows[overflows] * size + ends[overflows] - 8)
    needed = -(-(value_bytes[overflows] + HEADER_BYTES) // size)
    ends = np.minimum(first, meta.pages).astype(np.int64) + needed
    refuse(ends > meta.pages, "a value is outside of the file", pages[overflows])
    children = (low | high << 16 | node_flags << 32)[branch]
    return children.astype(np.uint64), int((~branch).sum())


def _page_numbers(content: NDArray[np.uint8], offsets: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Returns the numbers of 64 bits at any offsets of some bytes."""
    octets = content.reshape(-1)[offsets[:, None] + np.arange(8)]
    return np.asarray(octets.view("<u8").reshape(-1), np.uint64)
