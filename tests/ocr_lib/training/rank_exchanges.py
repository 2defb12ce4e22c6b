"""One of two processes that exchange, normalise together, and see each other fail."""

import sys
from pathlib import Path

import numpy as np
import paddle
import pytest
from paddle import nn

from ocr_lib.errors import ConfigError
from ocr_lib.models.layers import BatchNorm
from ocr_lib.training.gradient_sync import ExactSync
from ocr_lib.training.parallel import PeerError, init_process_group
from ocr_lib.training.sync_bn import synchronise
from ocr_lib.training.validation import METRICS, merged

WIDTHS = (5, 9)  # batches of the ranks differ in size and width


def network() -> nn.Layer:
    paddle.seed(3)
    return nn.Sequential(nn.Conv2D(3, 4, 3, padding=1), BatchNorm(4), nn.ReLU())


def batches() -> list[paddle.Tensor]:
    rng = np.random.default_rng(0)
    return [paddle.to_tensor(rng.normal(2, 3, (w, 3, 4, 4)).astype("float32")) for w in WIDTHS]


def check_sync_bn(parallel) -> None:
    """Gradients and statistics equal those of one process with the whole batch."""
    whole, mine = network(), synchronise(network(), parallel)
    whole(paddle.concat(batches())).square().sum().backward()
    parallel.barrier()
    loss = mine(batches()[parallel.rank]).square().sum()
    ExactSync(parallel, mine).backward(loss, {"loss": loss})
    ours, theirs = dict(mine.state_dict()), dict(whole.state_dict())
    assert list(ours) == list(theirs), (list(ours), list(theirs))
    for name, value in theirs.items():
        np.testing.assert_allclose(ours[name].numpy(), value.numpy(), 1e-5, 1e-6, err_msg=name)
        if not value.stop_gradient:
            gradient = 2 * ours[name].grad.numpy()  # the ranks' mean, and there are two
            np.testing.assert_allclose(gradient, value.grad.numpy(), 2e-4, 1e-3, err_msg=name)
    mine.eval(), whole.eval()
    x = batches()[0]
    np.testing.assert_allclose(mine(x).numpy(), whole(x).numpy(), 1e-4, 1e-5)


def check_average(parallel) -> None:
    """A rank without a batch of its own does not count; statistics become equal."""
    model = network()
    loss = model(batches()[parallel.rank]).sum()
    alone = network()
    alone(batches()[0]).sum().backward()
    losses = {"loss": paddle.to_tensor(float(parallel.rank))}
    losses = ExactSync(parallel, model).backward(loss, losses, counted=parallel.rank == 0)
    assert losses["loss"].item() == 0.0
    np.testing.assert_array_equal(model[0].weight.grad.numpy(), alone[0].weight.grad.numpy())
    mean = float(model[1]._mean.sum())
    assert parallel.all_reduce_sums([mean]) == [2 * mean]


def check_answers(parallel) -> None:
    value = {"a": [1, 2.5, None, "x"], "b": (np.arange(3), {"c": np.float32([[1]])})}
    found = parallel.broadcast_from_rank0(lambda: value)
    assert found["a"] == value["a"]
    assert isinstance(found["b"], tuple)
    np.testing.assert_array_equal(found["b"][0], np.arange(3))
    assert parallel.all_reduce_sums([1.0, parallel.rank]) == [2.0, 1.0]
    parallel.assert_equal_across_ranks("Train.dataset", "same")
    with pytest.raises(ConfigError, match="1 of 2 processes see another one"):
        parallel.assert_equal_across_ranks("Train.dataset", f"rank {parallel.rank}")
    figures = merged({"acc": 1 / (3 + 1e-5), "norm_edit_dis": 1.0}, 3, 1.0, parallel)
    assert [round(figures[name], 4) for name in METRICS] == [0.3333, 1.0]


def main(out: Path) -> None:
    parallel = init_process_group(minutes=3, use_gpu=False)
    check_answers(parallel)
    check_sync_bn(parallel)
    check_average(parallel)
    if parallel.rank == 1:
        parallel.report_failure(ValueError("its disk is full"))
        parallel.close()
        return
    with pytest.raises(PeerError) as stopped:
        parallel.all_reduce_sums([1.0])
    (out / "peer_error").write_text(str(stopped.value))
    parallel.close()


main(Path(sys.argv[1]))
