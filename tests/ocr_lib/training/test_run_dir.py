"""A trained network comes back from its run directory, whole; what is missing is named."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import paddle
import pytest

from ocr_lib.atomic import write_text
from ocr_lib.config.characters import write_dictionary
from ocr_lib.config.schema import Config
from ocr_lib.errors import CheckpointError
from ocr_lib.models import build_model
from ocr_lib.text.dictionary import Charset, load_dictionary
from ocr_lib.training.run_dir import RUN_RECORD, RunRecord, config_digest, load_model, load_run
from ocr_lib.training.weights import save_weights
from tests.ocr_lib.training.line_data import small_config
from tests.ocr_lib.training.other_networks import distillation_config

DIGITS = Charset(tuple("0123456789"))


def write_run(config: Config, folder: Path, charset: Charset = DIGITS) -> None:
    """Writes what a run leaves of its network."""
    paddle.seed(1)
    network = build_model(config.architecture, charset.num_classes)
    folder.mkdir()
    save_weights(folder / "latest.pdparams", network.state_dict())
    charset.to_file(folder / "dictionary.txt")
    write_text(folder / "config.yml", config.to_yaml())


def test_the_network_comes_back_ready_to_read(tmp_path: Path) -> None:
    write_run(small_config(tmp_path, tmp_path, tmp_path / "run"), tmp_path / "run")
    trained = load_run(tmp_path / "run", "latest")
    assert trained.dictionary.characters == DIGITS.characters
    assert trained.preprocess.buckets == (64, 128)
    assert (trained.model.training, trained.algorithm.name) == (False, "ctc")
    assert len(trained.digest) == 64
    again = load_model(trained.config, tmp_path / "run/latest.pdparams", dictionary=DIGITS)
    for name, value in trained.model.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), again.model.state_dict()[name].numpy())


def test_of_several_networks_one_is_chosen(tmp_path: Path) -> None:
    write_run(distillation_config(tmp_path, tmp_path, tmp_path / "run"), tmp_path / "run")
    student, teacher = (
        load_run(tmp_path / "run", "latest", name).model.state_dict() for name in (None, "Teacher")
    )
    assert set(student) == set(teacher)
    assert any(not np.array_equal(v.numpy(), teacher[n].numpy()) for n, v in student.items())


HEBREW = Charset((*"אבגדהו12 ",), right_to_left=True)
LINE = "אבג 12"  # in reading order


@pytest.mark.parametrize(
    ("direction", "file", "turned"),
    [
        (None, "hebrew.txt", False),  # as version 0.1 had it, also for `labels`
        (None, "arabic_dict.txt", True),
        (True, "hebrew.txt", True),
        (False, "arabic_dict.txt", False),
    ],
)
def test_text_has_the_direction_of_training(
    tmp_path: Path, direction: bool | None, file: str, turned: bool
) -> None:
    HEBREW.to_file(tmp_path / file)
    keys = {"Global.character_dict_path": str(tmp_path / file), "Global.use_space_char": False}
    config = small_config(tmp_path, tmp_path, tmp_path / "run", **keys)
    write_run(config, tmp_path / "run", HEBREW)
    if direction is not None:
        write_dictionary(replace(HEBREW, right_to_left=direction), tmp_path / "run")
    by_folder = load_run(tmp_path / "run", "latest")
    by_config = load_model(config, tmp_path / "run/latest.pdparams")
    drawn = [HEBREW.characters.index(c) + 1 for c in "12 גבא"]
    for trained in (by_folder, by_config):
        assert trained.dictionary == replace(HEBREW, right_to_left=turned)
        assert trained.dictionary.text(drawn) == (LINE if turned else "12 גבא")


@pytest.mark.parametrize(
    ("missing", "message"),
    [("config.yml", r"config\.yml is missing"), ("latest.pdparams", r"latest\.pdparams: no such")],
)
def test_what_is_missing_is_named(tmp_path: Path, missing: str, message: str) -> None:
    write_run(small_config(tmp_path, tmp_path, tmp_path / "run"), tmp_path / "run")
    (tmp_path / "run" / missing).unlink()
    with pytest.raises(CheckpointError, match=message):
        load_run(tmp_path / "run", "latest")


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    write_run(small_config(tmp_path, tmp_path, tmp_path / "run"), tmp_path / "run")
    load_dictionary("en").to_file(tmp_path / "run/dictionary.txt")
    with pytest.raises(CheckpointError, match="fits the configured network only in part"):
        load_run(tmp_path / "run", "latest")


@pytest.mark.parametrize(
    ("keys", "same"),
    [
        ({"Global.print_batch_step": 7}, True),
        ({"Global.epoch_num": 9}, True),
        ({"Global.save_minutes": 1}, True),
        ({"Global.recalibrate_norms": 128}, True),
        ({"Global.seed": 7}, False),
        ({"Global.turn_tall_lines": True}, False),
        ({"Global.ema_gamma": 100.0}, False),
        ({"Optimizer.lr.max_lr": 0.5}, False),
        ({"Train.loader.batch_size_per_card": 3}, False),
    ],
)
def test_the_digest_is_of_what_decides_the_result(
    tmp_path: Path, keys: dict[str, object], same: bool
) -> None:
    plain = small_config(tmp_path, tmp_path, tmp_path / "a")
    other = small_config(tmp_path, tmp_path, tmp_path / "b", **keys)
    assert (config_digest(plain, DIGITS) == config_digest(other, DIGITS)) == same
    assert config_digest(plain, DIGITS) != config_digest(plain, load_dictionary("en"))


def test_what_a_run_began_with_comes_back(tmp_path: Path) -> None:
    assert RunRecord.load(tmp_path) is None
    record = RunRecord(epochs=3, config_digest="abc", samples=60)
    record.save(tmp_path)
    assert RunRecord.load(tmp_path) == record
    assert [path.name for path in tmp_path.iterdir()] == [RUN_RECORD]


@pytest.mark.parametrize("content", ["{", "[]", '{"epochs": 3}', "[" * 100_000])
def test_a_damaged_record_of_a_run_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / RUN_RECORD).write_text(content)
    with pytest.raises(CheckpointError, match=r"run\.json: not a run's record") as caught:
        RunRecord.load(tmp_path)
    assert "\n" not in str(caught.value)
