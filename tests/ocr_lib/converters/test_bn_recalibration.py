"""Batch statistics for norms that were folded away."""

from pathlib import Path

import numpy as np
import paddle

from ocr_lib.config.loader import load_config
from ocr_lib.converters import import_model
from ocr_lib.converters.bn_recalibration import recalibrate
from ocr_lib.converters.drawn_lines import drawn_lines
from ocr_lib.models.heads.ctc import guide_layer
from ocr_lib.training import load_model
from tests.ocr_lib.converters.conftest import Exported, fold
from tests.ocr_lib.converters.gap import gap


def test_folded_norms_come_back(v3: Exported, folded: Path, tmp_path: Path) -> None:
    """Evaluation computes the same, and training starts from about that."""
    lines = drawn_lines("0123456789", 40)
    import_model(folded, tmp_path / "out", config=str(v3.config), images=lines)
    assert gap(v3.onnx, tmp_path / "out") < 1e-4
    trained = load_model(load_config(tmp_path / "out/config.yml"), tmp_path / "out/weights")
    norm = trained.model.backbone.conv1._batch_norm
    assert float(norm._mean.abs().max()) > 0.01
    fitted = [trained.preprocess.fit(line)[:, :160] for line in lines]
    images = paddle.to_tensor(trained.preprocess.batch(fitted, 160))
    maps = trained.model.backbone.conv1._conv(images)
    norm.train()
    by_batch = norm(maps)
    norm.eval()
    assert float((by_batch - norm(maps)).abs().mean()) < 0.3


def test_a_folded_v6_reads_alike_in_training(v6: Exported, tmp_path: Path) -> None:
    """Statistics of a batch take the place of those of the lines; its answers stay alike."""
    lines = drawn_lines("0123456789", 40)
    import_model(fold(v6, tmp_path), tmp_path / "out", config=str(v6.config), images=lines)
    assert gap(v6.onnx, tmp_path / "out") < 1e-4
    trained = load_model(load_config(tmp_path / "out/config.yml"), tmp_path / "out/weights")
    fitted = [trained.preprocess.fit(line)[:, :160] for line in lines]
    images = paddle.to_tensor(trained.preprocess.batch(fitted, 160))
    features = trained.model.backbone(images)
    trained.model.train()
    by_batch = trained.model.backbone(images)
    assert float((by_batch - features).abs().mean()) < 0.5 * float(features.abs().mean())


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
