"""Real servers under a mixed load for minutes, while replicas restart and die and the store fails.

Every answer is compared with the known text.
"""

import os
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from ocr_lib.errors import ServiceError
from ocr_lib.polling import Pauses, poll_until
from ocr_lib.registry.golden_images import golden_images
from ocr_lib.serving.client import RecognitionClient
from ocr_lib.serving.rollout import deploy, rollback
from ocr_lib.serving.triton_env import triton_venv
from ocr_lib.storage.s3_server import S3Server
from tests.fault_proxy import FaultProxy, reset, status
from tests.faults.cases import FULL, SEED, Cases, NotInjectedError, cases, random_for
from tests.ocr_lib.serving.replica import Replica
from tests.ocr_lib.serving.rollout_trial import MODEL, TEXTS, Load, load
from tests.ocr_lib.serving.sockets import family
from tests.ocr_lib.serving.tiny_bundle import line_image, write_bundle

pytestmark = [
    pytest.mark.faults,
    pytest.mark.timeout(3600),
    pytest.mark.skipif(not triton_venv().is_dir(), reason="no Triton here: make setup"),
]
SOAK_S = 60 * float(os.environ.get("SOAK_MINUTES") or (30 if FULL else 10))
AWAY_S = 3.0  # how long the store is away
CROWD, REQUESTS = 48, 20  # threads of an overload, and requests of each
IMPATIENT_S = 0.3  # deadline of their requests
MAX_GROWTH = 64 << 20  # bytes of a replica after its first round, in the whole soak


class Soak:
    """Two replicas: the first one lives on, so that its memory can be compared."""

    def __init__(self, folder: Path, server: S3Server, proxy: FaultProxy, stack: ExitStack) -> None:
        environment = {**server.environment(), "OCR_S3_ENDPOINT": proxy.endpoint}
        self.proxy = proxy
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
        with RecognitionClient(self.urls, MODEL, timeout_s=20.0) as client:
            for text in TEXTS:
                assert client.read(line_image(text)).text == text
        return f"overload {ends['refused'] > 0}"

    def _crowd(self, ends: Counter[str]) -> None:
        with RecognitionClient(self.urls, MODEL, timeout_s=IMPATIENT_S) as client:
            for number in range(REQUESTS):
                text = TEXTS[number % len(TEXTS)]
                try:
                    found = client.read_many([line_image(text)] * 16)
                    ends["right" if all(one.text == text for one in found) else "wrong"] += 1
                except ServiceError:
                    ends["refused"] += 1

    def switch(self) -> str:
        """Another version, and back."""
        self._deploy(1)
        rollback(MODEL, store=self.store, endpoints=self.urls)
        return "switched"

    def memory(self) -> int:
        """Returns the resident bytes of the replica that lives on, all its processes together."""
        total = 0
        for pid in family(self.steady.pid):
            lines = Path(f"/proc/{pid}/status").read_text().splitlines()
            total += sum(int(line.split()[1]) << 10 for line in lines if line.startswith("VmRSS"))
        return total

    def _deploy(self, number: int) -> None:
        golden = golden_images(self.bundles[number], {text: line_image(text) for text in TEXTS})
        deploy(
            str(self.bundles[number]), MODEL, golden,
            store=self.store, endpoints=self.urls, force=True,
        )  # fmt: skip


def _runs(pid: int) -> bool:
    """Returns whether a process runs: one that ended may wait for its parent to take note."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in ("Z", "X")


def soak(some: Cases, trial: Soak, met: Load) -> None:
    """Lets one thing happen after the other until the time is over; each at least once."""
    events, ends = trial.events(), time.monotonic() + SOAK_S
    order, first, number = random_for("soak"), 0, 0
    while number < len(events) or time.monotonic() < ends:
        names = list(events)
        order.shuffle(names)
        for name in names if number else list(events):
            before = met.requests
            some.run(f"{name}-{number}", events[name])
            number += 1
            _wait_for_requests(met, before + 50)
        first = first or trial.memory()
    grown = trial.memory() - first
    wrong = f"grew by {grown >> 20} MiB" if grown > MAX_GROWTH else ""
    some.count("memory", f"memory {SEED}", wrong, 0.0, first + max(grown, 0))


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
            with load(trial.urls, frozenset({1, 2})) as met:
                soak(some, trial, met)
            wrong = [*met.unpassed, *met.failures]
            failed = f"{len(wrong)} of {met.requests}: {wrong[0]}" if wrong else ""
            some.count("answers", f"{sorted(met.versions)}", failed, 0.0)
            some.record.tried += met.requests
            assert met.requests > 100
