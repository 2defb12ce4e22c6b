"""Layer by layer, and what does not fit."""

from pathlib import Path

import numpy as np
import pytest

from ocr_lib.config.loader import load_config
from ocr_lib.converters import import_model
from ocr_lib.errors import ImportModelError
from ocr_lib.training import load_model
from tests.ocr_lib.converters.conftest import Exported
from tests.ocr_lib.converters.gap import gap


def test_a_model_of_one_norm_for_each_convolution_keeps_them(v3: Exported, tmp_path: Path) -> None:
    import_model(v3.onnx, tmp_path / "out", config=str(v3.config))
    trained = load_model(load_config(tmp_path / "out/config.yml"), tmp_path / "out/weights")
    ours, theirs = trained.model.state_dict(), v3.model.state_dict()
    name = "backbone.block_list.0._depthwise_conv._batch_norm._mean"
    np.testing.assert_array_equal(ours[name].numpy(), theirs[name].numpy())
    assert gap(v3.onnx, tmp_path / "out") < 1e-5


def test_another_network_is_named(v3: Exported, v4: Exported, tmp_path: Path) -> None:
    with pytest.raises(ImportModelError, match="nearest is PP-OCR"):
        import_model(v4.onnx, tmp_path / "out")
    with pytest.raises(ImportModelError, match="in place of convolution"):
        import_model(v3.onnx, tmp_path / "out", config=str(v4.config))
    with pytest.raises(ImportModelError, match="no branches"):
        import_model(v3.onnx, tmp_path / "out", config=str(v3.config), full=True)
    assert not (tmp_path / "out").exists()
