"""Training runs on the cluster, tiny ones, started as a step starts them."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ocr_lib.jobs.paddlejob import job_name
from ocr_lib.runspec.options import parse_options
from ocr_lib.runspec.spec_store import pin_spec, save_spec
from ocr_lib.storage.artifact_ref import ArtifactRef
from ocr_lib.storage.store import Store
from tests.cluster.harness import IMAGE, RESOURCES, Namespace, Tree, code_mount, until
from tests.components.run_specs import run_spec

ROOT = Path(__file__).resolve().parents[2]
END_S = 600.0
# Half a minute on two quiet cores: time enough to break something half-way.
OVERRIDES = (
    "Global.epoch_num=16",
    "Global.save_step_every=4",
    "Global.print_batch_step=5",
    "Global.eval_batch_epoch=8",
    "Global.character_dict_path=null",
    "Train.loader.batch_size_per_card=4",
    "Architecture.Neck.hidden_size=16",
    "Architecture.Neck.out_channels=[32]",
)


@dataclass
class Runs:
    """Starts runs in a namespace on the same data."""

    space: Namespace
    store: Store
    train: ArtifactRef
    validation: ArtifactRef
    folder: Path
    started: list["Run"] = field(default_factory=list)

    def start(self, name: str, **changes: Any) -> "Run":
        """Starts the step of a run; see `settings` for what can be changed."""
        run = Run(self, name, self.settings(name, **changes))
        self.started.append(run)
        run.start()
        return run

    def settings(
        self,
        name: str,
        *,
        overrides: Sequence[str] = (),
        options: Tree | None = None,
        image: str = IMAGE,
        workers: int = int(os.environ.get("OCR_CLUSTER_WORKERS", "2")),
        **task: Any,
    ) -> Tree:
        """Returns what the step's program reads."""
        volumes, mounts, env = code_mount()
        one_thread = {"name": "OMP_NUM_THREADS", "value": "1"}
        fields = ("affinity", "tolerations", "node_selector")
        job = {"shared_memory": "64Mi", "deadline_hours": 0.25, **(options or {})}
        spec = run_spec(
            *OVERRIDES,
            *overrides,
            images={"train": image},
            train_backend="paddlejob",
            train_workers=workers,
            options=parse_options({"train_job": job}),
        )
        pin_spec(self.store, name, spec)
        return {
            "run": name,
            "spec": asdict(save_spec(self.store, spec)),
            "train": asdict(self.train),
            "validation": asdict(self.validation),
            "task": {
                **dict.fromkeys(fields),
                "env": [*env, one_thread],
                "volumes": volumes,
                "volume_mounts": mounts,
                "resources": RESOURCES,
                **task,
            },
            "looks": str(self.folder / f"{name}.looks.jsonl"),
        }


class Run:
    """One run, and the process that is its step."""

    def __init__(self, runs: Runs, name: str, settings: Tree) -> None:
        self.space = runs.space
        self.name = name
        self.job = job_name(name)
        self._settings = settings
        self._log = runs.folder / f"{name}.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts the step, or starts it again."""
        environment = {**os.environ, **self.space.store, "KUBECONFIG": str(self.space.kubeconfig)}
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.cluster.step_program"],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env=environment,
                cwd=ROOT,
            )
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(self._settings).encode())
        self._process.stdin.close()

    def kill(self) -> None:
        """Kills the step without grace."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(10)

    def remove(self) -> None:
        """Ends the step and its job, whatever they do."""
        self.kill()
        self.space.kubectl("delete", "paddlejob", self.job, "--ignore-not-found", "--wait=false")

    def wait(self, seconds: float = END_S) -> int:
        """Waits for the step's end; returns its exit code."""
        assert self._process is not None
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired as error:
            raise AssertionError(
                f"{self.name} not done in {seconds} s:\n{self.log[-3000:]}"
            ) from error

    @property
    def log(self) -> str:
        """What the step wrote so far."""
        return self._log.read_text("utf-8", errors="replace")

    def says(self, text: str, seconds: float = 300.0) -> None:
        """Waits until the step's log has a text."""
        until(lambda: text in self.log, seconds, f"{text!r} in the log:\n{self.log[-3000:]}")

    @property
    def workers(self) -> list[Tree]:
        """Its pods."""
        return self.space.pods(f"training.kubeflow.org/job-name={self.job}")

    @property
    def exists(self) -> bool:
        """Whether its PaddleJob is there."""
        return bool(self.space.kubectl("get", "paddlejob", self.job, "--ignore-not-found").strip())

    @property
    def result(self) -> ArtifactRef:
        """What the step handed on."""
        line = [row for row in self.log.splitlines() if row.startswith("RESULT ")][-1]
        return ArtifactRef(**json.loads(line.removeprefix("RESULT ")))


def read_weights(store: Store, uri: str, folder: Path) -> bytes:
    """Returns the final weights of a run: the file's bytes, as paddle writes them."""
    return (store.get_tree(uri, folder) / "latest.pdparams").read_bytes()
