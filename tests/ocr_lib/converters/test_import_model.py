"""Recognisers that others exported become weights of this project's networks."""

import json
import shutil
from pathlib import Path

import numpy as np
import onnx
import paddle
import pytest
import yaml
from onnx import numpy_helper

from ocr_lib.config.loader import load_config
from ocr_lib.converters import import_model
from ocr_lib.converters.drawn_lines import drawn_lines
from ocr_lib.converters.import_model import allowed_diff
from ocr_lib.errors import ImportModelError
from ocr_lib.text.dictionary import Charset, load_dictionary
from ocr_lib.training import load_model
from ocr_lib.training.migrate_folder import migrate_folder
from ocr_lib.training.migration import dictionary_beside
from tests.ocr_lib.converters.conftest import Exported, fold
from tests.ocr_lib.converters.gap import gap


def test_an_onnx_file_computes_the_same(v4: Exported, tmp_path: Path) -> None:
    imported = import_model(v4.onnx, tmp_path / "out", config=str(v4.config))
    assert imported.max_abs_diff < 1e-4
    assert gap(v4.onnx, tmp_path / "out") < 1e-5
    assert gap(v4.onnx, tmp_path / "out", width=333) < 1e-5
    assert dictionary_beside(tmp_path / "out/weights") == load_dictionary("ic15")
    assert json.loads((tmp_path / "out/dictionary.json").read_text()) == {"right_to_left": False}
    record = json.loads((tmp_path / "out/import.json").read_text("utf-8"))
    assert record["form"] == "fused"
    assert record["characters"] == 36


