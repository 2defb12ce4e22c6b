"""Real servers under a mixed load for minutes, while replicas restart and die and the store fails.

Every answer is compared with the known text.
"""

import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from ocr_lib.errors import ServiceError
from ocr_lib.polling import Pauses, poll_until
from ocr_lib.registry.golden_images import golden_images
from ocr_lib.serving.admin import TritonAdmin
from ocr_lib.serving.client import RecognitionClient
from ocr_lib.serving.rollout import deploy, rollback
from ocr_lib.serving.triton_env import triton_venv
from ocr_lib.storage.s3_server import S3Server
from tests.fault_proxy import FaultProxy, reset, status
from tests.faults.cases import FULL, SEED, Cases, NotInjectedError, cases, random_for
from tests.ocr_lib.serving.replica import Replica
from tests.ocr_lib.serving.rollout_trial import DEADLINE_S, MODEL, TEXTS, Load, load
from tests.ocr_lib.serving.sockets import family
from tests.ocr_lib.serving.tiny_bundle import line_image, write_bundle

pytestmark = [
    pytest.mark.faults,
    pytest.mark.timeout(3600),
    pytest.mark.skipif(not triton_venv().is_dir(), reason="no Triton here: make setup"),
]
SOAK_S = 60 * float(os.environ.get("SOAK_MINUTES") or (30 if FULL else 10))
AWAY_S = 3.0  # how long the store is away
BATCH = 16  # images of a full request
CROWD, REQUESTS = 48, 20  # threads of an overload, and requests of each
IMPATIENT_S = 0.3  # deadline of their requests
MAX_GROWTH = 64 << 20  # bytes of a replica after its first round, in the whole soak
LEAST_SAMPLES = 4  # of its memory, for a slope
LOADED = 3  # models of a replica at rest: the one in front, its network, and that of a rollback
SETTLED_S = 180.0  # in which a replica unloads the others, also on a busy machine


class Sample(NamedTuple):
    """The memory of a replica: when, the resident bytes of its processes, and how many they are."""

    at: float
    size: int
    processes: int


