from typing import Any

import pytest

from ocr_lib.config.location import SourceLocation
from ocr_lib.config.parse import write
from ocr_lib.config.strict_yaml import parse as parse_yaml
from ocr_lib.errors import ConfigError
from ocr_lib.gate import Thresholds
from ocr_lib.runspec.options import RunOptions, parse_options


def test_nothing_said_gives_the_defaults() -> None:
    assert parse_options({}) == RunOptions()
    floors = RunOptions().gate
    assert (floors.min_accuracy, floors.min_norm_edit_dis) == (0.5, 0.8)
    assert isinstance(floors, Thresholds)


def test_one_threshold_leaves_the_floors_of_the_others() -> None:
    gate = parse_options({"gate": {"min_samples": 10.0}}).gate
    assert (gate.min_samples, gate.min_accuracy, gate.min_norm_edit_dis) == (10, 0.5, 0.8)


def test_whole_numbers_come_as_kubeflow_holds_them_however_deep() -> None:
    found = parse_options({"pack": {"max_pods": 2.0, "gib_per_pod": 1}, "split": {"seed": 7.0}})
    assert (found.pack.max_pods, found.pack.gib_per_pod, found.split.seed) == (2, 1.0, 7)
    assert type(found.pack.max_pods) is int


def test_what_is_written_is_read_as_equal() -> None:
    options = parse_options({"train_job": {"image_pull_secrets": ["a"]}, "label_format": "rec"})
    assert parse_options(write(options)) == options


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"gat": {}}, r"options\.gat: is not a known key\. The nearest known name is gate\."),
        ({"gate": {"min_sampels": 1}}, r"options\.gate\.min_sampels: .* name is min_samples\."),
        (
            {"gate": {"min_accuracy": 2}},
            r"options\.gate\.min_accuracy: is 2\.0\. Write 0\.0 to 1\.0",
        ),
        ({"gate": 3}, r"options\.gate: is 3, not a block of keys"),
        ({"pack": {"max_pods": 65}}, r"options\.pack\.max_pods: is 65\. Write 1 to 64\."),
        ({"pack": {"max_pods": 0}}, r"options\.pack\.max_pods: is 0\. Write 1 to 64\."),
        ({"pack": {"gib_per_pod": 0}}, r"options\.pack\.gib_per_pod: is 0\.0\. Write more than 0"),
        ({"evaluate": {"max_pods": 1.5}}, r"options\.evaluate\.max_pods: is 1\.5\. Write a whole"),
        (
            {"split": {"share": 0.5}},
            r"options\.split\.share: is 0\.5\. Write a fraction from 0 to 0\.15",
        ),
        ({"train_job": {"retry": 1}}, r"options\.train_job\.retry: .* name is retries\."),
        ({"sha256": {"train": "ab"}}, r"options\.sha256\.train: is 'ab'\. Write 64 hexadecimal"),
        ({"label_format": "recc"}, r"options\.label_format: is 'recc', .* name is rec\."),
        ({"max_bad_fraction": 1.5}, r"options\.max_bad_fraction: is 1\.5\. Give a probability"),
        ({"dataset_name": "a/b"}, r"options\.dataset_name: is 'a/b', which cannot be part of"),
        ({"config_overrides": [3]}, r"options\.config_overrides\.0: is 3\. Write a text"),
    ],
)
def test_what_is_wrong_is_named_with_the_fix(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse_options(values)


def test_a_file_is_named_with_its_line() -> None:
    values, places = parse_yaml("options:\n  gate:\n    min_sampels: 3\n", "run.yaml")
    with pytest.raises(ConfigError, match=r"^run\.yaml:3: options\.gate\.min_sampels: "):
        parse_options(values["options"], SourceLocation(("options",), places))
