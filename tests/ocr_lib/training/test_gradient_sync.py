"""The two backends that average gradients: over two processes they train the same network."""

import json
from pathlib import Path

import numpy as np
import paddle
import pytest
from paddle import nn

from ocr_lib.training.gradient_sync import LocalSync, build_gradient_sync
from ocr_lib.training.parallel import Parallel
from tests.ocr_lib.training.ranks import Ranks

BACKENDS = Path(__file__).with_name("rank_backends.py")
BOUND = 1e-5


def test_data_parallel_over_gloo_trains_what_the_exact_backend_trains(tmp_path: Path) -> None:
    with Ranks(tmp_path / "logs").start_ranks([BACKENDS, tmp_path, "cpu"]) as ranks:
        assert ranks.wait() == [0, 0], ranks.logs()
    check(*reports(tmp_path, 2))


@pytest.mark.gpu
def test_data_parallel_over_nccl_trains_what_the_exact_backend_trains(tmp_path: Path) -> None:
    count = paddle.device.cuda.device_count()
    if count < 2:
        pytest.skip("Paddle joins processes over NCCL from two GPUs on")
    with Ranks(tmp_path / "logs") as ranks:
        ranks.start_nodes([BACKENDS, tmp_path, "gpu"], each=2)
        assert ranks.wait() == [0], ranks.logs()
    check(*reports(tmp_path, 2))


def reports(folder: Path, world_size: int) -> list[dict[str, dict[str, float]]]:
    files = [folder / f"rank{rank}.json" for rank in range(world_size)]
    return [json.loads(file.read_text("utf-8")) for file in files]


def check(*ranks: dict[str, dict[str, float]]) -> None:
    """The backends agree, the ranks hold the same bytes, and the network did learn."""
    for report in ranks:
        assert max(report["distances"].values()) <= BOUND, report["distances"]
        exact, data_parallel = report["losses"]
        np.testing.assert_allclose(exact, data_parallel, rtol=BOUND)
        assert report["digests"] == ranks[0]["digests"]
        moved = {name for name, distance in report["moved"].items() if distance > 100 * BOUND}
        assert {"conv.weight", "head.weight", "norm._mean", "norm._variance"} <= moved


def test_one_process_averages_nothing() -> None:
    layer = nn.Linear(3, 2)
    sync = build_gradient_sync(Parallel(), layer)
    assert isinstance(sync, LocalSync)
    loss = sync.forward(paddle.ones([4, 3])).sum()
    losses = sync.backward(loss, {"loss": loss})
    assert losses["loss"].item() == pytest.approx(loss.item())
    assert losses["loss"].stop_gradient
    np.testing.assert_array_equal(layer.weight.grad.numpy(), np.full((3, 2), 4.0))
    assert len(sync.gradients()) == 2
