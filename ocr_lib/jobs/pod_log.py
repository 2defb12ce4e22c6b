"""The workers' logs as one: new lines of each pod, told apart by rank."""

from dataclasses import dataclass

RANK_MARK = "OCR_RANK"  # a worker's first line: `OCR_RANK <rank> <world size>`


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of a pod's log: when the kubelet got it (RFC 3339, nanoseconds), and the text."""

    time: str
    text: str


@dataclass(slots=True)
class PodLog:
    """How far a pod's log was read.

    Attributes:
        worker: how the pod is called, `worker-0`.
        last: time of the last line read.
        rank: what the worker said it is; empty before.
        read_at: when it was read last, by the reader's clock.
    """

    worker: str
    last: str = ""
    rank: str = ""
    read_at: float = 0.0

    def read(self, text: str) -> list[LogLine]:
        """Returns the lines of `text` that are new; the kubelet repeats those of one second."""
        new = []
        for row in text.splitlines():
            time, _, line = row.partition(" ")
            time = _sortable(time)
            if not time or time <= self.last:
                continue
            self.last = time
            if line.startswith(RANK_MARK):
                self.rank = line.split()[1]
            new.append(LogLine(time, line))
        return new

    @property
    def prefix(self) -> str:
        """What stands before each of its lines."""
        return f"[rank {self.rank}] " if self.rank else f"[{self.worker}] "


def is_chatter(text: str) -> bool:
    """Tells whether a line is of the launcher's own, which is not worth repeating."""
    return text.startswith("LAUNCH INFO ") or " HTTP Request: " in text


def _sortable(time: str) -> str:
    """Returns a time with all nine digits, since trailing zeros are left out; "" for no time."""
    second, point, fraction = time.removesuffix("Z").partition(".")
    return f"{second}{point or '.'}{fraction:0<9}Z" if second[:4].isdigit() else ""
