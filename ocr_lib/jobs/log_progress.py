"""The workers' logs as one: lines told apart by rank, progress picked out."""

import re
from dataclasses import dataclass

RANK_MARK = "OCR_RANK"  # a worker's first line: `OCR_RANK <rank> <world size>`
NODE_PREFIX = "node: "  # lines of the node process: fetching, restoring, uploading
_STEP = re.compile(r"epoch: \[(\d+)/(\d+)\], global_step: (\d+).*?eta: (.+)$")


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


@dataclass(slots=True)
class LogProgress:
    """What the workers told so far.

    Attributes:
        progress_at: when they last told of progress, by the listener's clock; None: never.
        step: the last global step heard of.
        line: epoch, step and ETA of the last step line, for people.
    """

    progress_at: float | None = None
    step: int = 0
    line: str = ""

    def hear(self, text: str, at: float) -> None:
        """Takes note of a line; what the launcher says while it waits is no progress."""
        if is_progress(text):
            self.progress_at = at
        if found := _STEP.search(text):
            epoch, epochs, step, eta = found.groups()
            self.step = int(step)
            self.line = f"epoch {epoch} of {epochs}, step {step}, ETA {eta}"


def is_chatter(text: str) -> bool:
    """Tells whether a line is of the launcher's own, which is not worth repeating."""
    return text.startswith("LAUNCH INFO ") or " HTTP Request: " in text


def _sortable(time: str) -> str:
    """Returns a time with all nine digits, since trailing zeros are left out; "" for no time."""
    second, point, fraction = time.removesuffix("Z").partition(".")
    return f"{second}{point or '.'}{fraction:0<9}Z" if second[:4].isdigit() else ""


def is_progress(text: str) -> bool:
    """Tells whether a line means that work goes on."""
    return "ppocr INFO: " in text or text.startswith(NODE_PREFIX) or " ETA " in text
