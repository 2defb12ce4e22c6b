"""Starts a script as several processes, through Paddle's launcher or without it, and ends them."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
TIMEOUT_S = 400  # of two launchers on a busy machine


def environment(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PADDLE_")}
    return {**kept, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", **more}


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def rank_environments(world_size: int) -> list[dict[str, str]]:
    """Returns the variables that Paddle's launcher sets for each process of a run."""
    endpoints = [f"127.0.0.1:{free_port()}" for _ in range(world_size)]
    master = f"127.0.0.1:{free_port()}"
    return [
        {
            "PADDLE_MASTER": master,
            "PADDLE_TRAINER_ID": str(rank),
            "PADDLE_TRAINERS_NUM": str(world_size),
            "PADDLE_LOCAL_SIZE": str(world_size),
            "PADDLE_TRAINER_ENDPOINTS": ",".join(endpoints),
            "PADDLE_CURRENT_ENDPOINT": endpoint,
        }
        for rank, endpoint in enumerate(endpoints)
    ]


class Ranks:
    """Processes of one run, each with a log of its own; killed on leaving if they still run."""

    def __init__(self, log_dir: Path) -> None:
        self.log_dir = log_dir
        self.processes: list[subprocess.Popen] = []
        log_dir.mkdir(parents=True, exist_ok=True)

    def start(self, command: Sequence[str | Path], **env: str) -> None:
        with (self.log_dir / f"{len(self.processes)}.log").open("w", encoding="utf-8") as log:
            process = subprocess.Popen(
                [*map(str, command)],
                env=environment(**env),
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.log_dir,
            )
        self.processes.append(process)

    def start_ranks(self, command: Sequence[str | Path], world_size: int = 2) -> "Ranks":
        """Starts the processes as Paddle's launcher does on a machine without GPUs."""
        for rank in rank_environments(world_size):
            self.start([sys.executable, *command], **rank)
        return self

    def start_nodes(self, command: Sequence[str | Path], nodes: int = 1, each: int = 2) -> "Ranks":
        """Starts Paddle's launcher on this many nodes."""
        master = ["--nnodes", nodes, "--master", f"127.0.0.1:{free_port()}"] if nodes > 1 else []
        for node in range(nodes):
            rank = ["--rank", node] if nodes > 1 else []
            logs = ["--log_dir", self.log_dir / f"node{node}", "--nproc_per_node", each]
            launch = [sys.executable, "-m", "paddle.distributed.launch", *master, *rank, *logs]
            self.start([*launch, *command])
        return self

    def wait_for(self, ready: Callable[[], bool]) -> None:
        end = time.monotonic() + TIMEOUT_S
        while not ready():
            assert time.monotonic() < end, self.logs()
            assert all(process.poll() is None for process in self.processes), self.logs()
            time.sleep(0.01)

    def wait(self) -> list[int]:
        end = time.monotonic() + TIMEOUT_S
        return [process.wait(max(0.1, end - time.monotonic())) for process in self.processes]

    def kill(self) -> None:
        """Kills the processes and their children, launchers' workers among them."""
        for process in self.processes:
            for pid in [process.pid, *children(process.pid)]:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue
            process.wait(30)

    def logs(self) -> str:
        files = sorted(self.log_dir.rglob("*.log")) + sorted(self.log_dir.rglob("workerlog.*"))
        return "\n".join(f"== {file}\n{file.read_text('utf-8')[-3000:]}" for file in files)

    def __enter__(self) -> "Ranks":
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()


def children(pid: int) -> list[int]:
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii")
    except FileNotFoundError:
        return []
    direct = [int(word) for word in text.split()]
    return [*direct, *(below for child in direct for below in children(child))]
