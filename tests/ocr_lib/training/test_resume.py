"""A run starts from an intact checkpoint of its kind, and says so where another one is not."""

import pickle
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from ocr_lib.config.schema import Config
from ocr_lib.data.lmdb_store import pack
from ocr_lib.errors import CheckpointError
from ocr_lib.training import checkpoint, train
from tests.ocr_lib.training.line_data import (
    assert_equal_runs,
    make_lines,
    small_config,
    train_until,
)

Data = tuple[Path, Path]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Data:
    root = tmp_path_factory.mktemp("lines")
    return make_lines(root / "train", 16, seed=1), make_lines(root / "eval", 4, seed=2)


@pytest.fixture(scope="module")
def begun(data: Data, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checkpoint of a run of one epoch."""
    folder = tmp_path_factory.mktemp("begun")
    train(small_config(*data, folder, **{"Global.epoch_num": 1}), quiet=True)
    return folder / "latest"


def moved(saved: checkpoint.Checkpoint) -> dict[str, object]:
    return {name: np.zeros((2, 2), np.float32) for name in saved.optimizer}


@pytest.mark.parametrize(
    ("suffix", "change", "message"),
    [
        (
            ".states",
            lambda s: {"position": {**s.states["position"], "epoch": "x"}},
            "epoch: is 'x'",
        ),
        (".states", lambda s: {"position": [1]}, "not a block of keys"),
        (".states", lambda s: {"position": {"pace": {"begin": 1.0}}}, "stride: is missing"),
        (".states", lambda s: {"epoch": "x"}, "invalid literal"),
        (".states", lambda s: {"loss_scale": 3}, "not iterable"),
        (".states", lambda s: {"averaged_updates": [1]}, "int"),
        (".pdopt", moved, "Shape not match"),
        (".pdopt", lambda s: dict(list(s.optimizer.items())[3:]), "should in state dict"),
    ],
)
def test_progress_or_optimiser_of_another_kind_is_refused(
    data: Data, begun: Path, tmp_path: Path, suffix: str, change: object, message: str
) -> None:
    saved = checkpoint.load(begun)
    for each in checkpoint.SUFFIXES:
        content = Path(f"{begun}{each}").read_bytes()
        (tmp_path / f"old{each}").write_bytes(content)
    (tmp_path / f"old{suffix}").write_bytes(pickle.dumps(change(saved), 2))
    keys = {"Global.checkpoints": tmp_path / "old", "Global.epoch_num": 2}
    with pytest.raises(CheckpointError, match=message) as caught:
        train(small_config(*data, tmp_path / "run", **keys), quiet=True)
    assert str(caught.value).startswith(f"{tmp_path / 'old'}: its optimiser or its progress")
    assert "\n" not in str(caught.value)


def test_what_paddleocr_saved_of_its_progress_is_taken_up(
    data: Data, begun: Path, tmp_path: Path
) -> None:
    for each in checkpoint.SUFFIXES:
        (tmp_path / f"old{each}").write_bytes(Path(f"{begun}{each}").read_bytes())
    states = {"epoch": np.int64(1), "global_step": 2, "best_model_dict": {"acc": np.float64(0.5)}}
    (tmp_path / "old.states").write_bytes(pickle.dumps(states, 2))
    keys = {"Global.checkpoints": tmp_path / "old", "Global.epoch_num": 2}
    result = train(small_config(*data, tmp_path / "run", **keys), quiet=True)
    assert (result.epochs, result.resumed_from) == (2, 2)


EACH_STEP = {"Global.save_step_every": 1, "Global.epoch_num": 2}


@pytest.fixture(scope="module")
def whole(data: Data, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that nothing disturbed."""
    folder = tmp_path_factory.mktemp("whole")
    train(small_config(*data, folder, **EACH_STEP), quiet=True)
    return folder


@pytest.fixture(scope="module")
def stopped(data: Data, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that was stopped with checkpoints of its steps 2 and 3."""
    folder = tmp_path_factory.mktemp("stopped") / "run"
    train_until(small_config(*data, folder, **EACH_STEP), 3)
    return folder


def damage(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("name", "change", "cause"),
    [
        ("latest.pdparams", damage, "latest.pdparams: missing, or not the file its manifest names"),
        ("latest.states", Path.unlink, "latest.states: missing, or not"),
        ("latest.json", lambda path: path.write_text("{"), "latest.json: not a checkpoint's man"),
        ("latest.json", Path.unlink, "latest.json: missing"),
    ],
)
def test_a_run_whose_newest_checkpoint_is_damaged_goes_on_from_the_one_before(
    data: Data, whole: Path, stopped: Path, tmp_path: Path, name: str, change: object, cause: str
) -> None:
    run_dir = tmp_path / "run"
    shutil.copytree(stopped, run_dir)
    change(run_dir / name)
    assert train(small_config(*data, run_dir, **EACH_STEP), quiet=True).resumed_from == 2
    assert_equal_runs(whole, run_dir)
    warnings = re.findall("ppocr WARNING: (.*)", (run_dir / "train.log").read_text("utf-8"))
    assert len(warnings) == 1
    assert warnings[0].startswith(f"damaged checkpoint: {run_dir}/{cause}")
    assert warnings[0].endswith(f"goes on from {run_dir}/previous, which is of step 2")


def test_a_run_without_an_intact_checkpoint_names_all_that_are_damaged(
    data: Data, stopped: Path, tmp_path: Path
) -> None:
    run_dir = tmp_path / "run"
    shutil.copytree(stopped, run_dir)
    for name in ("latest", "previous"):
        damage(run_dir / f"{name}.pdopt")
    with pytest.raises(CheckpointError, match="no checkpoint of the run is intact") as caught:
        train(small_config(*data, run_dir, **EACH_STEP), quiet=True)
    for name in ("latest", "previous"):
        assert f"{run_dir}/{name}.pdopt: missing" in caught.value.cause
    assert "--fresh" in caught.value.fix
    fresh = train(small_config(*data, run_dir, **EACH_STEP), fresh=True, quiet=True)
    assert fresh.resumed_from == 0


HEBREW_LABELS = ("אבג 12", "דה", "אב", "גד 2", "הוא", "בא 1", "אה", "דג")


@pytest.fixture(scope="module")
def hebrew(tmp_path_factory: pytest.TempPathFactory) -> Data:
    """Lines whose labels are Hebrew; their images do not matter."""
    root = tmp_path_factory.mktemp("hebrew")
    make_lines(root / "lines", len(HEBREW_LABELS), seed=3)
    labels = (f"images/{i}.png\t{label}\n" for i, label in enumerate(HEBREW_LABELS))
    (root / "labels.txt").write_text("".join(labels), encoding="utf-8")
    pack(root / "labels.txt", root / "lines", root / "lmdb")
    return root / "lmdb", root / "lmdb"


@pytest.mark.parametrize("by_former_release", [True, False])
def test_a_right_to_left_run_goes_on_in_the_order_that_it_was_begun_with(
    hebrew: Data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by_former_release: bool
) -> None:
    keys = {**EACH_STEP, "Global.character_dict_path": "labels", "Global.max_text_length": 8}

    def config(name: str) -> Config:
        return small_config(*hebrew, tmp_path / name, **keys)

    with monkeypatch.context() as patch:
        if by_former_release:  # which turned none but PaddleOCR's own Arabic dictionaries
            patch.setattr("ocr_lib.text.dictionary.has_right_to_left", lambda _: False)
        train(config("whole"), quiet=True)
        train_until(config("run"), 1)
    if by_former_release:  # and wrote no direction
        for name in ("whole", "run"):
            (tmp_path / name / "dictionary.json").unlink()
    assert train(config("run"), quiet=True).resumed_from == 1
    assert_equal_runs(tmp_path / "whole", tmp_path / "run")
    log = (tmp_path / "run" / "train.log").read_text("utf-8")
    assert ("holds a run of version 0.1" in log) is by_former_release
    assert (tmp_path / "run" / "dictionary.json").exists() is not by_former_release
    train(config("run"), fresh=True, quiet=True)
    assert '"right_to_left": true' in (tmp_path / "run" / "dictionary.json").read_text()
