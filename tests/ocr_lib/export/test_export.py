import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import paddle
import pytest
import yaml
from paddle import inference, nn

from ocr_lib.data.dataset import open_dataset
from ocr_lib.digest import sha256_file
from ocr_lib.errors import CheckpointError, DataError
from ocr_lib.export import export
from ocr_lib.export.paddle_format import merge_branches, save_paddle2
from ocr_lib.export.paddle_runtime import RUNTIMES, paddle_forward
from ocr_lib.inference.bundle import Bundle, BundleError
from ocr_lib.inference.recognizer import Recognizer
from ocr_lib.inference.runtimes import open_bundle
from ocr_lib.training import checkpoint, forward_of, load_run
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


@pytest.mark.parametrize("backend", ["onnx", "paddle"])
def test_exported_model_reads_as_the_trained_one(
    bundle: Bundle, run_dir: Path, backend: str
) -> None:
    trained = load_run(run_dir)
    dataset = open_dataset(trained.config.eval)
    images = [dataset.sample(i).image for i in range(len(dataset))]
    reader = Recognizer(trained.preprocess, trained.dictionary, forward_of(trained.model))
    expected, answers = (
        reader.read(images),
        open_bundle(bundle.root, RUNTIMES[backend]).read(images),
    )
    assert [answer.text for answer in answers] == [answer.text for answer in expected]
    scores = [[answer.score for answer in many] for many in (answers, expected)]
    np.testing.assert_allclose(*scores, atol=1e-5)


def test_onnx_is_open_in_batch_and_width_and_carries_the_characters(bundle: Bundle) -> None:
    model = onnx.load(bundle.root / "model.onnx")
    shapes = [
        [d.dim_param or d.dim_value for d in tensor.type.tensor_type.shape.dim]
        for tensor in (*model.graph.input, *model.graph.output)
    ]
    assert shapes == [["batch", 1, 32, "width"], ["batch", "steps", bundle.dictionary.num_classes]]
    assert [model.graph.input[0].name, model.graph.output[0].name] == ["x", "probs"]
    properties = {entry.key: entry.value for entry in model.metadata_props}
    assert tuple(properties["character"].split("\n")) == bundle.dictionary.characters


def test_inference_yml_is_what_paddlex_reads(bundle: Bundle) -> None:
    content = yaml.safe_load((bundle.root / "inference.yml").read_text("utf-8"))
    assert content["Global"]["model_name"] == "cpu_line"
    operations = [
        name for operation in content["PreProcess"]["transform_ops"] for name in operation
    ]
    assert operations == ["DecodeImage", "RecResizeImg", "KeepKeys"]
    assert content["PostProcess"]["name"] == "CTCLabelDecode"
    # PaddleX appends the space that stands last in this dictionary
    assert (*content["PostProcess"]["character_dict"], " ") == bundle.dictionary.characters


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


def test_old_names_on_request(run_dir: Path, tmp_path: Path) -> None:
    root = export(run_dir, tmp_path / "bundle", old_names=True).root
    assert "paddle2/inference.pdmodel" in Bundle.open(root).info["files"]
    old = root / "paddle2"
    config = inference.Config(f"{old}/inference.pdmodel", f"{old}/inference.pdiparams")
    config.disable_glog_info()
    assert inference.create_predictor(config).get_input_names() == ["x"]


class Product(nn.Layer):
    """A matrix product and a convolution's buffers, as attention has them."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2D(3)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        rows = self.norm(x).flatten(2)
        return paddle.matmul(rows, rows, transpose_y=True)


def test_old_names_hold_matrix_products(tmp_path: Path) -> None:
    model = Product()
    model.eval()
    save_paddle2(model, [None, 3, 8, None], tmp_path)
    images = np.random.default_rng(0).random((2, 3, 8, 12), np.float32)
    answers = paddle_forward(tmp_path, program="inference.pdmodel")(images)
    np.testing.assert_allclose(answers, model(paddle.to_tensor(images)).numpy(), rtol=1e-5)


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


class Branches(nn.Layer):
    """Counts how often its branches were merged."""

    def __init__(self) -> None:
        super().__init__()
        self.is_repped = False
        self.merged = 0

    def rep(self) -> None:
        self.merged += 1
        self.is_repped = True


def test_branches_are_merged_once() -> None:
    model = nn.Sequential(Branches(), nn.Sequential(Branches()))
    merge_branches(model)
    merge_branches(model)
    assert [layer.merged for layer in model.sublayers() if isinstance(layer, Branches)] == [1, 1]
