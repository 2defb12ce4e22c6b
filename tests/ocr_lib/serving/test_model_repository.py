import json
from pathlib import Path

import onnx
import pytest
from google.protobuf import text_format
from tritonclient.grpc.model_config_pb2 import ModelConfig

from ocr_lib.data.image import Preprocess
from ocr_lib.errors import ConfigError
from ocr_lib.inference.bundle import BundleError, write_manifest
from ocr_lib.serving.model_repository import (
    build_model_repository,
    build_model_version,
    to_pbtxt,
)
from ocr_lib.text.dictionary import Charset
from tests.ocr_lib.serving.rollout_trial import breaks_on_wide_lines
from tests.ocr_lib.serving.tiny_bundle import CHARACTERS, PREPROCESS, write_bundle


def config_of(files: dict[str, bytes], model: str) -> ModelConfig:
    return text_format.Parse(files[f"{model}/config.pbtxt"].decode(), ModelConfig())


def test_a_repository_holds_two_models(bundle: Path) -> None:
    files = build_model_repository(bundle, "receipts", 7)
    assert sorted(files) == [
        "receipts/7/bundle.json",
        "receipts/7/dictionary.txt",
        "receipts/7/model.py",
        "receipts/config.pbtxt",
        "receipts_core/7/model.onnx",
        "receipts_core/config.pbtxt",
    ]
    assert files["receipts_core/7/model.onnx"] == (bundle / "model.onnx").read_bytes()
    assert files == build_model_repository(bundle, "receipts", 7)


def test_the_configuration_is_complete(bundle: Path) -> None:
    """Servers run without auto-completion, so that a wrong export fails when it is loaded."""
    files = build_model_repository(bundle, "receipts", 7)
    core, text = config_of(files, "receipts_core"), config_of(files, "receipts")
    assert (core.backend, core.default_model_filename) == ("onnxruntime", "model.onnx")
    assert [(i.name, list(i.dims)) for i in core.input] == [("x1", [3, 32, -1])]
    assert [(o.name, list(o.dims)) for o in core.output] == [("probs1", [-1, 6])]
    assert [w.inputs["x1"].dims[2] for w in core.model_warmup] == list(PREPROCESS.buckets)
    assert list(core.version_policy.specific.versions) == [7]
    assert core.HasField("dynamic_batching")
    assert text.backend == "python"
    assert [o.name for o in text.output] == ["TEXT", "SCORE", "ERROR", "CHAR_SCORES"]
    assert text.parameters["core"].string_value == "receipts_core"


def test_tensorrt_plans_for_the_widths_that_are_warmed_up(bundle: Path) -> None:
    built = build_model_version(bundle, "m", 1, tensorrt="FP16")
    config = text_format.Parse(to_pbtxt(built.configs["m_core"]).decode(), ModelConfig())
    (accelerator,) = config.optimization.execution_accelerators.gpu_execution_accelerator
    assert accelerator.name == "tensorrt"
    assert accelerator.parameters["precision_mode"] == "FP16"
    widths = [w.inputs["x1"].dims[2] for w in config.model_warmup]
    for kind, batch in (("min", 1), ("opt", 8), ("max", 64)):
        profiles = accelerator.parameters[f"trt_profile_{kind}_shapes"]
        assert profiles == ",".join(f"x1:{batch}x3x32x{width}" for width in widths)
    with pytest.raises(ConfigError, match="OCR_TRITON_TENSORRT: 'INT4'"):
        build_model_version(bundle, "m", 1, tensorrt="INT4")


def test_a_renamed_version_is_what_a_build_of_that_name_is(bundle: Path) -> None:
    assert build_model_version(bundle, "a", 3).renamed("b") == build_model_version(bundle, "b", 3)


def test_a_damaged_network_is_refused(tmp_path: Path) -> None:
    folder = write_bundle(tmp_path / "bundle")
    (folder / "model.onnx").write_bytes((folder / "model.onnx").read_bytes()[:-1] + b"\0")
    with pytest.raises(BundleError, match=r"model\.onnx: not the file that was exported"):
        build_model_repository(folder, "tiny", 1)


def test_another_dictionary_is_refused(tmp_path: Path) -> None:
    folder = write_bundle(tmp_path / "bundle")
    (folder / "dictionary.txt").write_text("x\ny\nz\né\n中\n", encoding="utf-8")
    with pytest.raises(BundleError, match=r"dictionary\.txt"):
        build_model_repository(folder, "tiny", 1)


@pytest.mark.parametrize(
    ("preprocess", "characters", "message"),
    [
        (PREPROCESS, (*CHARACTERS, "z"), "answers .* the dictionary has 7 classes"),
        (Preprocess(48, (64, 128), 3), CHARACTERS, "not a network that reads this"),
        (Preprocess(32, (64, 128), 1), CHARACTERS, "not a network that reads this"),
    ],
)
def test_parts_that_do_not_fit_are_refused(
    tmp_path: Path, preprocess: Preprocess, characters: tuple[str, ...], message: str
) -> None:
    folder = write_bundle(tmp_path / "bundle")
    (folder / "bundle.json").unlink()
    write_manifest(folder, {"model_name": "tiny"}, preprocess, Charset(characters))
    with pytest.raises(BundleError, match=message):
        build_model_repository(folder, "tiny", 1)


def test_a_fixed_width_is_refused(tmp_path: Path) -> None:
    folder = write_bundle(tmp_path / "bundle")
    model = onnx.load(folder / "model.onnx")
    model.graph.input[0].type.tensor_type.shape.dim[3].dim_value = PREPROCESS.buckets[0]
    onnx.save(model, folder / "model.onnx")
    (folder / "bundle.json").unlink()
    write_manifest(folder, {"model_name": "tiny"}, PREPROCESS, Charset(CHARACTERS))
    with pytest.raises(BundleError, match="fixed batch size or width"):
        build_model_repository(folder, "tiny", 1)


def test_a_network_that_breaks_at_one_width_is_refused(tmp_path: Path) -> None:
    """Before a server sees it: warming it up would end the server."""
    folder = breaks_on_wide_lines(tmp_path / "bundle")
    build_model_version(folder, "tiny", 1)  # the smallest width runs
    with pytest.raises(BundleError, match="not a network that reads this preprocessing"):
        build_model_version(folder, "tiny", 1, every_width=True)


def test_what_is_no_network_is_refused(tmp_path: Path) -> None:
    folder = write_bundle(tmp_path / "bundle")
    (folder / "model.onnx").write_bytes(b"not a network")
    (folder / "bundle.json").unlink()
    write_manifest(folder, {"model_name": "tiny"}, PREPROCESS, Charset(CHARACTERS))
    with pytest.raises(BundleError, match="not a network"):
        build_model_repository(folder, "tiny", 1)


def test_a_bundle_of_another_format_is_refused(tmp_path: Path) -> None:
    folder = write_bundle(tmp_path / "bundle")
    content = json.loads((folder / "bundle.json").read_text())
    (folder / "bundle.json").write_text(json.dumps({**content, "format": 99}))
    with pytest.raises(BundleError, match="format 99"):
        build_model_repository(folder, "tiny", 1)
