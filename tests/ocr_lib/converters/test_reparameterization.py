"""From one convolution back to the branches it was made of."""

from pathlib import Path

from ocr_lib.config.loader import load_config
from ocr_lib.converters import import_model
from ocr_lib.training import load_model
from tests.ocr_lib.converters.conftest import Exported
from tests.ocr_lib.converters.gap import gap


def test_branches_come_back_and_can_be_trained(v4: Exported, tmp_path: Path) -> None:
    import_model(v4.onnx, tmp_path / "out", config=str(v4.config), full=True)
    assert gap(v4.onnx, tmp_path / "out") < 1e-4
    trained = load_model(load_config(tmp_path / "out/config.yml"), tmp_path / "out/weights")
    names = trained.model.state_dict()
    assert "backbone.blocks3.1.dw_conv.conv_kxk.3.bn._mean" in names
    assert "backbone.blocks3.1.dw_conv.identity.weight" in names
    assert not any("reparam" in name for name in names)
