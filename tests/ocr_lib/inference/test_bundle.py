"""A bundle opens whole, or not at all."""

import json
import shutil
from pathlib import Path

import pytest

from ocr_lib.digest import sha256_file
from ocr_lib.export import run
from ocr_lib.inference.bundle import Bundle, BundleError
from ocr_lib.inference.runtimes import open_bundle


class TestTampering:
    """A bundle that is not what was exported does not open."""

    @pytest.fixture
    def copy(self, bundle: Bundle, tmp_path: Path) -> Path:
        return Path(shutil.copytree(bundle.root, tmp_path / "bundle"))

    @pytest.mark.parametrize("name", ["model.onnx", "inference.pdiparams", "dictionary.txt"])
    def test_a_changed_file(self, copy: Path, name: str) -> None:
        content = bytearray((copy / name).read_bytes())
        content[len(content) // 2] ^= 1
        (copy / name).write_bytes(content)
        with pytest.raises(BundleError, match=f"{name}: not the file that was exported"):
            open_bundle(copy)

    def test_a_missing_file(self, copy: Path) -> None:
        (copy / "model.onnx").unlink()
        with pytest.raises(BundleError, match=r"model\.onnx: the file is missing"):
            open_bundle(copy)

    def test_another_dictionary_even_with_its_checksum_mended(self, copy: Path) -> None:
        path = copy / "dictionary.txt"
        path.write_text(path.read_text("utf-8").replace("a\n", "b\n"), "utf-8")
        info = json.loads((copy / "bundle.json").read_text("utf-8"))
        info["files"]["dictionary.txt"]["sha256"] = sha256_file(path)
        (copy / "bundle.json").write_text(json.dumps(info), "utf-8")
        with pytest.raises(BundleError, match="not the characters"):
            open_bundle(copy)

    def test_a_path_that_leads_out(self, copy: Path) -> None:
        (copy.parent / "other").write_bytes(b"")
        info = json.loads((copy / "bundle.json").read_text("utf-8"))
        info["files"]["../other"] = {"size": 0, "sha256": sha256_file(copy.parent / "other")}
        (copy / "bundle.json").write_text(json.dumps(info), "utf-8")
        with pytest.raises(BundleError, match="other"):
            open_bundle(copy)

    @pytest.mark.parametrize("content", ["", "[]", '{"format": 2}', '{"format": 1}'])
    def test_a_manifest_that_is_none(self, copy: Path, content: str) -> None:
        (copy / "bundle.json").write_text(content)
        with pytest.raises(BundleError, match=r"bundle\.json"):
            open_bundle(copy)

    def test_no_bundle_at_all(self, tmp_path: Path) -> None:
        with pytest.raises(BundleError, match=r"no bundle \(bundle\.json is missing\)"):
            open_bundle(tmp_path)


def test_a_bundle_whose_preprocessing_was_changed(bundle: Bundle, tmp_path: Path) -> None:
    """bundle.json itself is named by its digest alone: its readers compare that."""
    copy = Path(shutil.copytree(bundle.root, tmp_path / "bundle"))
    info = json.loads((copy / "bundle.json").read_text("utf-8"))
    info["preprocess"]["min_width"] = 40
    (copy / "bundle.json").write_text(json.dumps(info), "utf-8")
    assert Bundle.open(copy).digest != bundle.digest


def test_a_bundle_with_another_network(
    bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = Path(shutil.copytree(bundle.root, tmp_path / "bundle"))
    with (copy / "model.onnx").open("ab") as file:
        file.write(b"\0")
    assert sha256_file(copy / "model.onnx") != sha256_file(bundle.root / "model.onnx")
    with pytest.raises(run.UserError, match=r"model\.onnx: not the file that was exported"):
        open_bundle(copy)
