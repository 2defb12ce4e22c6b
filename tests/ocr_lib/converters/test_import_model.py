"""Recognisers that others exported become weights of this project's networks."""

import json
from pathlib import Path

import numpy as np
import onnx
import paddle
import pytest

from ocr_lib.config.loader import load_config
from ocr_lib.converters import import_model
from ocr_lib.converters.drawn_lines import drawn_lines
from ocr_lib.converters.source import open_model_source
from ocr_lib.errors import ImportModelError
from ocr_lib.inference.runtimes import onnx_forward
from ocr_lib.text.dictionary import load_dictionary
from ocr_lib.training import forward_of, load_model
from ocr_lib.training.migration import dictionary_beside
from pipelines.cli.main import main
from tests.ocr_lib.converters.conftest import Exported


def gap(original: Path, folder: Path, width: int = 96) -> float:
    """Largest difference of a probability on noise."""
    trained = load_model(load_config(folder / "config.yml"), folder / "weights")
    images = np.random.default_rng(0).uniform(-1, 1, (2, 3, 48, width)).astype(np.float32)
    ours, theirs = forward_of(trained.model)(images), onnx_forward(original)(images)
    return float(np.abs(ours - theirs).max())


def test_an_onnx_file_computes_the_same(v4: Exported, tmp_path: Path) -> None:
    imported = import_model(v4.onnx, tmp_path / "out", config=str(v4.config))
    assert imported.max_abs_diff < 1e-4
    assert gap(v4.onnx, tmp_path / "out") < 1e-5
    assert gap(v4.onnx, tmp_path / "out", width=333) < 1e-5
    assert dictionary_beside(tmp_path / "out/weights") == load_dictionary("ic15")
    record = json.loads((tmp_path / "out/import.json").read_text("utf-8"))
    assert record["form"] == "fused"
    assert record["characters"] == 36


def test_branches_come_back_and_can_be_trained(v4: Exported, tmp_path: Path) -> None:
    import_model(v4.onnx, tmp_path / "out", config=str(v4.config), full=True)
    assert gap(v4.onnx, tmp_path / "out") < 1e-4
    trained = load_model(load_config(tmp_path / "out/config.yml"), tmp_path / "out/weights")
    names = trained.model.state_dict()
    assert "backbone.blocks3.1.dw_conv.conv_kxk.3.bn._mean" in names
    assert "backbone.blocks3.1.dw_conv.identity.weight" in names
    assert not any("reparam" in name for name in names)


def test_a_paddle_folder_computes_the_same(v4: Exported, tmp_path: Path) -> None:
    source = v4.folder.parent / "paddle"
    before = sorted(path.name for path in source.iterdir())
    imported = import_model(source, tmp_path / "out", config=str(v4.config))
    assert imported.max_abs_diff < 1e-4
    assert gap(v4.onnx, tmp_path / "out") < 1e-4
    assert sorted(path.name for path in source.iterdir()) == before


def test_the_recogniser_of_a_wheel_is_taken(v4: Exported, wheel: Path, tmp_path: Path) -> None:
    import_model(wheel, tmp_path / "out", config=str(v4.config))
    assert gap(v4.onnx, tmp_path / "out") < 1e-5


def test_folded_norms_come_back(v3: Exported, folded: Path, tmp_path: Path) -> None:
    """Evaluation computes the same, and training starts from about that."""
    lines = drawn_lines("0123456789", 40)
    import_model(folded, tmp_path / "out", config=str(v3.config), images=lines)
    assert gap(v3.onnx, tmp_path / "out") < 1e-4
    trained = load_model(load_config(tmp_path / "out/config.yml"), tmp_path / "out/weights")
    norm = trained.model.backbone.conv1._batch_norm
    assert float(norm._mean.abs().max()) > 0.01
    fitted = [trained.preprocess.fit(line)[:, :160] for line in lines]
    images = paddle.to_tensor(trained.preprocess.batch(fitted, 160))
    maps = trained.model.backbone.conv1._conv(images)
    norm.train()
    by_batch = norm(maps)
    norm.eval()
    assert float((by_batch - norm(maps)).abs().mean()) < 0.3


def test_a_model_of_one_norm_for_each_convolution_keeps_them(v3: Exported, tmp_path: Path) -> None:
    import_model(v3.onnx, tmp_path / "out", config=str(v3.config))
    trained = load_model(load_config(tmp_path / "out/config.yml"), tmp_path / "out/weights")
    ours, theirs = trained.model.state_dict(), v3.model.state_dict()
    name = "backbone.block_list.0._depthwise_conv._batch_norm._mean"
    np.testing.assert_array_equal(ours[name].numpy(), theirs[name].numpy())
    assert gap(v3.onnx, tmp_path / "out") < 1e-5


def test_another_network_is_named(v3: Exported, v4: Exported, tmp_path: Path) -> None:
    with pytest.raises(ImportModelError, match="nearest is PP-OCR"):
        import_model(v4.onnx, tmp_path / "out")
    with pytest.raises(ImportModelError, match="in place of convolution"):
        import_model(v3.onnx, tmp_path / "out", config=str(v4.config))
    with pytest.raises(ImportModelError, match="no branches"):
        import_model(v3.onnx, tmp_path / "out", config=str(v3.config), full=True)
    assert not (tmp_path / "out").exists()


def test_a_network_that_computes_something_else_is_refused(v4: Exported, tmp_path: Path) -> None:
    model = onnx.load(str(v4.onnx))
    for node in model.graph.node:
        if node.op_type == "Relu":
            node.op_type = "Sigmoid"
    onnx.save(model, str(tmp_path / "other.onnx"))
    with pytest.raises(ImportModelError, match="computes something else: probabilities differ"):
        import_model(tmp_path / "other.onnx", tmp_path / "out", config=str(v4.config))
    assert not (tmp_path / "out").exists()


def test_the_command_says_what_came_of_it(
    v4: Exported, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    args = ["import", str(v4.onnx), "--out", str(out), "--config", str(v4.config)]
    assert main(args) == 0
    said = capsys.readouterr().out
    assert "fused: 0.0" in said
    assert "36 characters" in said
    assert "on 27 drawn lines (allowed: 1e-4)" in said
    assert main(["config", "check", "-c", str(out / "config.yml"), "--no-build"]) == 0
    with pytest.raises(SystemExit) as ended:
        main(["import", str(tmp_path / "absent.onnx"), "--out", str(out)])
    assert ended.value.code == 2
    assert "no such file" in capsys.readouterr().err


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


def test_weights_in_other_files_are_refused(v4: Exported, tmp_path: Path) -> None:
    model = onnx.load(str(v4.onnx))
    tensor = next(node.attribute[0].t for node in model.graph.node if node.op_type == "Constant")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../../etc/passwd")
    (tmp_path / "outside.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(ImportModelError, match="is in another file"):
        import_model(tmp_path / "outside.onnx", tmp_path / "out")


def test_the_characters_must_fit(v4: Exported, tmp_path: Path) -> None:
    with pytest.raises(ImportModelError, match=r"95 characters, a blank .* 37 classes"):
        import_model(v4.onnx, tmp_path / "out", config=str(v4.config), dictionary="en")
    model = onnx.load(str(v4.onnx))
    del model.metadata_props[:]
    onnx.save(model, str(tmp_path / "silent.onnx"))
    with pytest.raises(ImportModelError, match="does not say its characters"):
        import_model(tmp_path / "silent.onnx", tmp_path / "out", config=str(v4.config))
