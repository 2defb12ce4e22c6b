"""PaddleOCR's own structures, exported with random weights and certified."""

from pathlib import Path

import paddle
import pytest

from ocr_lib.config.loader import load_config
from ocr_lib.data.image import Preprocess
from ocr_lib.export import export_model
from ocr_lib.inference.runtimes import open_bundle
from ocr_lib.models import build_model
from ocr_lib.training import TrainedModel
from ocr_lib.training.run_dir import dictionary_of
from tests.ocr_lib.barcode import png
from tests.ocr_lib.memory_dataset import drawn


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("en_PP-OCRv3_rec", ["Global.width_buckets=[160, 320]"]),
        ("en_PP-OCRv4_rec", ["Global.width_buckets=[160, 320]"]),  # its branches are merged
        ("rec_svtrnet", []),  # oneDNN lacks one of its operators; images are stretched
    ],
)
def test_export(name: str, options: list[str], tmp_path: Path) -> None:
    config = load_config(name, options)
    dictionary, preprocess = dictionary_of(config.global_), Preprocess.from_config(config)

    def load() -> TrainedModel:
        paddle.seed(7)
        model = build_model(config.architecture, dictionary.num_classes)
        model.eval()
        return TrainedModel(config, model, dictionary, preprocess, digest="")

    bundle = export_model(
        load, tmp_path / "bundle", dataset=drawn(["a", "abc 123"]), metrics={}, lineage={}
    )
    assert bundle.parity["max_abs_diff"] < 1e-5
    assert bundle.parity["texts_equal"] is True
    assert open_bundle(bundle.root).read([png("abc")])[0].error is None
