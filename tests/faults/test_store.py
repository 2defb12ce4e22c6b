"""A store that fails in every way between a step and its objects, and disks that are full.

The step ends rightly, or with one line of error. Then nothing half-written is to be seen, and run
again without the fault it ends as if there had been none.
"""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.fault_proxy import (
    Fault,
    FaultProxy,
    Rule,
    damaged_upload,
    drip,
    html_page,
    key_of,
    lost_answer,
    not_found,
    reset,
    s3_error,
    silent,
    skewed_clock,
    status,
    truncated,
    wrong_bytes,
)
from tests.faults.cases import FULL, NotInjectedError, asked, cases, random_for
from tests.faults.conftest import copy_of
from tests.faults.processes import Child, Run
from tests.faults.readers import read_local, read_store
from tests.faults.steps import REFUSED, World, digests, run_harmed_step
from tests.faults.test_kill import results

pytestmark = [pytest.mark.faults, pytest.mark.timeout(3600)]

DEADLINE_S = 120.0  # of a step whose store fails, on a busy machine
ALL = ("gen-label", "upload", "replace-upload", "download", "feedback-export")
SOME = (
    *("pack", "plan", "preflight", "train", "predict", "evaluate", "export"),
    *("feedback-record", "feedback-correct", "gc"),
)
DISKS = {
    **dict.fromkeys(("gen-label", "gen-label-here", "pack", "pack-here"), (8, 24, 64, 160)),
    **dict.fromkeys(("plan", "download", "feedback-export"), (8, 24, 64)),
    **dict.fromkeys(("preflight", "evaluate"), (24, 160, 400)),
    **dict.fromkeys(("train", "predict", "export"), (64, 400, 1000)),
}  # KiB, for each step
MARK = ".damaged"
DAY_S = 86_400.0


@dataclass(frozen=True)
class StoreFault:
    """A fault, the methods of the requests that it makes sense for, and how often it happens."""

    fault: Callable[[], Fault]
    methods: tuple[str, ...] = ("GET", "PUT", "HEAD", "LIST")
    times: int | None = 1
    after: str = ""


FAULTS: dict[str, StoreFault] = {
    **{f"status-{code}": StoreFault(partial(status, code)) for code in (500, 502, 503, 504)},
    "status-429": StoreFault(partial(status, 429)),
    "status-400": StoreFault(partial(status, 400)),
    "down": StoreFault(partial(status, 503), times=None),
    "slow-down": StoreFault(partial(s3_error, "SlowDown", 503), times=2),
    "internal-error": StoreFault(partial(s3_error, "InternalError", 500), times=None),
    "denied": StoreFault(partial(s3_error, "AccessDenied", 403), times=None),
    "wrong-clock": StoreFault(partial(s3_error, "RequestTimeTooSkewed", 403), times=None),
    "expired": StoreFault(partial(s3_error, "ExpiredToken", 400), times=None),
    "no-bucket": StoreFault(partial(s3_error, "NoSuchBucket", 404), times=None),
    "not-xml": StoreFault(partial(s3_error, "</Code><x", 500), times=None),
    "reset": StoreFault(reset),
    "resets": StoreFault(reset, times=None),
    "lost-answer": StoreFault(lost_answer, ("PUT", "DELETE")),
    "lost-answers": StoreFault(lost_answer, ("PUT", "DELETE"), times=None),
    "silent": StoreFault(silent),
    "drip": StoreFault(partial(drip, 200, 0.001), ("GET", "LIST"), times=3),
    "drips": StoreFault(partial(drip, 1, 0.5), ("GET", "LIST"), times=None),
    "truncated": StoreFault(truncated, ("GET", "LIST")),
    "truncated-always": StoreFault(truncated, ("GET", "LIST"), times=None),
    "wrong-bytes": StoreFault(wrong_bytes, ("GET",)),
    "wrong-bytes-always": StoreFault(wrong_bytes, ("GET",), times=None),
    "damaged-upload": StoreFault(damaged_upload, ("PUT",)),
    "damaged-uploads": StoreFault(damaged_upload, ("PUT",), times=None),
    "gone-after-put": StoreFault(not_found, ("GET", "HEAD"), after="PUT"),
    "clock-ahead": StoreFault(partial(skewed_clock, DAY_S), times=None),
    "clock-behind": StoreFault(partial(skewed_clock, -DAY_S), times=None),
    "page": StoreFault(html_page),
    "pages": StoreFault(html_page, times=None),
}


def kind_of(method: str, path: str) -> str:
    return "LIST" if method == "GET" and not key_of(path) else method


