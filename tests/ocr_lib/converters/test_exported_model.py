"""A foreign model's characters."""

import shutil
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


@pytest.mark.parametrize("lines", [["PostProcess: {character_dict: *a29}"], ["? *a29\n: 1"]])
def test_a_description_that_expands_without_end_says_no_characters(
    v4: Exported, tmp_path: Path, lines: list[str]
) -> None:
    shutil.copytree(v4.folder, tmp_path / "model", ignore=shutil.ignore_patterns("*.onnx", "*json"))
    shutil.copy(v4.folder / "inference.json", tmp_path / "model")
    multiplied = [f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]" for i in range(1, 30)]
    text = "\n".join(["a0: &a0 [1, 1]", *multiplied, *lines])
    (tmp_path / "model/inference.yml").write_text(text, "utf-8")
    with pytest.raises(ImportModelError, match="does not say its characters"):
        import_model(tmp_path / "model", tmp_path / "out", config=str(v4.config))
