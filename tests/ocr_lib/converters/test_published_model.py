"""Published recognisers on real receipts; skipped where either is absent."""

import importlib
import tarfile
from pathlib import Path

import pytest
from paddle import nn

from ocr_lib.config.loader import load_config
from ocr_lib.converters import import_model
from ocr_lib.data.dataset import open_dataset
from ocr_lib.data.decode import decode_image
from ocr_lib.data.image import Image
from ocr_lib.data.labels.convert import convert
from ocr_lib.inference.recognizer import Recognizer
from ocr_lib.text.dictionary import load_dictionary
from ocr_lib.training import TrainedModel, forward_of, load_model, load_run, train
from ocr_lib.training.migrate_folder import migrate_folder
from tests.ocr_lib.evaluated import evaluate

pytestmark = pytest.mark.slow
TRAINED, HELD_OUT = 96, 60


def unpack(archive: Path, folder: Path, count: int) -> Path:
    """Takes the first lines of a receipts archive; returns the folder with a label list."""
    wanted = {"gt.txt", *(f"word_{i}.jpg" for i in range(1, count + 1))}
    with tarfile.open(archive) as packed:
        for name in wanted:
            packed.extract(name, folder, filter="data")
    rows = (folder / "gt.txt").read_text("utf-8-sig").splitlines()[:count]
    (folder / "gt.txt").write_text("\n".join(rows) + "\n", "utf-8")
    convert(folder, folder, mode="rec")
    return folder


def accuracy(trained: TrainedModel, folder: Path) -> float:
    config = load_config(
        "finetune_cpu",
        [
            f"Eval.dataset.data_dir={folder}",
            f"Eval.dataset.label_file_list=[{folder / 'labels.txt'}]",
        ],
    )
    recognizer = Recognizer(trained.preprocess, trained.dictionary, forward_of(trained.model))
    return evaluate(recognizer, open_dataset(config.eval)).accuracy


@pytest.mark.parametrize("full", [False, True])
def test_it_computes_the_same(
    published: Path, shared_dir: Path, tmp_path: Path, full: bool
) -> None:
    lines = unpack(shared_dir / "data/sroie-val.tar", tmp_path / "lines", 24)
    images = [decode_image(path.read_bytes()) for path in sorted(lines.glob("*.jpg"))]
    imported = import_model(published, tmp_path / "out", full=full, images=images)
    assert imported.network == "PP-OCRv4 mobile"
    assert imported.characters == 6624
    assert imported.max_abs_diff < 1e-4


@pytest.mark.parametrize("full", [False, True])
def test_v6_computes_the_same_and_reads_in_training_mode(
    published_v6: Path,
    shared_dir: Path,
    tmp_path: Path,
    full: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its norms are folded away: without statistics of lines, training would begin at nothing."""
    lines = unpack(shared_dir / "data/sroie-val.tar", tmp_path / "lines", 48)
    images = [decode_image(path.read_bytes()) for path in sorted(lines.glob("*.jpg"))]
    imported = import_model(published_v6, tmp_path / "out", full=full, images=images)
    assert imported.network == "PP-OCRv6 small"
    assert imported.characters == 18_709
    assert imported.max_abs_diff < 5e-4
    read = {mode: lines_read(tmp_path / "out", images, mode) for mode in ("eval", "train")}
    alike = sum(a == b for a, b in zip(read["eval"], read["train"], strict=True))
    assert alike > 0.7 * len(images)

    module = importlib.import_module("ocr_lib.converters.import_model")
    monkeypatch.setattr(module, "recalibrate", lambda *_: None)
    import_model(published_v6, tmp_path / "naive", full=full, images=images)
    assert lines_read(tmp_path / "naive", images, "eval") == read["eval"]
    naive = lines_read(tmp_path / "naive", images, "train")
    assert sum(a == b for a, b in zip(read["eval"], naive, strict=True)) == 0


def lines_read(folder: Path, images: list[Image], mode: str) -> list[str]:
    """Reads with batch norms as in evaluation or as in training, in batches of one width."""
    trained = load_model(load_config(folder / "config.yml"), folder / "weights")
    for layer in trained.model.sublayers():
        if mode == "train" and isinstance(layer, nn.BatchNorm2D):
            layer.train()
    recognizer = Recognizer(trained.preprocess, trained.dictionary, forward_of(trained.model))
    return [read.text for read in recognizer.read(images)]


@pytest.mark.parametrize("name", ["published", "published_v6"])
def test_training_with_another_dictionary_keeps_what_it_reads(
    name: str, request: pytest.FixtureRequest, shared_dir: Path, tmp_path: Path
) -> None:
    """Its characters become those of the receipts: nothing is forgotten, and more is learnt."""
    import_model(request.getfixturevalue(name), tmp_path / "import")
    lines = unpack(shared_dir / "data/sroie-train.tar", tmp_path / "train", TRAINED)
    held_out = unpack(shared_dir / "data/sroie-val.tar", tmp_path / "eval", HELD_OUT)
    config = tmp_path / "import/config.yml"
    before = accuracy(load_model(load_config(config), tmp_path / "import/weights"), held_out)
    keys = {
        "Global.save_model_dir": tmp_path / "run",
        "Global.character_dict_path": "labels",
        "Global.epoch_num": 1,
        "Optimizer.lr.max_lr": 0.0001,
        "Train.dataset.data_dir": lines,
        "Train.dataset.label_file_list": f"[{lines / 'labels.txt'}]",
        "Eval.dataset.label_file_list": "[]",
    }
    train(load_config(config, [f"{key}={value}" for key, value in keys.items()]), quiet=True)
    after = load_run(tmp_path / "run", "latest")
    assert len(after.dictionary.characters) < 70
    assert before > 0.4
    assert accuracy(after, held_out) > before

    receipts = load_dictionary(str(tmp_path / "run/dictionary.txt"))
    migration = migrate_folder(tmp_path / "import", receipts, tmp_path / "cut")
    assert not migration.added
    cut = load_model(load_config(tmp_path / "cut/config.yml"), tmp_path / "cut/weights")
    assert accuracy(cut, held_out) >= before