class Trial:
    """One step on copies of the world, behind a proxy."""

    def __init__(self, step: str, world: World, folder: Path) -> None:
        self.step = step
        self.world = world
        self.folder = folder
        # What is collected are objects that were there before.
        self.known = () if step == "gc" else tuple(digests(world.bucket))
        case = folder / "undisturbed"
        with copy_of(world, case) as server, FaultProxy(server.endpoint) as proxy:
            run = self._child(case, server.environment(), proxy.endpoint).wait()
            self.requests = list(proxy.requests)
        assert run.exitcode == 0, run.log
        self.expected = results(step, case)

    def faults(self) -> dict[str, Callable[[], object]]:
        """Returns a case for each fault, and in steps of `ALL` for each kind of request."""
        trials: dict[str, Callable[[], object]] = {}
        for name, one in FAULTS.items():
            met = {method: self._count(method, one) for method in one.methods}
            methods = [method for method, count in met.items() if count]
            if methods and not (FULL or self.step in ALL):
                methods = [random_for(f"{self.step}/{name}").choice(methods)]
            for method in methods:
                case = f"{self.step}/{name}-{method}"
                skip = random_for(case).randrange(met[method])
                trials[case] = partial(self.harmed, case, one, method, skip)
        return trials

    def _count(self, method: str, fault: StoreFault) -> int:
        """Returns how many requests of an undisturbed run a fault could happen to."""
        count, seen = 0, set()
        for made, path in self.requests:
            fits = not fault.after or (fault.after, key_of(path)) in seen
            count += kind_of(made, path) == method and fits
            seen.add((made, key_of(path)))
        return count

    def harmed(self, name: str, fault: StoreFault, method: str, skip: int) -> str:
        """Harms the request after `skip` ones; an earlier one where threads ask less often."""
        while not (injected := self._harmed(name, fault, method, skip)):
            if not skip:
                raise NotInjectedError(f"{name}: no request was harmed")
            skip //= 2
        return f"{name} {skip} {injected}"

    def _harmed(self, name: str, fault: StoreFault, method: str, skip: int) -> int:
        """Returns how many requests were harmed; where none was, nothing is checked."""
        case = self.folder / f"{name.replace('/', '-')}-{skip}"
        which: dict[str, Any] = {"key": "" if method == "LIST" else "?*", "after": fault.after}
        with copy_of(self.world, case) as server:
            with FaultProxy(server.endpoint) as proxy:
                rule: Rule = proxy.add(
                    fault.fault(),
                    method="GET" if method == "LIST" else method,
                    times=fault.times,
                    skip=skip,
                    **which,
                )
                run = self._child(case, server.environment(), proxy.endpoint).wait(DEADLINE_S)
            if rule.injected:
                read_store(server.store(), self.known)
                read_local(case / "work")
                self._check(case, run, server.environment())
        shutil.rmtree(case)
        return rule.injected

    def on_small_disk(self, kib: int) -> str:
        case = self.folder / f"disk-{kib}"
        with copy_of(self.world, case) as server:
            arguments = (self.step, self.world, case / "work", kib)
            run = Child(run_harmed_step, arguments, case, server.environment()).wait(DEADLINE_S)
            if "name space of one's own" in run.log:
                pytest.skip("this machine gives no name space of one's own")
            read_store(server.store(), self.known)
            self._check(case, run, server.environment(), ended_elsewhere=True)
        return f"{self.step} {kib} {run.points}"

    def _check(
        self, case: Path, run: Run, environment: dict[str, str], *, ended_elsewhere: bool = False
    ) -> None:
        """Checks one end: right, or one line of error and right when run again."""
        lines = [line for line in run.log.splitlines() if line.startswith(f"{REFUSED}: ")]
        if run.exitcode:
            assert run.exitcode in (1, 2), f"exit code {run.exitcode}: {run.log}"
            assert len(lines) == 1, f"not one line: {run.log}"
        if run.exitcode or ended_elsewhere:
            again = self._child(case, environment, environment["OCR_S3_ENDPOINT"]).wait()
            assert again.exitcode == 0, f"run again, it fails: {again.log}; first: {lines}"
        found = results(self.step, case)
        differ = sorted(
            key
            for key in found.keys() | self.expected.keys()
            if found.get(key) != self.expected.get(key)
            and not key.endswith(MARK)  # says that an object was once read with wrong bytes
        )
        assert not differ, f"exit code {run.exitcode}, {lines}: not as undisturbed: {differ[:5]}"

    def _child(self, case: Path, environment: dict[str, str], endpoint: str) -> Child:
        arguments = (self.step, self.world, case / "work")
        return Child(run_harmed_step, arguments, case, {**environment, "OCR_S3_ENDPOINT": endpoint})


@pytest.fixture
def trial(step: str, request: pytest.FixtureRequest, tmp_path: Path) -> Trial:
    """The step of the test; none is run for cases that are not asked for."""
    if not asked(f"{step}/"):
        pytest.skip(f"CASE= is not for {step}")
    return Trial(step, request.getfixturevalue("world"), tmp_path)


@pytest.mark.parametrize("step", [*ALL, *SOME])
def test_a_step_survives_its_store(step: str, trial: Trial) -> None:
    with cases("store") as some:
        some.run_all(trial.faults(), workers=6)  # most wait for an answer


@pytest.mark.parametrize("step", DISKS)
def test_a_step_survives_a_full_disk(step: str, trial: Trial) -> None:
    with cases("store") as some:
        sizes = {f"{step}/disk-{kib}": partial(trial.on_small_disk, kib) for kib in DISKS[step]}
        some.run_all(sizes)
