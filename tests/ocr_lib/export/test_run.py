"""From a run directory to a bundle."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ocr_lib.data.image import Preprocess
from ocr_lib.digest import sha256_file
from ocr_lib.errors import CheckpointError, DataError, ExportError
from ocr_lib.export import export
from ocr_lib.inference.bundle import Bundle
from ocr_lib.training import TrainedModel, checkpoint
from tests.ocr_lib.export.random_weights import random_weights
from tests.ocr_lib.memory_dataset import MemoryDataset


def test_bundle_says_what_it_is(bundle: Bundle, run_dir: Path) -> None:
    info = Bundle.open(bundle.root).info
    assert info["model_name"] == "cpu_line"
    assert info["metrics"] == {"accuracy": 0.5}
    assert info["lineage"] == {"checkpoint": "best_accuracy", "data": "d1"}
    assert info["digests"]["weights"] == sha256_file(run_dir / "best_accuracy.pdparams")
    assert info["config"]["Global"]["width_buckets"] == [64, 128]
    assert info["versions"]["paddlepaddle"]
    assert sorted(info["files"]) == [
        "dictionary.txt",
        "inference.json",
        "inference.pdiparams",
        "inference.yml",
        "model.onnx",
        "parity.json",
    ]


def test_parity_is_certified_at_every_width(bundle: Bundle) -> None:
    parity = bundle.parity
    assert parity["texts_equal"] is True
    assert parity["max_abs_diff"] < 1e-5
    assert len(parity["images"]) == 16
    compared = {(part["backend"], part["width"]) for part in parity["agreements"]}
    assert compared == {(b, w) for b in ("onnx", "paddle") for w in (64, 128)}


def test_equal_networks_give_equal_files(bundle: Bundle, run_dir: Path, tmp_path: Path) -> None:
    again = export(run_dir, tmp_path / "again").info["files"]
    for name in ("model.onnx", "inference.pdiparams", "inference.yml", "dictionary.txt"):
        assert again[name] == bundle.info["files"][name]


@pytest.mark.slow
def test_two_processes_give_equal_bundles(run_dir: Path, tmp_path: Path) -> None:
    code = "import sys; from ocr_lib.export import export; export(sys.argv[1], sys.argv[2])"
    for name in ("a", "b"):
        command = [sys.executable, "-W", "ignore", "-c", code, str(run_dir), str(tmp_path / name)]
        subprocess.run(command, check=True, capture_output=True)
    one, other = (Bundle.open(tmp_path / name).info["files"] for name in ("a", "b"))
    assert one == other


class TestRefusals:
    """What is not provably the trained network is not exported; what was there stays."""

    @pytest.fixture
    def copy(self, run_dir: Path, tmp_path: Path) -> Path:
        return Path(shutil.copytree(run_dir, tmp_path / "run"))

    def test_a_missing_parameter(self, copy: Path) -> None:
        saved = checkpoint.load(copy / "best_accuracy")
        del saved.params["head.fc.weight"]
        checkpoint.save(copy / "best_accuracy", saved.params, {}, {})
        out = copy.parent / "bundle"
        out.mkdir()
        (out / "served").touch()
        with pytest.raises(CheckpointError, match=r"1 missing \(head.fc.weight\)"):
            export(copy, out)
        assert [path.name for path in out.parent.iterdir() if path.name != "run"] == ["bundle"]
        assert (out / "served").exists()

    def test_no_checkpoint(self, copy: Path) -> None:
        with pytest.raises(CheckpointError, match="iter_epoch_7"):
            export(copy, copy.parent / "bundle", checkpoint="iter_epoch_7")

    def test_no_readable_image(self, copy: Path) -> None:
        with pytest.raises(DataError, match="no image can be decoded"):
            export(copy, copy.parent / "bundle", dataset=MemoryDataset([(None, "a"), (b"x", "b")]))
        assert not (copy.parent / "bundle").exists()


class TestWeights:
    """Weights that did not come from the run."""

    def test_the_file_was_exchanged(self, copy: Path, trained: TrainedModel) -> None:
        other = copy / "other"
        checkpoint.save(other, random_weights(trained).state_dict(), {}, {})
        shutil.copy(f"{other}.pdparams", copy / "best_accuracy.pdparams")
        with pytest.raises(CheckpointError, match="not the file its manifest names"):
            export(copy, copy.parent / "bundle")

    def test_no_manifest_says_where_they_come_from(self, copy: Path) -> None:
        (copy / "best_accuracy.json").unlink()
        with pytest.raises(CheckpointError, match="nothing says that these weights come from"):
            export(copy, copy.parent / "bundle")

    def test_a_whole_checkpoint_of_other_weights(self, copy: Path, trained: TrainedModel) -> None:
        checkpoint.save(copy / "best_accuracy", random_weights(trained).state_dict(), {}, {})
        with pytest.raises(CheckpointError, match=f"but {trained.digest} were evaluated"):
            export(copy, copy.parent / "bundle", weights_sha256=trained.digest)
        assert not (copy.parent / "bundle").exists()


def test_preprocessing_lost_on_the_way_into_the_bundle(
    run_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`bundle.json` would say another thing than what the network was trained with."""
    true = Preprocess.to_dict

    def forgets(self: Preprocess) -> dict[str, Any]:
        return true(self) | {"min_width": 40}

    monkeypatch.setattr(Preprocess, "to_dict", forgets)
    with pytest.raises(ExportError, match="makes another input"):
        export(run_dir, tmp_path / "bundle")
    assert not (tmp_path / "bundle").exists()
    assert (tmp_path / "bundle.parity-failure.npz").exists()
