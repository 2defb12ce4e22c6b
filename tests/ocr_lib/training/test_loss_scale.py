"""The loss scale: how it follows overflows, and that a resumed run knows where it was.

A CPU trains in float32, whose gradients overflow too, at a scale near float32's limit.
"""

import re
from pathlib import Path

import numpy as np
import paddle
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocr_lib.training import checkpoint, train
from ocr_lib.training.loss_scale import GROW_AFTER, MAX_IN_ROW, LossScale
from ocr_lib.training.nan_guard import TrainingError
from tests.ocr_lib.training.line_data import (
    assert_equal_runs,
    make_lines,
    params,
    small_config,
    train_until,
)

Data = tuple[Path, Path]
FIRST = 2.0**126
TWO_EPOCHS = {"Global.epoch_num": 2}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Data:
    root = tmp_path_factory.mktemp("lines")
    return make_lines(root / "train", 60, seed=1), make_lines(root / "eval", 20, seed=2)


@pytest.fixture
def _overflows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs of this process have a scale whose first gradients overflow."""
    monkeypatch.setattr(
        "ocr_lib.training.precision.LossScale",
        lambda: LossScale(FIRST, dynamic=True, checked=True),
    )


@given(st.lists(st.booleans(), max_size=200))
def test_a_dynamic_scale_halves_at_every_overflow_down_to_one(finite: list[bool]) -> None:
    scale = LossScale(1024.0, dynamic=True, checked=True)
    for ok in finite:
        value = paddle.to_tensor([1.0 if ok else float("inf")])
        assert scale.in_row < MAX_IN_ROW
        if scale.in_row == MAX_IN_ROW - 1 and not ok:
            with pytest.raises(TrainingError, match=f"of {MAX_IN_ROW} updates in a row"):
                scale.unscale([value])
            return
        assert scale.unscale([value]) is ok
    assert scale.skipped == finite.count(False)
    assert scale.scale == max(1.0, 1024.0 / 2 ** finite.count(False))


def test_the_scale_grows_again_and_comes_back_from_a_checkpoint() -> None:
    scale = LossScale(8.0, dynamic=True, checked=True, good=GROW_AFTER - 2)
    other = LossScale(1024.0, dynamic=True, checked=True)
    other.restore(scale.states())
    one = [paddle.ones([1])]
    assert [other.unscale(one), other.scale, other.unscale(one), other.scale] == [
        True,
        8.0,
        True,
        16.0,
    ]
    static = LossScale(4.0, checked=True)
    static.restore(scale.states())
    assert static.scale == 4.0  # the configuration's


def test_gradients_lose_the_factor_again() -> None:
    gradient = paddle.to_tensor([12.0, -4.0])
    assert LossScale(4.0).unscale([gradient])
    np.testing.assert_array_equal(gradient.numpy(), [3.0, -1.0])
    assert LossScale(4.0).scaled(paddle.to_tensor(2.0)).item() == 8.0


@pytest.mark.usefixtures("_overflows")
def test_overflows_are_left_out_counted_and_survive_a_resume(data: Data, tmp_path: Path) -> None:
    run_dir = tmp_path / "run"
    train(small_config(*data, run_dir, **TWO_EPOCHS), quiet=True)
    kept = checkpoint.load(run_dir / "latest").states["loss_scale"]
    assert kept["skipped"] > 0
    assert kept["scale"] == FIRST / 2 ** kept["skipped"]
    log = (run_dir / "train.log").read_text("utf-8")
    said = re.findall(r"update (\d+) left out: gradients overflow float16; (\d+) so far", log)
    assert [int(count) for _, count in said] == list(range(1, kept["skipped"] + 1))
    assert np.isfinite(params(run_dir)["head.fc.weight"]).all()
    train(small_config(*data, run_dir, **{"Global.epoch_num": 3}), quiet=True)
    after = checkpoint.load(run_dir / "latest").states["loss_scale"]
    assert after["skipped"] >= kept["skipped"]
    assert after["good"] > kept["good"] or after["skipped"] > kept["skipped"]


@pytest.mark.usefixtures("_overflows")
def test_a_run_stopped_before_its_first_update_goes_on(data: Data, tmp_path: Path) -> None:
    """The optimiser has no state yet, which is not to be taken for one that is missing."""
    train(small_config(*data, tmp_path / "whole", **TWO_EPOCHS), quiet=True)
    config = small_config(*data, tmp_path / "run", **TWO_EPOCHS, **{"Global.save_step_every": 1})
    train_until(config, 1)
    saved = checkpoint.load(tmp_path / "run/latest")
    assert (saved.states["loss_scale"]["skipped"], saved.optimizer) == (1, {})
    assert train(config, quiet=True).resumed_from == 1
    assert_equal_runs(tmp_path / "whole", tmp_path / "run")
