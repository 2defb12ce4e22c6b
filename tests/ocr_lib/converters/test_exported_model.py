"""A foreign model's characters."""

from pathlib import Path

import onnx
import pytest

from ocr_lib.converters import import_model
from ocr_lib.errors import ImportModelError
from tests.ocr_lib.converters.conftest import Exported


def test_the_characters_must_fit(v4: Exported, tmp_path: Path) -> None:
    with pytest.raises(ImportModelError, match=r"95 characters, a blank .* 37 classes"):
        import_model(v4.onnx, tmp_path / "out", config=str(v4.config), dictionary="en")
    model = onnx.load(str(v4.onnx))
    del model.metadata_props[:]
    onnx.save(model, str(tmp_path / "silent.onnx"))
    with pytest.raises(ImportModelError, match="does not say its characters"):
        import_model(tmp_path / "silent.onnx", tmp_path / "out", config=str(v4.config))
