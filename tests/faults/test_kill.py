"""Every step is killed at every rename and write to the store, and at random times.

The step that is run again afterwards must end with the bytes of an undisturbed one, and what it
left in between must be whole or no result at all.
"""

import hashlib
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.faults.cases import FULL, NotInjectedError, cases, random_for
from tests.faults.conftest import copy_of
from tests.faults.processes import Child, Run, expect_killed, killed_after
from tests.faults.readers import poll, read_local, read_store
from tests.faults.steps import STEPS, World, digests, run_step

pytestmark = [pytest.mark.faults, pytest.mark.timeout(3600)]

RANDOM_TIMES = 100 if FULL else 10
ATTEMPTS = 5  # to hit a step that sometimes has one point fewer, or ends sooner

# What holds times, paths of this machine or measured speeds; all else must be equal.
VOLATILE = {
    "train": r"runs/killed/(?!.*\.(pdparams|pdopt)$)",
    "train-elsewhere": r"runs/killed/(?!.*\.(pdparams|pdopt)$)",
    "predict": r"predictions/killed/",
    "gc": r"leases/",
}
ONLY_WRITES = ("train-elsewhere",)  # it starts with an empty disk, so renames leave nothing
TEMPORARY = re.compile(r"(?<=\.)[a-z0-9_]{8}(?=\.tmp)|(?<=attempt-)\w+|(?<=/\.)\w+(?=\.partial)")


def left_behind(folder: Path) -> str:
    """Returns a digest of names and sizes, temporary names aside."""
    rows = [
        f"{TEMPORARY.sub('', path.relative_to(folder).as_posix())} {path.stat().st_size}"
        for path in folder.rglob("*")
        if path.is_file() and not path.name.endswith(".log")
    ]
    return hashlib.sha256("\n".join(sorted(rows)).encode()).hexdigest()


def results(step: str, case: Path) -> dict[str, str]:
    """Returns the digests of what a step is for: store objects, and the files of its `out`."""
    kept = VOLATILE.get(step)
    stored = {
        key: digest
        for key, digest in digests(case / "s3/ocr").items()
        if kept is None or not re.match(kept, key)
    }
    here = {
        f"out/{name}": digest
        for name, digest in digests(case / "work/out").items()
        if not name.startswith(".")
    }
    return stored | here


class Trial:
    """One step on copies of the world."""

    def __init__(self, step: str, world: World, folder: Path) -> None:
        self.step = step
        self.world = world
        self.folder = folder
        # What is collected are objects that were there before.
        self.known = () if step == "gc" else tuple(digests(world.bucket))
        self.whole = self._undisturbed()

    def _undisturbed(self) -> Run:
        case = self.folder / "undisturbed"
        with copy_of(self.world, case) as server:
            run = self._child(case, server.environment()).wait()
        assert run.exitcode == 0, run.log
        self.expected = results(self.step, case)
        assert self.expected != digests(self.world.bucket), "the step writes nothing"
        return run

    def points(self) -> list[int]:
        """Returns the numbers of the points to kill it at."""
        return [
            number
            for number, name in enumerate(self.whole.points, start=1)
            if self.step not in ONLY_WRITES or name.startswith(("put", "remove"))
        ]

    def at_point(self, number: int) -> str:
        return self._killed(
            f"point-{number}",
            lambda case, environment: self._child(case, environment, number).wait(),
        )

    def at_random(self, number: int) -> str:
        """Kills it at a moment of its undisturbed duration, read meanwhile by another process."""
        share = random_for(f"{self.step} {number}").random()
        seconds = [0.02 + share * self.whole.seconds]

        def kill(case: Path, environment: dict[str, str]) -> Run:
            run = killed_after(self._child(case, environment), seconds[0])
            seconds[0] *= 0.6  # where it had ended
            return run

        return self._killed(f"random-{number}", kill, polled=True)

    def _killed(
        self, name: str, kill: Callable[[Path, dict[str, str]], Run], *, polled: bool = False
    ) -> str:
        for attempt in range(ATTEMPTS):
            case = self.folder / f"{name}-{attempt}"
            with copy_of(self.world, case) as server:
                environment = server.environment()
                stop = case / "stop"
                reader = polled and Child(
                    poll, (self.known, case / "work", stop), case / "reader", environment
                )
                run = kill(case, environment)
                if run.killed:
                    state = left_behind(case)
                    read_store(server.store(), self.known)
                    read_local(case / "work")
                    again = self._child(case, environment).wait()
                if reader:
                    stop.touch()
                    read = reader.wait()
                    assert read.exitcode == 0, f"a reader saw {read.log}"
            if run.killed:
                self._check(case, again)
                return f"{self.step} {state}"
        expect_killed(run, f"{self.step} {name}")
        raise NotInjectedError(name)

    def _check(self, case: Path, again: Run) -> None:
        assert again.exitcode == 0, f"run again, it fails: {again.log}"
        found = results(self.step, case)
        differ = sorted(
            key for key in found.keys() | self.expected.keys()
            if found.get(key) != self.expected.get(key)
        )  # fmt: skip
        assert not differ, f"not as undisturbed: {differ[:8]}"

    def _child(self, case: Path, environment: dict[str, str], kill_at: int | None = None) -> Child:
        arguments = (self.step, self.world, case / "work")
        return Child(run_step, arguments, case, environment, kill_at)


@pytest.mark.parametrize("step", STEPS)
def test_a_killed_step_ends_as_an_undisturbed_one(step: str, world: World, tmp_path: Path) -> None:
    trial = Trial(step, world, tmp_path)
    points = {f"{step}/point-{n}": partial(trial.at_point, n) for n in trial.points()}
    times = {f"{step}/random-{n}": partial(trial.at_random, n) for n in range(RANDOM_TIMES)}
    with cases("kill") as some:
        some.run_all({**points, **times})
