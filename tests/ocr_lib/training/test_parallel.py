"""Two processes and two nodes on this machine: equal weights everywhere, from kill to resume."""

import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from ocr_lib.training import checkpoint, train
from tests.ocr_lib.training.line_data import (
    assert_equal_runs,
    make_lines,
    metrics,
    small_config,
    small_options,
)
from tests.ocr_lib.training.ranks import Ranks

pytestmark = pytest.mark.timeout(1200)

TRAINS = Path(__file__).with_name("rank_trains.py")
EXCHANGES = Path(__file__).with_name("rank_exchanges.py")
KEYS = {
    "Global.save_step_every": 1,
    "Global.use_sync_bn": True,
    "Global.ema_decay": 0.9,
}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    root = tmp_path_factory.mktemp("lines")
    return make_lines(root / "train", 60, seed=1), make_lines(root / "eval", 21, seed=2)


@pytest.fixture(scope="module")
def whole(data, tmp_path_factory) -> Path:
    """A run of two processes that nothing interrupted."""
    folder = tmp_path_factory.mktemp("two")
    command = [TRAINS, folder / "ranks", *small_options(*data, folder / "run", **KEYS)]
    with Ranks(folder / "logs").start_nodes(command) as ranks:
        assert ranks.wait() == [0], ranks.logs()
    return folder


@pytest.mark.slow
def test_both_ranks_end_with_the_same_weights_and_only_the_first_writes(whole):
    first, second = (np.load(whole / f"ranks/rank{rank}.npz") for rank in (0, 1))
    assert first.files == second.files
    for name in first.files:
        np.testing.assert_array_equal(first[name], second[name], err_msg=name)
    steps = checkpoint.load(whole / "run/latest").states["global_step"]
    assert steps == 3 * 4  # 8 batches an epoch, half of them each
    log = (whole / "run/train.log").read_text("utf-8")
    assert log.count("epoch: [1/3]") == 2  # two lines of two steps, said once
    assert "2 processes, each with batches of its own; gradients are averaged by gloo" in log
    assert "all 2 processes hold the same weights, sha256" in log
    assert [row["epoch"] for row in metrics(whole / "run") if row["kind"] == "eval"] == [1, 2, 3]


@pytest.mark.slow
@pytest.mark.parametrize("nodes", [1, 2])
def test_killed_and_resumed_it_ends_with_the_same_bytes(data, whole, tmp_path, nodes):
    run_dir = tmp_path / "run"
    command = [TRAINS, tmp_path / "ranks", *small_options(*data, run_dir, **KEYS)]

    def start(name: str) -> Ranks:
        ranks = Ranks(tmp_path / name)
        return ranks.start_ranks(command) if nodes == 1 else ranks.start_nodes(command, 2, each=1)

    with start("killed") as ranks:
        ranks.wait_for((run_dir / "latest.json").exists)
    reached = checkpoint.load(run_dir / "latest").states["global_step"]
    assert 0 < reached < 12
    with start("resumed") as ranks:
        assert set(ranks.wait()) == {0}, ranks.logs()
    assert "going on from epoch" in (run_dir / "train.log").read_text("utf-8")
    assert_equal_runs(whole / "run", run_dir)


@pytest.mark.slow
def test_both_ranks_go_on_from_the_checkpoint_before_where_the_newest_is_damaged(
    data, whole, tmp_path
):
    run_dir = tmp_path / "run"
    shutil.copytree(whole / "run", run_dir)
    assert checkpoint.load(run_dir / "previous").states["global_step"] == 11
    (run_dir / "latest.pdopt").write_bytes(b"damaged")
    command = [TRAINS, tmp_path / "ranks", *small_options(*data, run_dir, **KEYS)]
    with Ranks(tmp_path / "logs").start_ranks(command) as ranks:
        assert ranks.wait() == [0, 0], ranks.logs()
    log = (run_dir / "train.log").read_text("utf-8")
    assert log.count(f"ppocr WARNING: damaged checkpoint: {run_dir}/latest.pdopt: missing") == 1
    assert "going on from epoch 3, step 11" in log
    assert_equal_runs(whole / "run", run_dir)


@pytest.mark.slow
def test_one_process_goes_on_where_two_stopped(data, whole, tmp_path):
    shutil.copytree(whole / "run", tmp_path / "run")
    config = small_config(*data, tmp_path / "run", **{**KEYS, "Global.epoch_num": 4})
    result = train(config, quiet=True)
    assert (result.resumed_from, result.steps, result.epochs) == (12, 12 + 8, 4)


@pytest.mark.slow
def test_norms_are_recalibrated_alike_on_both_ranks(data, whole, tmp_path):
    keys = {
        "Global.use_sync_bn": True,
        "Global.epoch_num": 1,
        "Global.pretrained_model": whole / "run/latest",
        "Global.recalibrate_norms": 10,
    }
    command = [TRAINS, tmp_path / "ranks", *small_options(*data, tmp_path / "run", **keys)]
    with Ranks(tmp_path / "logs").start_ranks(command) as ranks:
        assert ranks.wait() == [0, 0], ranks.logs()
    log = (tmp_path / "run/train.log").read_text("utf-8")
    used = re.search(r" 6 batch norms have the statistics of (\d+) training samples", log)
    assert used is not None
    assert 10 <= int(used[1]) <= 16  # two of the first process's batches
    first, second = (np.load(tmp_path / f"ranks/rank{rank}.npz") for rank in (0, 1))
    assert first.files == second.files
    for name in first.files:
        np.testing.assert_array_equal(first[name], second[name])


@pytest.mark.slow
def test_exchanges_sync_bn_and_the_failure_of_a_peer(tmp_path):
    with Ranks(tmp_path / "logs").start_ranks([EXCHANGES, tmp_path]) as ranks:
        assert ranks.wait() == [0, 0], ranks.logs()
    said = (tmp_path / "peer_error").read_text("utf-8")
    assert said.startswith("process 1 stopped: its disk is full.")


@pytest.mark.slow
def test_a_loss_that_is_not_finite_on_one_rank_stops_all(data, tmp_path):
    keys = {"Optimizer.lr.max_lr": 1e30}
    command = [TRAINS, tmp_path / "ranks", *small_options(*data, tmp_path / "run", **keys)]
    with Ranks(tmp_path / "logs").start_ranks(command) as ranks:
        assert 0 not in ranks.wait(), ranks.logs()
    assert ranks.logs().count("the loss is not finite at step") >= 2
    assert list((tmp_path / "run").glob("nonfinite_batch*.npz"))
