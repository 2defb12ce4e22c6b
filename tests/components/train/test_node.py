"""A training pod's process without its pod: fetch, ranks, checkpoints, reasons, stacks."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from components.shared.store import Store
from components.train.group import STACKS, Group
from components.train.job import TrainJob, Work
from components.train.result import read_result
from tests.components.packed import pack_lines

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


@pytest.fixture(scope="module")
def data(
    s3_server: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str, Sequence[str]], Work]]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in s3_server.environment().items():
            patch.setenv(name, value)
        folder = tmp_path_factory.mktemp("lines")
        lines = pack_lines(folder / "node-train", LINES), pack_lines(folder / "node-eval", LINES)

        def work(run: str, overrides: Sequence[str] = ()) -> Work:
            return Work(TrainJob(run, "cpu_line", (*TINY, *overrides)), *lines)

        yield work


class Pod:
    """Starts the process in a folder, as a pod would."""

    def __init__(self, folder: Path, work: Work) -> None:
        self.folder = folder
        self.reason = folder / "termination-log"
        self._log = folder / "pod.log"
        environment = {**os.environ, "OCR_TRAIN_JOB": work.to_json(), "OMP_NUM_THREADS": "1"}
        environment["OCR_TERMINATION_LOG"] = str(self.reason)
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "components.train.node"],
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

    def says(self, text: str) -> None:
        ends = time.monotonic() + END_S
        while text not in self.log:
            assert time.monotonic() < ends, self.log[-3000:]
            assert self.process.poll() is None, self.log[-3000:]
            time.sleep(0.05)


def test_it_trains_hands_on_and_does_nothing_a_second_time(
    data: Callable[..., Work], store: Store, tmp_path: Path
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
    secret = os.environ["AWS_SECRET_ACCESS_KEY"]
    for path in tmp_path.rglob("*"):  # the launcher writes environments to files
        assert not path.is_file() or secret.encode() not in path.read_bytes(), path
    again = Pod(tmp_path, work)
    assert again.wait() == 0
    assert "complete already" in again.log


def test_why_it_failed_is_left_for_the_pods_status_and_its_log_in_the_store(
    data: Callable[..., Work], store: Store, tmp_path: Path
) -> None:
    pod = Pod(tmp_path, data("node-data", ["Global.character_dict_path=/nowhere.txt"]))
    assert pod.wait() != 0
    said = json.loads(pod.reason.read_text("utf-8"))
    assert said["kind"] == "data"
    assert "/nowhere.txt" in said["cause"]
    (log,) = store.list("runs/node-data/logs/01/")
    content = store.get_file(log.key, tmp_path / "uploaded.log").read_text("utf-8")
    assert "/nowhere.txt" in content


def test_marks_of_others_ask_for_stacks_and_a_new_start_and_the_last_checkpoint_goes_up(
    data: Callable[..., Work], store: Store, tmp_path: Path
) -> None:
    # A checkpoint now and then: one that is being written cannot go up.
    forever = ["Global.epoch_num=100000", "Global.save_step_every=20"]
    pod = Pod(tmp_path, data("node-ended", forever))
    others = Group(store, "runs/node-ended", 1, "watcher")
    pod.says("global_step: 40,")
    others.mark("node-1")  # a first start is nothing to restart for
    others.mark(STACKS)
    pod.says("Current thread")  # it has seen both marks
    others.mark("node-1")
    pod.says("a peer started again")
    pod.says("going on from")
    pod.process.send_signal(signal.SIGTERM)
    assert pod.wait() == 128 + signal.SIGTERM
    assert pod.log.count("a peer started again") == 1
    assert any("manifest" in item.key for item in store.list("runs/node-ended/snapshots/"))
