"""A loss that is not finite stops the run; the rank whose batch did it keeps the batch."""

from pathlib import Path

import numpy as np
import paddle
import pytest

from ocr_lib.data.loading.dataloader import LoadedBatch
from ocr_lib.training.nan_guard import TrainingError, check_finite

BATCH = LoadedBatch({"image": np.ones((1, 1, 2, 2), np.float32)}, ("7",), ())
NAN = float("nan")


def look(folder: Path, loss: float, local: float, rank: int = 0) -> None:
    losses = {"loss": paddle.to_tensor(loss), "part": paddle.to_tensor(2.0)}
    local_loss = paddle.to_tensor(local)
    check_finite(losses, local_loss, BATCH, step=5, run_dir=folder / "run", rank=rank)


def test_a_finite_loss_goes_on_and_writes_nothing(tmp_path: Path) -> None:
    look(tmp_path, 1.0, 1.0)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("rank", "name"), [(0, "nonfinite_batch.npz"), (3, "nonfinite_batch.rank3.npz")]
)
def test_the_batch_is_kept(tmp_path: Path, rank: int, name: str) -> None:
    with pytest.raises(
        TrainingError, match=rf"step 5 \(loss nan, part 2.0\); the batch is in .*{name}"
    ):
        look(tmp_path, NAN, NAN, rank)
    with np.load(tmp_path / "run" / name) as batch:
        assert batch["labels"].tolist() == ["7"]
        np.testing.assert_array_equal(batch["image"], BATCH.arrays["image"])


def test_another_processs_loss_stops_this_one_too(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="it is another process's, which has kept its batch"):
        look(tmp_path, float("inf"), 1.0)
    assert list(tmp_path.iterdir()) == []