@pytest.mark.parametrize("name", ["v6", "v6_tiny", "v6_branched"])
@pytest.mark.parametrize("full", [False, True])
def test_a_network_of_v6_computes_the_same(
    name: str, full: bool, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    exported: Exported = request.getfixturevalue(name)
    out = tmp_path / "out"
    imported = import_model(exported.onnx, out, config=str(exported.config), full=full)
    assert imported.max_abs_diff <= imported.allowed == 1e-4
    assert gap(exported.onnx, out) < 1e-4
    names = load_model(load_config(out / "config.yml"), out / "weights").model.state_dict()
    assert any("rep_dw.conv1." in name for name in names) is full
    assert any("rep_dw.reparam_conv." in name for name in names) is not full


@pytest.mark.parametrize(("name", "max_lr"), [("v4", 5e-4), ("v6", 2e-4)])
def test_the_configuration_has_the_rates_of_its_network(
    name: str, max_lr: float, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    exported: Exported = request.getfixturevalue(name)
    import_model(exported.onnx, tmp_path / "out", config=str(exported.config))
    config = load_config(tmp_path / "out/config.yml")
    assert config.optimizer.lr.args["max_lr"] == max_lr
    assert config.global_.recalibrate_norms == 128


def test_branches_that_an_export_kept_are_imported_as_they_are(
    v6_branched: Exported, tmp_path: Path
) -> None:
    """Nothing is lost, so nothing is made up: the statistics are those of training."""
    out = tmp_path / "out"
    import_model(v6_branched.onnx, out, config=str(v6_branched.config), full=True)
    trained = load_model(load_config(out / "config.yml"), out / "weights").model.state_dict()
    original = v6_branched.model.state_dict()
    for name, value in trained.items():
        difference = float((value - original[name]).abs().max())
        assert difference < 1e-6, name


# U+3000 is an entry of PP-OCRv5's and v6's dictionaries; a strip() eats it.
ENTRIES = (
    *"\u3000 \u2028\u200b\u00a00123456789~yn-=#&*!|>'\"%@`{[",
    "e\u0301",
)


@pytest.mark.parametrize("form", ["onnx", "paddle", "file"])
def test_entries_that_look_empty_and_doubled_ones_stay(
    v6_tiny: Exported, tmp_path: Path, form: str
) -> None:
    entries = [*ENTRIES, "a", "\u3000"]
    assert len(entries) == 36
    source, dictionary = tmp_path / "in", None
    source.mkdir()
    if form == "onnx":
        model = onnx.load(str(v6_tiny.onnx))
        onnx.helper.set_model_props(model, {"character": "\n".join(entries)})
        onnx.save(model, str(source / "rec.onnx"))
    else:
        shutil.copytree(v6_tiny.folder.parent / "paddle", source, dirs_exist_ok=True)
    if form == "paddle":  # as PaddleOCR writes it
        described = {"PostProcess": {"name": "CTCLabelDecode", "character_dict": entries}}
        text = yaml.dump(described, default_flow_style=False, allow_unicode=True)
        (source / "inference.yml").write_text(text, "utf-8")
    elif form == "file":
        dictionary = str(tmp_path / "own.txt")
        Path(dictionary).write_text("".join(f"{entry}\n" for entry in entries), "utf-8")
    out = tmp_path / "out"
    import_model(source, out, config=str(v6_tiny.config), dictionary=dictionary)
    charset = dictionary_beside(out / "weights")
    assert charset is not None
    assert charset.characters == tuple(entries)
    assert charset.encode("\u3000a") == [36, 35]  # the last of each
    assert charset.text([1, 36, 35]) == "\u3000\u3000a"
    migration = migrate_folder(out, Charset(("a", "\u3000", "\u2028", "e\u0301")), tmp_path / "cut")
    assert not migration.added


def test_right_to_left_characters_are_read_in_reading_order(v4: Exported, tmp_path: Path) -> None:
    """PaddleOCR's networks read such a line from its left end too."""
    letters = "".join(map(chr, range(0x05D0, 0x05EB))) + "123456789"
    (tmp_path / "own.txt").write_text("\n".join(letters), "utf-8")
    dictionary = str(tmp_path / "own.txt")
    import_model(v4.onnx, tmp_path / "out", config=str(v4.config), dictionary=dictionary)
    charset = dictionary_beside(tmp_path / "out/weights")
    assert charset is not None
    assert charset.right_to_left
    assert (
        load_model(load_config(tmp_path / "out/config.yml"), tmp_path / "out").dictionary == charset
    )


def test_a_paddle_folder_computes_the_same(v4: Exported, tmp_path: Path) -> None:
    source = v4.folder.parent / "paddle"
    before = sorted(path.name for path in source.iterdir())
    imported = import_model(source, tmp_path / "out", config=str(v4.config))
    assert imported.max_abs_diff < 1e-4
    assert gap(v4.onnx, tmp_path / "out") < 1e-4
    assert sorted(path.name for path in source.iterdir()) == before


@pytest.mark.parametrize("name", ["v6", "v6_tiny"])
def test_a_paddle_folder_of_v6_computes_the_same(
    name: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    exported: Exported = request.getfixturevalue(name)
    source = exported.folder.parent / "paddle"
    imported = import_model(source, tmp_path / "out", config=str(exported.config))
    assert imported.max_abs_diff < 1e-4
    assert gap(exported.onnx, tmp_path / "out") < 1e-4


def test_a_network_that_computes_something_else_is_refused(v4: Exported, tmp_path: Path) -> None:
    model = onnx.load(str(v4.onnx))
    for node in model.graph.node:
        if node.op_type == "Relu":
            node.op_type = "Sigmoid"
    onnx.save(model, str(tmp_path / "other.onnx"))
    with pytest.raises(ImportModelError, match="computes something else: probabilities differ"):
        import_model(tmp_path / "other.onnx", tmp_path / "out", config=str(v4.config))
    assert not (tmp_path / "out").exists()


def test_weights_that_are_not_finite_are_refused(v4: Exported, tmp_path: Path) -> None:
    """Nothing is above a tolerance that is not a number."""
    model = onnx.load(str(v4.onnx))
    constants = (node.attribute[0].t for node in model.graph.node if node.op_type == "Constant")
    weights = next(item for item in constants if len(item.dims) == 4)
    spoilt = np.full(weights.dims, np.nan, np.float32)
    weights.CopyFrom(numpy_helper.from_array(spoilt, weights.name))
    onnx.save(model, str(tmp_path / "spoilt.onnx"))
    with pytest.raises(ImportModelError, match="values that are not finite"):
        import_model(tmp_path / "spoilt.onnx", tmp_path / "out", config=str(v4.config))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("rounding", "allowed"), [(0.0, 1e-4), (2e-4, 6e-4), (0.1, 1e-3), (np.inf, 1e-3)]
)
def test_what_is_taken_for_rounding_has_a_ceiling(rounding: float, allowed: float) -> None:
    assert allowed_diff(rounding) == pytest.approx(allowed)


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


def test_a_folded_v6_reads_alike_in_training(v6: Exported, tmp_path: Path) -> None:
    """Statistics of a batch take the place of those of the lines; its answers stay alike."""
    lines = drawn_lines("0123456789", 40)
    import_model(fold(v6, tmp_path), tmp_path / "out", config=str(v6.config), images=lines)
    assert gap(v6.onnx, tmp_path / "out") < 1e-4
    trained = load_model(load_config(tmp_path / "out/config.yml"), tmp_path / "out/weights")
    fitted = [trained.preprocess.fit(line)[:, :160] for line in lines]
    images = paddle.to_tensor(trained.preprocess.batch(fitted, 160))
    features = trained.model.backbone(images)
    trained.model.train()
    by_batch = trained.model.backbone(images)
    assert float((by_batch - features).abs().mean()) < 0.5 * float(features.abs().mean())
