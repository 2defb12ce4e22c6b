"""Paddle's files, as PaddleOCR and PaddleX read them."""

import errno
import resource
import signal
from pathlib import Path

import numpy as np
import paddle
import pytest
import yaml
from paddle import inference, nn

from ocr_lib.export import export
from ocr_lib.export.paddle_format import merge_branches, save_paddle, save_paddle2
from ocr_lib.export.paddle_runtime import paddle_forward
from ocr_lib.inference.bundle import Bundle
from tests.faults.processes import Child
from tests.faults.steps import mount_small_disk


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


def fill_disk(folder: Path) -> None:
    """Exports a network to a disk that has no room for it; for a process of its own."""
    mount_small_disk(folder, 256)
    try:
        save_paddle(nn.Linear(1000, 1000), [None, 1000], folder)
    except OSError as error:
        raise SystemExit(7 if error.errno == errno.ENOSPC else 1) from None


def test_a_full_disk_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    ended = Child(fill_disk, (tmp_path / "disk",), tmp_path / "child", {}).wait()
    if "name space of one's own" in ended.log:
        pytest.skip("this machine gives no name space of one's own")
    assert ended.exitcode == 7, ended.log


def shorten_files(folder: Path) -> None:
    """Exports a network where the disk has room, and files end at 100 KB; as `fill_disk`."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
    try:
        save_paddle(nn.Linear(1000, 1000), [None, 1000], folder)
    except OSError as error:
        raise SystemExit(7 if error.errno == errno.ENOSPC else 1) from None


def test_shortened_weights_are_an_error_on_a_disk_that_has_room_again(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    ended = Child(shorten_files, (tmp_path / "disk",), tmp_path / "child", {}).wait()
    assert ended.exitcode == 7, ended.log
    assert (tmp_path / "disk/inference.pdiparams").stat().st_size == 100_000


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