class Soak:
    """Two replicas: the first one lives on, so that its memory can be compared."""

    def __init__(self, folder: Path, server: S3Server, proxy: FaultProxy, stack: ExitStack) -> None:
        environment = {**server.environment(), "OCR_S3_ENDPOINT": proxy.endpoint}
        self.proxy = proxy
        self.refused = 0  # requests, in overloads
        self.killed = 0  # processes
        self._ways = random_for("store away")
        self.store = server.store()
        self.steady, self.other = (
            stack.enter_context(Replica(folder / f"replica-{n}", MODEL, environment))
            for n in (1, 2)
        )
        self.urls = [self.steady.url, self.other.url]
        self.bundles = [
            write_bundle(folder / "one"),
            write_bundle(folder / "two", sharpness=60.0, scale=2),
        ]
        for replica in (self.steady, self.other):
            replica.wait_ready()
        self._deploy(0)

    def events(self) -> dict[str, Callable[[], str]]:
        return {
            "restart": self.restart,
            "kill": self.kill,
            "store-away": self.store_away,
            "overload": self.overload,
            "switch": self.switch,
        }

    def restart(self) -> str:
        self.other.__exit__(None, None, None)
        self.other.start()
        self.other.wait_ready()
        return "restarted"

    def kill(self) -> str:
        pids = list(family(self.other.pid))
        self.other.kill()
        poll_until(
            lambda: not any(map(_runs, pids)), "the killed processes to end", 30.0, Pauses(0.05)
        )
        self.killed += len(pids)
        self.other.start()
        self.other.wait_ready()
        return f"killed {len(pids)}"

    def store_away(self) -> str:
        """The store answers nothing but errors; servers go on with what they have."""
        rule = self.proxy.add(self._ways.choice([reset(), status(503)]), times=None)
        ends = time.monotonic() + 10 * AWAY_S
        while not rule.injected and time.monotonic() < ends:
            time.sleep(0.1)  # until a replica asks
        time.sleep(AWAY_S)
        self.proxy.clear()
        if not rule.injected:
            raise NotInjectedError("no replica asked the store")
        for replica in (self.steady, self.other):
            replica.wait_ready()
        return f"away for {rule.injected}"

    def overload(self) -> str:
        """More impatient requests than the servers take; afterwards each is answered again."""
        ends: Counter[str] = Counter()
        threads = [threading.Thread(target=self._crowd, args=(ends,)) for _ in range(CROWD)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not ends["wrong"], f"{ends['wrong']} wrong answers in an overload"
        if not ends["refused"]:
            raise NotInjectedError(f"nothing was refused: {dict(ends)}")
        self.refused += ends["refused"]
        with RecognitionClient(self.urls, MODEL, timeout_s=20.0) as client:
            for text in TEXTS:
                assert client.read(line_image(text)).text == text
        return f"overload {ends['refused'] > 0}"

    def _crowd(self, ends: Counter[str]) -> None:
        with RecognitionClient(self.urls, MODEL, timeout_s=IMPATIENT_S) as client:
            for number in range(REQUESTS):
                text = TEXTS[number % len(TEXTS)]
                try:
                    found = client.read_many([line_image(text)] * BATCH)
                    ends["right" if all(one.text == text for one in found) else "wrong"] += 1
                except ServiceError:
                    ends["refused"] += 1

    def switch(self) -> str:
        """Another version, and back."""
        self._deploy(1)
        rollback(MODEL, store=self.store, endpoints=self.urls)
        return "switched"

    def settled(self) -> "Sample":
        """Waits until the replica that lives on holds two networks at most; returns its memory.

        A network that is no longer needed stays loaded until it has had no call for a while.
        """
        with TritonAdmin(self.steady.url) as admin:
            poll_until(
                lambda: len(admin.last_inference_s(MODEL)) <= LOADED,
                f"no more than {LOADED} models to be loaded",
                SETTLED_S,
                Pauses(0.5),
            )
        sizes = [size for pid in family(self.steady.pid) if (size := _resident(pid))]
        return Sample(time.monotonic(), sum(sizes), len(sizes))

    def _deploy(self, number: int) -> None:
        golden = golden_images(self.bundles[number], {text: line_image(text) for text in TEXTS})
        deploy(
            str(self.bundles[number]), MODEL, golden,
            store=self.store, endpoints=self.urls, force="a soak",
        )  # fmt: skip


def _resident(pid: int) -> int:
    """Returns the resident bytes of a process, 0 of one that ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) << 10 for line in lines if line.startswith("VmRSS"))


def _runs(pid: int) -> bool:
    """Returns whether a process runs: one that ended may wait for its parent to take note."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in ("Z", "X")


@contextmanager
def full_requests(urls: list[str], met: Load) -> Iterator[None]:
    """Asks for as many lines as a request may hold, one of them no image, while the block lasts."""
    images = [line_image(TEXTS[number % len(TEXTS)]) for number in range(BATCH - 1)]
    expected = [TEXTS[number % len(TEXTS)] for number in range(BATCH - 1)]
    ended = threading.Event()

    def ask() -> None:
        with RecognitionClient(urls, MODEL, timeout_s=DEADLINE_S, priority=2) as client:
            while not ended.is_set():
                try:
                    *found, bad = client.read_many([*images, b"no image"])
                except ServiceError as error:
                    _note(met, met.failures, str(error))
                    continue
                right = [one.text for one in found] == expected and bad.error and not bad.text
                _note(met, met.unpassed, "" if right else str([*found, bad]))

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        yield
    finally:
        ended.set()
        asking.join(2 * DEADLINE_S)


def _note(met: Load, wrong: list[str], what: str) -> None:
    with met.lock:
        met.requests += 1
        if what:
            wrong.append(what)


def soak(some: Cases, trial: Soak, met: Load) -> None:
    """Lets one thing happen after the other until the time is over; each at least once."""
    events, ends = trial.events(), time.monotonic() + SOAK_S
    order, number, counted = random_for("soak"), 0, Counter[str]()
    samples: list[Sample] = []  # one after each round
    while number < len(events) or time.monotonic() < ends:
        names = list(events)
        order.shuffle(names)
        for name in names if number else list(events):
            before = met.requests
            some.run(f"{name}-{number}", events[name])
            counted[name] += 1
            number += 1
            _wait_for_requests(met, before + 50)
        samples.append(trial.settled())
    grown, wrong = growth(samples), ""
    if grown > MAX_GROWTH:
        wrong = f"grew by {grown >> 20} MiB: {[(one.size >> 20, one.processes) for one in samples]}"
    some.count("memory", f"memory {SEED}", wrong, 0.0, max(one.size for one in samples))
    some.record.figures |= {
        **{f"{name} events": count for name, count in sorted(counted.items())},
        "processes killed": trial.killed,
        "requests shed in overloads": trial.refused,
        "memory at first, MiB": samples[0].size >> 20,
        "memory growth, MiB": round(grown / (1 << 20), 1),
        "over, s": round(samples[-1].at - samples[0].at),
    }


def growth(samples: list[Sample]) -> int:
    """Returns how much memory rises from the first to the last sample, in bytes.

    That is the slope in time of the plane through all of them: the number of processes explains
    the rest, since each network that is loaded has its own. Fewer than `LEAST_SAMPLES`, as a short
    soak takes, say only how far the last is from the first.
    """
    times, sizes, processes = np.array(samples, np.float64).T
    if len(samples) < LEAST_SAMPLES:
        return int(sizes[-1] - sizes[0])
    terms = np.stack([times - times[0], np.ones_like(times), processes], axis=1)
    slope = np.linalg.lstsq(terms, sizes, rcond=None)[0][0]
    return int(slope * (times[-1] - times[0]))


def test_a_plane_through_memory_tells_a_leak_from_noise_and_networks() -> None:
    rng = random_for("noise")
    flat = []
    for at in range(8):
        processes = 6 + 2 * rng.randrange(2)
        size = (60 << 20) * processes + rng.randrange(-4 << 20, 4 << 20)
        flat.append(Sample(60.0 * at, size, processes))
    assert abs(growth(flat)) < MAX_GROWTH // 4
    leak = [one._replace(size=one.size + n * (16 << 20)) for n, one in enumerate(flat)]
    assert growth(leak) > MAX_GROWTH
    assert growth([Sample(0.0, 1 << 20, 6), Sample(1.0, 3 << 20, 6)]) == 2 << 20


def _wait_for_requests(met: Load, count: int) -> None:
    ends = time.monotonic() + 120
    while met.requests < count and time.monotonic() < ends:
        time.sleep(0.1)
    if met.requests < count:
        raise NotInjectedError("the servers answer no requests, so there was no load")


def test_servers_answer_rightly_whatever_happens(tmp_path: Path) -> None:
    with ExitStack() as stack, pytest.MonkeyPatch.context() as patch:
        server = stack.enter_context(S3Server(tmp_path / "s3"))
        for name, value in server.environment().items():
            patch.setenv(name, value)
        proxy = stack.enter_context(FaultProxy(server.endpoint))
        trial = Soak(tmp_path, server, proxy, stack)
        with cases("serving") as some:
            with load(trial.urls, frozenset({1, 2})) as met, full_requests(trial.urls, met):
                soak(some, trial, met)
            wrong = [*met.unpassed, *met.failures]
            failed = f"{len(wrong)} of {met.requests}: {wrong[0]}" if wrong else ""
            some.count("answers", f"{sorted(met.versions)}", failed, 0.0)
            some.record.tried += met.requests
            some.record.figures |= {"requests": met.requests, "wrong or failed": len(wrong)}
            assert met.requests > 100
