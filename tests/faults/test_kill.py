"""Every step is killed at every rename and write to the store, and at random times.

The step that is run again afterwards must end with the bytes of an undisturbed one, and what it
left in between must be whole or no result at all. Deployments and rollbacks are killed at their
calls of the servers as well.
"""

import hashlib
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest

from ocr_lib.serving.triton_env import triton_venv
from tests.faults.cases import (
    ATTEMPTS,
    FULL,
    WORKERS,
    NotInjectedError,
    asked,
    cases,
    random_for,
)
from tests.faults.conftest import copy_of
from tests.faults.processes import (
    TEMPORARY,
    Child,
    Point,
    Ranks,
    Run,
    expect_killed,
    killed_after,
    points_of,
)
from tests.faults.readers import poll, read_local, read_store
from tests.faults.rollouts import Rollouts, Site, site
from tests.faults.steps import RANKS, STEPS, World, digests, run_step
from tests.ocr_lib.training.ranks import rank_environments

pytestmark = [pytest.mark.faults, pytest.mark.timeout(3600)]

RANDOM_TIMES = 100 if FULL else 10
MODELS = 3  # on the servers of a rollout

# What holds times, paths of this machine or measured speeds; all else must be equal.
VOLATILE = {
    "train": r"runs/killed/(?!.*\.(pdparams|pdopt)$)",
    "train-elsewhere": r"runs/killed/(?!.*\.(pdparams|pdopt)$)",
    "train-2": r"out/(?!.*\.(pdparams|pdopt)$)",
    "predict": r"predictions/killed/",
    "gc": r"leases/",
    "feedback-record": r"feedback/.*\.json$",
}
ONLY_WRITES = ("train-elsewhere",)  # it starts with an empty disk, so renames leave nothing
CLOCKED = re.compile(r"/snapshots/|heartbeat")  # what a step that takes longer writes more often
WAITING = {"gc": 8}  # cases at the same time: most of it is waiting for a lease to end


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
    stored = digests(case / "s3/ocr")
    here = {
        f"out/{name}": digest
        for name, digest in digests(case / "work/out").items()
        if not name.startswith(".")
    }
    volatile = VOLATILE.get(step)
    return {
        name: digest
        for name, digest in (stored | here).items()
        if volatile is None or not re.match(volatile, name)
    }


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

    def points(self) -> dict[int, Point]:
        """Returns the points to kill it at, by their number."""
        return {
            number: point
            for number, point in enumerate(points_of(self.whole.points), start=1)
            if (self.step not in ONLY_WRITES or point.name.startswith(("put", "remove")))
            and not (CLOCKED.search(point.name) and point.occurrence > 1)
        }

    def at_point(self, number: int, point: Point) -> str:
        return self._killed(
            f"point-{number}",
            lambda case, environment: self._child(case, environment, point).wait(),
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

    def _child(
        self, case: Path, environment: dict[str, str], kill_at: Point | None = None
    ) -> Child | Ranks:
        arguments = (self.step, self.world, case / "work")
        if self.step not in RANKS:
            return Child(run_step, arguments, case, environment, kill_at)
        ranks = enumerate(rank_environments(RANKS[self.step]))
        return Ranks(
            [
                Child(
                    run_step, arguments, case / f"rank-{rank}", environment | variables,
                    None if rank else kill_at,
                )
                for rank, variables in ranks
            ]
        )  # fmt: skip


@pytest.mark.parametrize("step", STEPS)
def test_a_killed_step_ends_as_an_undisturbed_one(step: str, world: World, tmp_path: Path) -> None:
    with cases("kill") as some:
        if not asked(f"{step}/"):
            return
        trial = Trial(step, world, tmp_path)
        points = {
            f"{step}/point-{number}": partial(trial.at_point, number, point)
            for number, point in trial.points().items()
        }
        times = {f"{step}/random-{n}": partial(trial.at_random, n) for n in range(RANDOM_TIMES)}
        some.run_all({**points, **times}, WAITING.get(step, WORKERS))


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site(tmp_path_factory.mktemp("servers")) as servers:
        yield servers


@pytest.mark.skipif(not triton_venv().is_dir(), reason="no Triton here: make setup")
@pytest.mark.parametrize("operation", ["deploy", "rollback"])
def test_a_killed_rollout_ends_as_an_undisturbed_one(
    operation: str, request: pytest.FixtureRequest
) -> None:
    """Meanwhile a reader asks every server, and for the version in production."""
    with cases("kill") as some, ExitStack() as stack:
        if not asked(f"{operation}/"):
            return
        trial = Rollouts(operation, request.getfixturevalue("servers"), stack, MODELS)
        points = {f"{operation}/point-{n}": partial(trial.at_point, n) for n in trial.points}
        times = {
            f"{operation}/random-{n}": partial(trial.at_random, n) for n in range(RANDOM_TIMES)
        }
        some.run_all({**points, **times}, MODELS)
