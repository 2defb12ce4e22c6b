"""Paddle's files, as PaddleOCR and PaddleX read them."""

from pathlib import Path

import numpy as np
import paddle
import yaml
from paddle import inference, nn

from ocr_lib.export import export
from ocr_lib.export.paddle_format import merge_branches, save_paddle2
from ocr_lib.export.paddle_runtime import paddle_forward
from ocr_lib.inference.bundle import Bundle


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
