"""CPU time of competing ways to do one thing, in rounds that alternate between them."""

import resource
import statistics
import time
from collections.abc import Callable
from typing import Any

Seconds = dict[str, list[float]]


def interleaved(tasks: dict[str, Callable[[], object]], items: int, rounds: int) -> Seconds:
    """Returns CPU seconds an item for every task and round, ended children included.

    One round before the first is not counted: it fills the caches.
    """
    seconds: Seconds = {name: [] for name in tasks}
    for counted in [False] + [True] * rounds:
        for name, task in tasks.items():
            started = _cpu()
            task()
            if counted:
                seconds[name].append((_cpu() - started) / items)
    return seconds


def row(name: str, seconds: Seconds, goal: float | None) -> dict[str, Any]:
    """Returns a benchmark's row from the tasks `ours`, `peer` and, where there is one, `bound`."""
    ratios = [ours / peer for ours, peer in zip(seconds["ours"], seconds["peer"], strict=True)]
    bound = seconds.get("bound")
    return {
        "name": name,
        "ours_s": statistics.median(seconds["ours"]),
        "peer_s": statistics.median(seconds["peer"]),
        "bound_s": statistics.median(bound) if bound else None,
        "ratio": statistics.median(ratios),
        "goal": goal,
        "range": [min(ratios), max(ratios)],
    }


def _cpu() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime
