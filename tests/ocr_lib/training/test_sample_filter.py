"""Samples that cannot be learnt are left out before the first epoch, counted by reason."""

import re
from pathlib import Path

import pytest

from ocr_lib.data.dataset import Dataset
from ocr_lib.data.loading.label_encoder import LabelEncoder
from ocr_lib.errors import DataError
from ocr_lib.text.dictionary import Charset
from ocr_lib.training.log import RunLog
from ocr_lib.training.plan import resolve
from ocr_lib.training.sample_filter import select_samples
from tests.ocr_lib.memory_dataset import drawn
from tests.ocr_lib.training.line_data import DIGITS, small_config


class Lines(RunLog):
    """A log that remembers."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def info(self, message: str) -> None:
        self.lines.append(message)


def select(dataset: Dataset, folder: Path, **keys: object) -> tuple[list[int], list[str]]:
    plan = resolve(small_config(folder, folder, folder, **keys))
    log = Lines()
    label_encoder = LabelEncoder.of(plan.config, Charset(tuple(DIGITS)))
    return select_samples(dataset, plan, label_encoder, log).indices.tolist(), log.lines


def test_each_reason_is_counted_once(tmp_path: Path) -> None:
    dataset = drawn(["1", "2", "3", "1", "2"], ["1", "xyz", "123456", "x", "5"])
    indices, lines = select(dataset, tmp_path, **{"Global.max_text_length": 5})
    assert indices == [0, 4]
    assert lines == [
        "2 of 5 training samples left out: label empty",
        "1 of 5 training samples left out: label longer than max_text_length",
        "labels have up to 6 characters. Set Global.max_text_length to 6 to keep all of them",
    ]


def test_a_label_of_more_steps_than_its_image_has_is_left_out(tmp_path: Path) -> None:
    dataset = drawn(["1", "1"], ["7", "7" * 20])
    indices, lines = select(dataset, tmp_path, **{"Global.width_buckets": "[64, 128]"})
    assert indices == [0]
    said = "1 of 2 training samples left out: label longer than the network's time steps"
    assert lines == [said]


def test_where_nothing_is_left_the_reasons_are_the_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no sample is left of 1 \({'empty': 1}\)"):
        select(drawn(["1"], ["x"]), tmp_path)


@pytest.mark.parametrize(
    ("labels", "key"),
    [
        (["x", "x", "1" * 30], "Global.character_dict_path"),
        (["x", "1" * 30, "1" * 30], "Set Global.max_text_length to 30"),
        (["x", "1" * 24, "1" * 24], "Use a wider image_shape or Global.width_buckets"),
        (["1" * 30, "1" * 24, "1" * 24], "Use a wider image_shape or Global.width_buckets"),
    ],
)
def test_where_nothing_is_left_the_commonest_reason_names_the_key(
    tmp_path: Path, labels: list[str], key: str
) -> None:
    keys = {"Global.max_text_length": 25, "Global.width_buckets": "[64, 128]"}
    with pytest.raises(DataError, match=re.escape(key)):
        select(drawn(["1"] * len(labels), labels), tmp_path, **keys)


def test_the_table_knows_widths_and_a_reference(tmp_path: Path) -> None:
    plan = resolve(small_config(tmp_path, tmp_path, tmp_path))
    dataset = drawn(["1", "abcdef 123"])
    label_encoder = LabelEncoder.of(plan.config, Charset(tuple(DIGITS)))
    table = select_samples(dataset, plan, label_encoder, Lines())
    assert table.widths.tolist() == plan.preprocess.buckets_of(dataset.sizes).tolist()
    assert set(table.time_steps) == set(table.widths.tolist())
    assert table.reference_width == 112  # the third quartile of 64 and 128


def test_labels_that_lose_characters_are_counted_and_the_characters_named(tmp_path: Path) -> None:
    dataset = drawn(["1", "2", "3"], ["1é", "2 \u0301", "45"])
    indices, lines = select(dataset, tmp_path)
    assert indices == [0, 1, 2]
    (line,) = lines
    assert line.startswith("2 of 3 training labels lose characters that the dictionary lacks: ")
    assert "'é' (U+00E9 LATIN SMALL LETTER E WITH ACUTE)" in line
    assert "'\u25cc\u0301' (U+0301 COMBINING ACUTE ACCENT)" in line
