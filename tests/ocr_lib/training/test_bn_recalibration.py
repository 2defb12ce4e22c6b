"""Batch norms get the statistics of lines, and go on computing what they did."""

from contextlib import closing
from pathlib import Path

import numpy as np
import paddle
import pytest
from paddle import nn

from ocr_lib.models import build_model
from ocr_lib.models.heads.ctc import guide_layer
from ocr_lib.models.layers import BatchNorm
from ocr_lib.training.bn_recalibration import recalibrate, recalibrate_to
from ocr_lib.training.data import build_data
from ocr_lib.training.log import PeerLog, RunLog
from ocr_lib.training.parallel import Parallel
from ocr_lib.training.plan import resolve
from tests.ocr_lib.training.line_data import make_lines, small_config


def test_norms_over_columns_alone_are_given_statistics() -> None:
    """PP-OCRv6 tiny has norms of [N, C, T] in its head."""
    layers = guide_layer(4)
    columns = np.random.default_rng(0).normal(3, 2, (8, 4, 16)).astype(np.float32)
    layers.eval()
    before = layers(paddle.to_tensor(columns)).numpy()
    recalibrate(layers, {"1"}, [columns[:4], columns[4:]])
    after = layers(paddle.to_tensor(columns)).numpy()
    assert float(np.abs(after - before).max()) < 1e-5
    into = layers[0](paddle.to_tensor(columns)).numpy()
    np.testing.assert_allclose(layers[1]._mean.numpy(), into.mean((0, 2)), atol=1e-5)
    np.testing.assert_allclose(layers[1]._variance.numpy(), into.var((0, 2)), rtol=1e-4)


def test_a_norm_that_evaluation_does_not_call_stays() -> None:
    class Guided(nn.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.used, self.guide = BatchNorm(2), BatchNorm(2)

        def forward(self, x: paddle.Tensor) -> paddle.Tensor:
            return self.guide(self.used(x)) if self.training else self.used(x)

    network = Guided()
    images = np.random.default_rng(0).normal(3, 2, (2, 2, 4, 4)).astype(np.float32)
    recalibrate(network, {"used", "guide"}, [images])
    assert float(network.used._mean.abs().max()) > 1
    assert not network.guide._mean.any()


@pytest.mark.parametrize(("samples", "batches"), [(1, 1), (9, 2), (99, 3)])
def test_all_norms_get_the_statistics_of_the_first_samples(
    tmp_path: Path, samples: int, batches: int
) -> None:
    data = make_lines(tmp_path / "train", 16, seed=1), make_lines(tmp_path / "eval", 4, seed=2)
    plan = resolve(small_config(*data, tmp_path / "run"))
    log = RunLog(tmp_path / "run", quiet=True)
    with closing(log), closing(build_data(plan, PeerLog(), Parallel())) as loaders:
        paddle.seed(0)
        network = build_model(plan.config.architecture, loaders.charset.num_classes)
        network.eval()
        looked_at = [
            paddle.to_tensor(loaders.train.load_now(batch, 1).arrays["image"])
            for batch in loaders.train.plan_epoch(1)
        ]
        assert len(looked_at[0]) == 8
        assert len(looked_at) == 3
        before = [network(images).numpy() for images in looked_at]
        recalibrate_to(network, loaders.train, samples, Parallel(), log)
        log.open()
    for images, expected in zip(looked_at, before, strict=True):
        np.testing.assert_allclose(network(images).numpy(), expected, atol=1e-5)
    inputs: list[np.ndarray] = []
    norms = [layer for layer in network.sublayers() if isinstance(layer, nn.BatchNorm2D)]
    norms[-1].register_forward_pre_hook(lambda _, given: inputs.append(given[0].numpy()))
    for images in looked_at[:batches]:
        network(images)
    values = np.concatenate(
        [maps.transpose(1, 0, 2, 3).reshape(maps.shape[1], -1) for maps in inputs], 1
    )
    np.testing.assert_allclose(norms[-1]._mean.numpy(), values.mean(1), atol=1e-5)
    np.testing.assert_allclose(norms[-1]._variance.numpy(), values.var(1), rtol=1e-4)
    text = (tmp_path / "run/train.log").read_text()
    used = sum(len(images) for images in looked_at[:batches])
    assert f" {len(norms)} batch norms have the statistics of {used} training samples" in text
