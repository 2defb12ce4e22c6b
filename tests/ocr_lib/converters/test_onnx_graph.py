"""An ONNX graph as the list of its weighted operations."""

from pathlib import Path

import onnx
import pytest

from ocr_lib.converters import import_model
from ocr_lib.errors import ImportModelError
from tests.ocr_lib.converters.conftest import Exported


def test_weights_in_other_files_are_refused(v4: Exported, tmp_path: Path) -> None:
    model = onnx.load(str(v4.onnx))
    tensor = next(node.attribute[0].t for node in model.graph.node if node.op_type == "Constant")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../../etc/passwd")
    (tmp_path / "outside.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(ImportModelError, match="is in another file"):
        import_model(tmp_path / "outside.onnx", tmp_path / "out")
