"""Recognisers that others exported become weights of this project's networks."""

import json
from pathlib import Path

import onnx
import pytest

from ocr_lib.config.loader import load_config
from ocr_lib.converters import import_model
from ocr_lib.errors import ImportModelError
from ocr_lib.text.dictionary import load_dictionary
from ocr_lib.training.migration import dictionary_beside
from ocr_lib.training.run_dir import load_model
from tests.ocr_lib.converters.conftest import Exported
from tests.ocr_lib.converters.gap import gap


def test_an_onnx_file_computes_the_same(v4: Exported, tmp_path: Path) -> None:
    imported = import_model(v4.onnx, tmp_path / "out", config=str(v4.config))
    assert imported.max_abs_diff < 1e-4
    assert gap(v4.onnx, tmp_path / "out") < 1e-5
    assert gap(v4.onnx, tmp_path / "out", width=333) < 1e-5
    assert dictionary_beside(tmp_path / "out/weights") == load_dictionary("ic15")
    assert json.loads((tmp_path / "out/dictionary.json").read_text()) == {"right_to_left": False}
    record = json.loads((tmp_path / "out/import.json").read_text("utf-8"))
    assert record["form"] == "fused"
    assert record["characters"] == 36


def test_right_to_left_characters_are_read_in_reading_order(v4: Exported, tmp_path: Path) -> None:
    """PaddleOCR's networks read such a line from its left end too."""
    letters = "".join(map(chr, range(0x05D0, 0x05EB))) + "123456789"
    (tmp_path / "own.txt").write_text("\n".join(letters), "utf-8")
    dictionary = str(tmp_path / "own.txt")
    import_model(v4.onnx, tmp_path / "out", config=str(v4.config), dictionary=dictionary)
    charset = dictionary_beside(tmp_path / "out/weights")
    assert charset is not None
    assert charset.right_to_left
    assert (
        load_model(load_config(tmp_path / "out/config.yml"), tmp_path / "out").dictionary == charset
    )


def test_a_paddle_folder_computes_the_same(v4: Exported, tmp_path: Path) -> None:
    source = v4.folder.parent / "paddle"
    before = sorted(path.name for path in source.iterdir())
    imported = import_model(source, tmp_path / "out", config=str(v4.config))
    assert imported.max_abs_diff < 1e-4
    assert gap(v4.onnx, tmp_path / "out") < 1e-4
    assert sorted(path.name for path in source.iterdir()) == before


def test_a_network_that_computes_something_else_is_refused(v4: Exported, tmp_path: Path) -> None:
    model = onnx.load(str(v4.onnx))
    for node in model.graph.node:
        if node.op_type == "Relu":
            node.op_type = "Sigmoid"
    onnx.save(model, str(tmp_path / "other.onnx"))
    with pytest.raises(ImportModelError, match="computes something else: probabilities differ"):
        import_model(tmp_path / "other.onnx", tmp_path / "out", config=str(v4.config))
    assert not (tmp_path / "out").exists()
