"""A training pod's process without its pod: fetch, ranks, checkpoints, reasons, stacks."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from ocr_lib.jobs.heartbeat import HEARTBEAT, read_heartbeat
from ocr_lib.jobs.job_result import read_result
from ocr_lib.jobs.rendezvous import STACKS, Rendezvous
from ocr_lib.jobs.training_job import TrainRequest
from ocr_lib.jobs.workers import children
from ocr_lib.storage.store import Store
from tests.components.packed import pack_lines
from tests.components.run_specs import spec_ref

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
END_S = 270  # of whatever a pod does on a busy machine
LINES = [f"{a}{b}" for a in "abcd" for b in "1234"]
TINY = (
    "Global.epoch_num=2",
    "Global.print_batch_step=2",
    "Global.save_step_every=2",
    "Global.character_dict_path=null",
    "Global.eval_batch_epoch=2",
    "Train.loader.batch_size_per_card=8",
    "Architecture.Neck.hidden_size=16",
    "Architecture.Neck.out_channels=[32]",
)
# A checkpoint now and then: one that is being written cannot go up.
FOREVER = ("Global.epoch_num=100000", "Global.save_step_every=20")
# All pods know their folder under one path, as they do where each has a disk of its own; one with
# a file `deaf` in it has yet to look at the others' marks.
POD = """
import sys
from pathlib import Path
from ocr_lib.jobs import agent, rendezvous
Path.cwd = lambda: Path("/proc/self/cwd")
group = rendezvous.Rendezvous
news = group.news
none = rendezvous.RendezvousChange()
group.news = lambda self: none if Path("deaf").exists() else news(self)
sys.exit(agent.main())
"""


@pytest.fixture(scope="module")
def data(
    s3_server: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str, Sequence[str]], TrainRequest]]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in s3_server.environment().items():
            patch.setenv(name, value)
        folder = tmp_path_factory.mktemp("lines")
        train, validation = (
            pack_lines(Store.from_env(), folder / f"node-{role}", LINES, role)
            for role in ("train", "validation")
        )

        def work(run: str, overrides: Sequence[str] = ()) -> TrainRequest:
            spec = spec_ref(Store.from_env(), *TINY, *overrides)
            return TrainRequest(run, spec.digest, train, validation)

        yield work


class Pod:
    """Starts the process in a folder, as a pod would."""

    def __init__(self, folder: Path, work: TrainRequest, **variables: str) -> None:
        self.folder = folder
        self.reason = folder / "termination-log"
        self._log = folder / "pod.log"
        environment = {**os.environ, "OCR_TRAIN_JOB": work.to_json(), "OMP_NUM_THREADS": "1"}
        environment |= {"OCR_TERMINATION_LOG": str(self.reason), **variables}
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", POD],
                cwd=folder,
                env={**environment, "PYTHONPATH": str(Path(__file__).resolve().parents[3])},
                stdout=log,
                stderr=log,
            )

    @property
    def log(self) -> str:
        return self._log.read_text("utf-8")

    def wait(self) -> int:
        return self.process.wait(END_S)

    def kill(self) -> None:
        """Kills all that runs in it, as a container that is killed."""
        self.signal(signal.SIGSTOP)  # what is frozen starts no child that the next line misses
        self.signal(signal.SIGKILL)
        self.wait()

    def stop(self) -> None:
        """Freezes all that runs in it: to the others it is lost with its machine."""
        self.signal(signal.SIGSTOP)

    def signal(self, number: signal.Signals) -> None:
        found = [self.process.pid]
        for pid in found:
            found += children(pid)
        for pid in found:
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def goes_on(self) -> None:
        """Waits for a step after its last start from a checkpoint."""
        self.waits(lambda: "global_step" in self.log.rpartition("going on from")[2])

    def says(self, text: str) -> None:
        self.waits(lambda: text in self.log)

    def waits(self, until: Callable[[], bool]) -> None:
        ends = time.monotonic() + END_S
        while not until():
            assert time.monotonic() < ends, self.log[-3000:]
            assert self.process.poll() is None, self.log[-3000:]
            time.sleep(0.05)


def test_it_trains_hands_on_and_does_nothing_a_second_time(
    data: Callable[..., TrainRequest], store: Store, tmp_path: Path
) -> None:
    work = data("node-whole")
    pod = Pod(tmp_path, work)
    assert pod.wait() == 0, pod.log[-3000:]
    result = read_result(store, work)
    assert result is not None
    assert result.metadata["epochs"] == 2
    assert store.list("runs/node-whole/snapshots/") == []
    assert store.list("runs/node-whole/group/") == []
    assert "OCR_RANK 0 1" in pod.log
    beat = read_heartbeat(store, work.key)
    assert beat is not None
    assert (beat.epoch, beat.step) == (2, result.metadata["steps"])
    store.get_tree(result.uri, tmp_path / "published")  # which the heartbeat under it leaves alone
    assert not (tmp_path / "published" / HEARTBEAT).exists()
    secret = os.environ["AWS_SECRET_ACCESS_KEY"]
    for path in tmp_path.rglob("*"):  # the launcher writes environments to files
        assert not path.is_file() or secret.encode() not in path.read_bytes(), path
    again = Pod(tmp_path, work)
    assert again.wait() == 0
    assert "complete already" in again.log


def test_why_it_failed_is_left_for_the_pods_status_and_its_log_in_the_store(
    data: Callable[..., TrainRequest], store: Store, tmp_path: Path
) -> None:
    pod = Pod(tmp_path, data("node-data", ["Global.character_dict_path=/nowhere.txt"]))
    assert pod.wait() != 0
    said = json.loads(pod.reason.read_text("utf-8"))
    assert said["kind"] == "data"
    assert "/nowhere.txt" in said["cause"]
    (log,) = store.list("runs/node-data/logs/01/")
    content = store.get_file(log.key, tmp_path / "uploaded.log").read_text("utf-8")
    assert "/nowhere.txt" in content


def test_stacks_are_written_when_wanted_and_the_last_checkpoint_goes_up(
    data: Callable[..., TrainRequest], store: Store, tmp_path: Path
) -> None:
    pod = Pod(tmp_path, data("node-ended", FOREVER))
    pod.says("global_step: 40,")
    Rendezvous(store, "runs/node-ended", 1, "watcher").mark(STACKS)
    pod.says("Current thread")
    pod.process.send_signal(signal.SIGTERM)
    assert pod.wait() == 128 + signal.SIGTERM
    assert any("manifest" in item.key for item in store.list("runs/node-ended/snapshots/"))


@pytest.fixture
def pair(data: Callable[..., TrainRequest], tmp_path: Path) -> Iterator[Callable[[int], Pod]]:
    """Starts the first or the second of two pods, each with an address of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.2", 0))
        master = f"127.0.0.2:{probe.getsockname()[1]}"
    work = data(f"node-{tmp_path.name}", FOREVER)
    started: list[Pod] = []

    def start(index: int) -> Pod:
        folder = tmp_path / f"pod-{index}-{len(started)}"
        folder.mkdir()
        place = {"PADDLE_MASTER": master, "POD_IP": f"127.0.0.{index + 2}"}
        started.append(Pod(folder, work, **place, PADDLE_NNODES="2", OCR_NODE_INDEX=str(index)))
        return started[-1]

    yield start
    for pod in started:
        pod.kill()


def test_a_pod_that_is_replaced_is_met_again(pair: Callable[[int], Pod]) -> None:
    first = pair(0)
    first.says("waiting for the other pods")
    second = pair(1)
    first.says("global_step: 40,")
    second.stop()  # nothing tells the other one's rank
    pair(1)
    first.says("a peer started again")
    first.goes_on()


def test_pods_that_start_again_one_after_the_other_meet(pair: Callable[[int], Pod]) -> None:
    first, second = pair(0), pair(1)
    first.says("global_step: 40,")
    first.kill()
    first = pair(0)
    (first.folder / "deaf").touch()
    first.says("LAUNCH INFO")  # it goes to where it knows that the former second one was
    second.kill()
    second = pair(1)
    second.says("/info/")  # the launchers talk
    (first.folder / "deaf").unlink()
    first.goes_on()
    first.says("OCR_RANK 0 2")
    second.says("OCR_RANK 1 2")  # its launcher passes its log on every other second
