"""What a foreign model comes as."""

from pathlib import Path

import pytest

from ocr_lib.converters import import_model
from ocr_lib.converters.source import open_model_source
from ocr_lib.errors import ImportModelError
from tests.ocr_lib.converters.conftest import Exported
from tests.ocr_lib.converters.gap import gap


def test_the_recogniser_of_a_wheel_is_taken(v4: Exported, wheel: Path, tmp_path: Path) -> None:
    import_model(wheel, tmp_path / "out", config=str(v4.config))
    assert gap(v4.onnx, tmp_path / "out") < 1e-5


@pytest.mark.parametrize("name", ["own", "./own/", "."])
def test_a_bundle_of_this_project_is_one_model(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own").mkdir()
    for file in ("bundle.json", "model.onnx", "inference.json", "inference.pdiparams"):
        (tmp_path / "own" / file).write_text("{}")
    monkeypatch.chdir(tmp_path / "own" if name == "." else tmp_path)
    with open_model_source(Path(name)) as source:
        assert source.path.name == "model.onnx"
        assert source.name in ("own", ".")


def test_damaged_and_foreign_files_are_refused(v4: Exported, tmp_path: Path) -> None:
    content = v4.onnx.read_bytes()
    (tmp_path / "cut.onnx").write_bytes(content[: len(content) // 2])
    (tmp_path / "text.onnx").write_text("hello", "utf-8")
    (tmp_path / "notes.txt").write_text("hello", "utf-8")
    (tmp_path / "empty").mkdir()
    for name, words in {
        "cut.onnx": "no ONNX model",
        "text.onnx": "no ONNX model",
        "notes.txt": "no model format",
        "empty": "holds no model",
        "absent.onnx": "no such file",
    }.items():
        with pytest.raises(ImportModelError, match=words):
            import_model(tmp_path / name, tmp_path / "out")


def test_a_damaged_wheel_is_refused(wheel: Path, tmp_path: Path) -> None:
    content = bytearray(wheel.read_bytes())
    content[len(content) // 3] ^= 0xFF  # in the recogniser, which is stored as it is
    wheel.write_bytes(content)
    with pytest.raises(ImportModelError, match="a damaged zip"):
        import_model(wheel, tmp_path / "out")


def test_training_weights_need_no_import(tmp_path: Path) -> None:
    (tmp_path / "best.pdparams").write_bytes(b"")
    with pytest.raises(ImportModelError, match=r"train on without an import\. Put its dictionary"):
        import_model(tmp_path / "best.pdparams", tmp_path / "out")
