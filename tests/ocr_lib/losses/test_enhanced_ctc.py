"""CTC with ACE and center loss."""

import numpy as np
import paddle
import pytest

from ocr_lib.errors import ConfigError
from tests.ocr_lib.losses.ctc_batch import BATCH
from tests.ocr_lib.losses.part import logits, loss_of


def test_center_loss_is_zero_at_the_centers(tmp_path) -> None:
    centers = np.random.default_rng(1).normal(size=(3, 4)).astype(np.float32)
    np.save(tmp_path / "centers.npy", centers)
    arguments = {
        "num_classes": 3,
        "feat_dim": 4,
        "center_file_path": str(tmp_path / "centers.npy"),
        "init_center": True,
    }
    loss = loss_of("EnhancedCTCLoss", use_center_loss=True, center_loss_weight=2.0, **arguments)
    x = logits(3, 4, 3)
    features = paddle.to_tensor(centers)[x.argmax(-1).flatten()].reshape([3, 4, 4])
    losses = loss((features, x), BATCH)
    assert float(losses["loss_center"]) == 0.0
    assert float(losses["loss"]) == pytest.approx(float(losses["loss_ctc"]))
    losses = loss((features + 1.0, x), BATCH)
    assert float(losses["loss_center"]) == pytest.approx(8.0, rel=1e-5)


def test_center_loss_needs_features_and_fitting_centers(tmp_path) -> None:
    loss = loss_of("EnhancedCTCLoss", use_center_loss=True, num_classes=3, feat_dim=4)
    with pytest.raises(ConfigError, match="return_feats"):
        loss(logits(3, 4, 3), BATCH)
    np.save(tmp_path / "c.npy", np.zeros((2, 2)))
    np.save(tmp_path / "o.npy", np.array([{}], object), allow_pickle=True)
    np.savez(tmp_path / "z.npz", np.zeros((3, 4)))
    np.save(tmp_path / "t.npy", np.full((3, 4), "x"))
    (tmp_path / "e.npy").touch()
    header = {"descr": "<f4", "fortran_order": False, "shape": (1 << 40,)}
    with (tmp_path / "l.npy").open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
    for name, message in (
        ("c.npy", r"\[2, 2\] numbers, not \[3, 4\]"),
        ("z.npz", r"\[\] numbers, not"),
        ("t.npy", r"numbers, not"),
        ("o.npy", "cannot read"),
        ("e.npy", "cannot read"),
        ("l.npy", "cannot read"),
        ("n", "cannot read"),
    ):
        with pytest.raises(ConfigError, match=message):
            loss_of(
                "EnhancedCTCLoss",
                use_center_loss=True,
                num_classes=3,
                feat_dim=4,
                init_center=True,
                center_file_path=str(tmp_path / name),
            )


def test_ace_is_least_where_the_counts_are_right() -> None:
    loss = loss_of("EnhancedCTCLoss", use_ace_loss=True)
    said = paddle.to_tensor([[1, 0, 2, 0], [2, 0, 2, 0], [1, 0, 0, 0]])
    right = 9.0 * paddle.nn.functional.one_hot(said, 3)
    wrong = 9.0 * paddle.nn.functional.one_hot(paddle.to_tensor([[2, 2, 2, 2]] * 3), 3)
    counts = np.array([[2, 1, 1], [2, 0, 2], [3, 1, 0]]) / 4
    least = -(counts * np.log(counts + 1e-12)).sum(1).mean() * 0.1
    assert float(loss(right, BATCH)["loss_ace"]) == pytest.approx(least, rel=1e-2)
    assert float(loss(wrong, BATCH)["loss_ace"]) > 2 * least
