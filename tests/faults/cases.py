"""Counts the faults of one kind, runs each case once, and says how to run a single one again.

SEED (0), FULL (unset) and CASE (all) come from the environment; `make test-faults` sets them.
"""

import os
import random
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.faults.known import known

SEED = int(os.environ.get("SEED") or 0)
FULL = bool(os.environ.get("FULL"))
CASE = os.environ.get("CASE") or ""
WORKERS = 2  # cases at the same time
ATTEMPTS = 5  # to hit what sometimes has one point fewer, or ends sooner
HOLD_S = 5.0  # of a lease whose holder is killed, so that the next one has it sooner
SHOWN = 2000  # characters of a failure


class NotInjectedError(AssertionError):
    """The fault did not happen, so that the case proves nothing."""


@dataclass
class Record:
    """What is counted of a kind.

    Attributes:
        tried: number of faults.
        states: what the faults left or were, each once.
        bad: case → what was wrong, the known ones among them.
        seconds: that the cases took.
        peak_bytes: of the largest process that took a case, where it is measured.
        slowest_s: the longest case.
        figures: what else was measured: name → number.
    """

    tried: int = 0
    states: set[str] = field(default_factory=set)
    bad: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    peak_bytes: int = 0
    slowest_s: float = 0.0
    figures: dict[str, float] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)


RECORDS: dict[tuple[str, str], Record] = {}  # by kind and test


class Cases:
    """The cases of one test. A case that fails is noted, and the others are run all the same."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        test = os.environ["PYTEST_CURRENT_TEST"].partition("::")[2].partition(" ")[0]
        self.record = RECORDS.setdefault((kind, test), Record())
        self.failures: dict[str, str] = {}
        self._known: dict[str, bool] = {}  # pattern → whether a case of it was bad

    def run(self, case: str, action: Callable[[], object]) -> None:
        """Runs one case unless another one was asked for.

        Args:
            case: names it, for CASE= and `known.py`.
            action: raises where the system is wrong; returns the state that the fault left, as
                text, for counting how many of them differ.
        """
        if CASE and not case.startswith(CASE):
            return
        started = time.monotonic()
        wrong, state = "", ""
        try:
            state = str(action())
        except NotInjectedError as error:
            with self.record.lock:
                self.failures[case] = f"{type(error).__name__}: {error}"
            return
        except (Exception, AssertionError) as error:
            wrong = f"{type(error).__name__}: {str(error)[:SHOWN]}"
        self.count(case, state or case, wrong, time.monotonic() - started)

    def count(self, case: str, state: str, wrong: str, seconds: float, peak_bytes: int = 0) -> None:
        """Notes the outcome of a case that ran elsewhere; `wrong` is empty where it is right."""
        record = self.record
        with record.lock:
            record.tried += 1
            record.states.add(state)
            record.seconds += seconds
            record.slowest_s = max(record.slowest_s, seconds)
            record.peak_bytes = max(record.peak_bytes, peak_bytes)
            pattern = known(case)
            if wrong:
                record.bad[case] = wrong
                if not pattern:
                    self.failures[case] = wrong
            if pattern:
                self._known[pattern] = self._known.get(pattern, False) or bool(wrong)

    def run_all(self, actions: Mapping[str, Callable[[], object]], workers: int = WORKERS) -> None:
        """Runs independent cases, a few at a time."""
        with ThreadPoolExecutor(workers) as pool:
            for done in [pool.submit(self.run, case, one) for case, one in actions.items()]:
                done.result()

    def check(self) -> None:
        """Raises for all that failed, with the command that runs each of them again."""
        mended = [pattern for pattern, bad in self._known.items() if not (bad or CASE)]
        assert not mended, f"mended, take it out of known.py: {mended}"
        if self.failures:
            lines = [
                f"{case}: {wrong}\n  again: make test-faults KIND={self.kind} SEED={SEED} "
                f"CASE='{case}'"
                for case, wrong in self.failures.items()
            ]
            raise AssertionError(f"{len(lines)} bad with SEED={SEED}\n" + "\n".join(lines))


def asked(group: str) -> bool:
    """Tells whether cases that begin like this run: all do, but for those that CASE= leaves out."""
    return group.startswith(CASE) or CASE.startswith(group)


@contextmanager
def cases(kind: str) -> Iterator[Cases]:
    """Yields the cases of a kind; at the end, those that were bad fail the test."""
    some = Cases(kind)
    yield some
    some.check()


def random_for(case: str) -> random.Random:
    """Returns the numbers of one case: the same for a seed, whatever other cases ran before."""
    return random.Random(f"{SEED} {zlib.crc32(case.encode())}")
