"""Batch statistics for norms that were folded away."""

from pathlib import Path

import paddle

from ocr_lib.config.loader import load_config
from ocr_lib.converters import import_model
from ocr_lib.converters.drawn_lines import drawn_lines
from ocr_lib.training import load_model
from tests.ocr_lib.converters.conftest import Exported
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
