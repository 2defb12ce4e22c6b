"""Small networks of PP-OCRv3's, v4's and v6's kind, exported as others would export them."""

import importlib.metadata
import shutil
import zipfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

DIGITS = "0123456789"
V4 = """\
base: ch_PP-OCRv4_rec
Global: {character_dict_path: ic15, use_space_char: false}
Architecture:
  Backbone: {name: PPLCNetV3, scale: 0.1}
  Head:
    name: MultiHead
    head_list:
      - CTCHead:
          Neck: {name: svtr, dims: 16, depth: 1, hidden_dims: 16, num_heads: 2,
                 kernel_size: [1, 3], use_guide: true}
          Head: {}
      - NRTRHead: {nrtr_dim: 32, max_text_length: 25, num_decoder_layers: 1}
"""
V3 = """\
base: ch_PP-OCRv3_rec
Global: {character_dict_path: ic15, use_space_char: false}
Architecture:
  Backbone: {name: MobileNetV1Enhance, scale: 0.125, last_conv_stride: [1, 2],
             last_pool_type: avg, last_pool_kernel_size: [2, 2]}
  Head:
    name: MultiHead
    head_list:
      - CTCHead:
          Neck: {name: svtr, dims: 16, depth: 1, hidden_dims: 16, num_heads: 2, use_guide: true}
          Head: {}
      - SARHead: {enc_dim: 16, max_text_length: 25}
"""
V6 = """\
base: PP-OCRv6_tiny_rec
Global: {character_dict_path: ic15, use_space_char: false}
Architecture:
  Head:
    head_list:
      - CTCHead:
          Neck: {name: lightsvtr, dims: 16, depth: 1, num_heads: 2, mlp_ratio: 2.0}
          Head: {}
      - NRTRHead: {nrtr_dim: 32, max_text_length: 25, num_decoder_layers: 1}
"""
V6_TINY = """\
base: PP-OCRv6_tiny_rec
Global: {character_dict_path: ic15, use_space_char: false}
Architecture:
  Head:
    head_list:
      - CTCHead: {Neck: {name: reshape}, Head: {mid_channels: 80, use_guide: true}}
      - NRTRHead: {nrtr_dim: 32, max_text_length: 25, num_decoder_layers: 1}
"""


@dataclass(frozen=True)
class Exported:
    """A trained-looking network and what others would publish of it."""

    config: Path
    folder: Path  # inference.json, .pdiparams, .yml
    model: Any

    @property
    def onnx(self) -> Path:
        return self.folder / "model.onnx"


@pytest.fixture(scope="session")
def v4(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    return _export(tmp_path_factory.mktemp("v4"), V4)


@pytest.fixture(scope="session")
def v3(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    return _export(tmp_path_factory.mktemp("v3"), V3)


@pytest.fixture(scope="session")
def v6(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    return _export(tmp_path_factory.mktemp("v6"), V6)


@pytest.fixture(scope="session")
def v6_tiny(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    return _export(tmp_path_factory.mktemp("v6-tiny"), V6_TINY)


@pytest.fixture(scope="session")
def v6_branched(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """As PaddleOCR of 2025 exports it, which merges the branches of PP-LCNetV3 alone."""
    return _export(tmp_path_factory.mktemp("v6-branched"), V6, merge=False)


@pytest.fixture(scope="session")
def published() -> Path:
    """PP-OCRv4's mobile recogniser, where `make demo PRETRAINED=pp-ocrv4` or `bench` put it."""
    places = [Path(__file__).resolve().parents[3] / "build/pretrained/wheel"]
    with suppress(importlib.metadata.PackageNotFoundError):
        wheel = importlib.metadata.distribution("rapidocr-onnxruntime")
        places.append(Path(str(wheel.locate_file("."))))
    for place in places:
        path = place / "rapidocr_onnxruntime/models/ch_PP-OCRv4_rec_infer.onnx"
        if path.exists():
            return path
    pytest.skip("no published model: make build/pretrained/pp-ocrv4/import.json fetches it")


@pytest.fixture(scope="session")
def published_v6() -> Path:
    """PP-OCRv6's small recogniser, where `make demo PRETRAINED=pp-ocrv6` put it."""
    folder = Path(__file__).resolve().parents[3] / "build/pretrained/wheel-v6"
    path = folder / "rapidocr/models/PP-OCRv6_rec_small.onnx"
    if not path.exists():
        pytest.skip("no published model: make build/pretrained/pp-ocrv6/import.json fetches it")
    return path


@pytest.fixture
def wheel(v4: Exported, tmp_path: Path) -> Path:
    """A wheel with a detector that must not be taken, and the recogniser."""
    path = tmp_path / "reader-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(v4.onnx, "reader/models/v4_rec_infer.onnx")
        archive.write(v4.onnx, "reader/models/v4_det_infer.onnx")
        archive.writestr("reader/__init__.py", "raise SystemExit('code of the wheel ran')")
    return path


@pytest.fixture
def folded(v3: Exported, tmp_path: Path) -> Path:
    return fold(v3, tmp_path)


def fold(exported: Exported, tmp_path: Path) -> Path:
    """The ONNX file as ONNX Runtime's optimiser leaves it: batch norms folded, names gone."""
    import onnx
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(tmp_path / "folded.onnx")
    onnxruntime.InferenceSession(str(exported.onnx), options)
    model = onnx.load(str(tmp_path / "folded.onnx"))
    assert "BatchNormalization" not in {node.op_type for node in model.graph.node}
    onnx.helper.set_model_props(model, {"character": "\n".join(_dictionary().characters)})
    onnx.save(model, str(tmp_path / "folded.onnx"))
    return tmp_path / "folded.onnx"


def _dictionary() -> Any:
    from ocr_lib.text.dictionary import load_dictionary

    return load_dictionary("ic15")


def _export(folder: Path, text: str, merge: bool = True) -> Exported:
    """Builds the network with statistics and affine maps as training leaves them."""
    import paddle

    from ocr_lib.algorithms import CTC
    from ocr_lib.config.loader import load_config
    from ocr_lib.export.onnx_format import save_onnx
    from ocr_lib.export.paddle_format import merge_branches, save_paddle, write_inference_yml
    from ocr_lib.models import build_model

    file = folder / "network.yml"
    file.write_text(text, "utf-8")
    config, dictionary = load_config(file), _dictionary()
    paddle.seed(3)
    model = build_model(config.architecture, dictionary.num_classes)
    rng = np.random.default_rng(3)
    for name, value in model.state_dict().items():
        if len(value.shape) == 1 and not name.endswith("_variance"):
            value.set_value(value + rng.normal(0, 0.1, value.shape).astype("float32"))
    model.eval()
    if merge:
        merge_branches(model)
    out = folder / "inference"
    out.mkdir()
    save_paddle(model, [None, 3, 48, None], out)
    write_inference_yml(config, CTC, dictionary, out)
    save_onnx(out, dictionary)
    paddle_only = folder / "paddle"
    shutil.copytree(out, paddle_only, ignore=shutil.ignore_patterns("*.onnx"))
    return Exported(file, out, model)
