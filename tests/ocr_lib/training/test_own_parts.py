"""A backbone and a head of the user's own: trained, exported, read; too long labels are found."""

import re
from pathlib import Path

import pytest

from ocr_lib.errors import ConfigError
from ocr_lib.export import export
from ocr_lib.inference.runtimes import open_bundle
from ocr_lib.training import train
from tests.ocr_lib.training.line_data import make_lines, small_config

Data = tuple[Path, Path]
OWN = {
    "Architecture": "{in_channels: 1, "
    "Backbone: {name: 'tests.ocr_lib.training.own_parts:TwoLayers', width: 6}, "
    "Neck: {name: SequenceEncoder, encoder_type: reshape}, "
    "Head: {name: 'tests.ocr_lib.training.own_parts:LinearHead'}}",
    "Global.epoch_num": 1,
}
ALLOWED = frozenset(
    f"tests.ocr_lib.training.own_parts:{name}" for name in ("TwoLayers", "LinearHead")
)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Data:
    root = tmp_path_factory.mktemp("lines")
    return make_lines(root / "train", 40, seed=1), make_lines(root / "eval", 10, seed=2)


def test_parts_of_ones_own_are_trained_and_exported(data: Data, tmp_path: Path) -> None:
    result = train(small_config(*data, tmp_path / "run", ALLOWED, **OWN), quiet=True)
    assert result.samples == 40
    with pytest.raises(ConfigError, match=r"Backbone\.name: .* is a custom part"):
        export(tmp_path / "run", tmp_path / "bundle", checkpoint="latest")
    bundle = export(
        tmp_path / "run", tmp_path / "bundle", checkpoint="latest", allowed_parts=ALLOWED
    )
    assert bundle.parity["texts_equal"] is True
    assert open_bundle(bundle.root).dictionary.num_classes == 96


def test_labels_beyond_its_steps_are_left_out(data: Data, tmp_path: Path) -> None:
    """Four px a step: lines squeezed to 16 px have four steps."""
    keys = {**OWN, "Global.width_buckets": "[16]"}
    result = train(small_config(*data, tmp_path / "run", ALLOWED, **keys), quiet=True)
    assert 0 < result.samples < 40
    assert "longer than the network's time steps" in (tmp_path / "run/train.log").read_text("utf-8")


def test_the_fixed_pool_of_ppocrv4_is_explained(tmp_path: Path) -> None:
    """Its training pool has 40 columns whatever the width; unset, the width decides."""
    folder = tmp_path / "data"
    make_lines(folder, 12, seed=1)
    labels = (folder / "labels.txt").read_text("utf-8").splitlines()
    long = [re.sub(r"\t.*", "\t" + "1" * 30, line) for line in labels[:3]]  # 30 + 29 blanks
    (folder / "long.txt").write_text("\n".join([*long, *labels[3:]]) + "\n", encoding="utf-8")
    keys = {
        "Train.dataset": f"{{name: SimpleDataSet, data_dir: {folder}, "
        f"label_file_list: ['{folder}/long.txt'], transforms: [DecodeImage: {{}}]}}",
        "Global.width_buckets": "[512]",
        "Global.epoch_num": 1,
        "Global.eval_batch_epoch": 9,
        "Architecture.Neck": "{name: SequenceEncoder, encoder_type: reshape}",
    }
    backbone = "{name: PPLCNetV3, scale: 0.1%s}"
    for columns, samples in (("", 9), (", train_columns: null", 12)):
        run_dir = tmp_path / f"run{samples}"
        keys["Architecture.Backbone"] = backbone % columns
        config = small_config(folder / "lmdb", folder / "lmdb", run_dir, **keys)
        assert train(config, quiet=True).samples == samples
        explained = "pools every image to 40 columns" in (run_dir / "train.log").read_text("utf-8")
        assert explained is (samples == 9)
