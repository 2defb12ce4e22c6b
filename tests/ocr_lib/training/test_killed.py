"""Runs as users start them, killed in the middle of an epoch and started again: nothing changes."""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ocr_lib.training import checkpoint
from tests.ocr_lib.training.line_data import assert_equal_runs, make_lines, metrics, small_options
from tests.ocr_lib.training.other_networks import DISTILLATION, distillation_options
from tests.ocr_lib.training.ranks import Ranks

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]
Data = tuple[Path, Path]
Options = Callable[..., list[str]]

KEYS = {
    "Global.epoch_num": 2,
    "Global.save_step_every": 1,
    "Global.print_batch_step": 1,
    "Global.log_smooth_window": 1,  # a median forgets what was before the kill
    "Train.loader.batch_size_per_card": 4,
}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Data:
    root = tmp_path_factory.mktemp("lines")
    return make_lines(root / "train", 60, seed=1), make_lines(root / "eval", 10, seed=2)


def reached(run_dir: Path) -> int:
    """Returns the step of the last checkpoint, 0 before the first."""
    manifest = run_dir / "latest.json"
    return json.loads(manifest.read_text("utf-8"))["global_step"] if manifest.exists() else 0


def numbers(run_dir: Path) -> dict[tuple[str, int], dict[str, float]]:
    """Returns what was measured at each step, but for times; what was done twice counts once."""
    rows = {(row["kind"], row["global_step"]): row for row in metrics(run_dir)}
    return {
        at: {name: value for name, value in row.items() if name not in ("time", "ips", "fps")}
        for at, row in rows.items()
    }


@pytest.mark.parametrize(
    ("config", "options"),
    [
        pytest.param("cpu_line", small_options, id="plain"),
        pytest.param(DISTILLATION, distillation_options, id="distillation"),
    ],
)
def test_a_killed_run_ends_as_an_uninterrupted_one(
    data: Data, tmp_path: Path, config: str, options: Options
) -> None:
    """Each a process of its own: what ran in this one before has set Paddle's threads."""
    killed, whole = tmp_path / "killed", tmp_path / "whole"

    def start(run_dir: Path, name: str) -> Ranks:
        ranks = Ranks(tmp_path / "logs" / name)
        given = options(*data, run_dir, **KEYS)
        program = [sys.executable, "-m", "pipelines.cli.main", "train", "-c", config, "-o", *given]
        ranks.start(program, OMP_NUM_THREADS=str(os.cpu_count()))
        return ranks

    with start(whole, "whole") as undisturbed:
        with start(killed, "killed") as ranks:
            ranks.wait_for(lambda: reached(killed) >= 3)
        saved = checkpoint.load(killed / "latest").states
        assert 0 < saved["position"]["step_in_epoch"] < saved["position"]["steps_per_epoch"]
        with start(killed, "resumed") as ranks:
            assert ranks.wait() == [0], ranks.logs()
        assert undisturbed.wait() == [0], undisturbed.logs()
    log = (killed / "train.log").read_text("utf-8")
    assert f"going on from epoch 1, step {saved['global_step']}" in log
    assert_equal_runs(whole, killed)
    assert numbers(whole) == numbers(killed)
