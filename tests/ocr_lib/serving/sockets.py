"""Which addresses a process and its children listen on, as the kernel says."""

from collections.abc import Iterator
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path

LISTENS = "0A"  # a socket's state in /proc/net/tcp


def listening(pid: int) -> dict[int, str]:
    """Returns the TCP ports of a process and its descendants, each with its address."""
    sockets = {inode for one in family(pid) for inode in _sockets(one)}
    return {port: address for inode, address, port in _tcp() if inode in sockets}


def family(pid: int) -> Iterator[int]:
    """Yields a process and its descendants."""
    yield pid
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):  # it ended
            for child in task.read_text().split():
                yield from family(int(child))


def _sockets(pid: int) -> Iterator[str]:
    """Yields the inodes of a process's sockets."""
    with suppress(OSError):
        for handle in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):
                yield str(handle.readlink()).removeprefix("socket:[").removesuffix("]")


def _tcp() -> Iterator[tuple[str, str, int]]:
    """Yields inode, address and port of every socket of this machine that listens."""
    for name in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == LISTENS:
                address, port = fields[1].split(":")
                yield fields[9], _address(address), int(port, 16)


def _address(shown: str) -> str:
    """Returns an address from 32-bit words of hexadecimal digits, the lowest byte first."""
    words = [bytes.fromhex(shown[i : i + 8])[::-1] for i in range(0, len(shown), 8)]
    address = ip_address(b"".join(words))
    mapped = address.ipv4_mapped if address.version == 6 else None  # gRPC's, for an IPv4 address
    return str(mapped or address)
