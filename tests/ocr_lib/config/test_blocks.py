"""The blocks Optimizer, Train and Eval."""

from ocr_lib.config.loader import config_from_dict
from ocr_lib.config.schema import (
    ComponentConfig,
    DatasetConfig,
)
from tests.ocr_lib.config.refusal import ARCHITECTURE


def test_one_ratio_counts_for_all_lists():
    dataset = DatasetConfig(label_file_list=("a", "b", "c"), ratio_list=(0.25,))
    assert dataset.ratio_list == (0.25, 0.25, 0.25)


def test_a_schedule_without_a_name_is_constant():
    config = config_from_dict(ARCHITECTURE | {"Optimizer": {"lr": {"learning_rate": 0.1}}})
    assert config.optimizer.lr == ComponentConfig("Const", {"learning_rate": 0.1})


def test_transforms_may_be_names_alone():
    values = {"Train": {"dataset": {"transforms": ["RecAug", {"KeepKeys": {"keep_keys": ["a"]}}]}}}
    dataset = config_from_dict(ARCHITECTURE | values).train.dataset
    assert dataset.transforms == (
        ComponentConfig("RecAug"),
        ComponentConfig("KeepKeys", {"keep_keys": ["a"]}),
    )
    assert dataset.transform("KeepKeys") == dataset.transforms[1]
    assert dataset.transform("RecConAug") is None


def test_aliases_of_data_sets_are_resolved():
    assert DatasetConfig(name="MSTextRecDataset").kind == "MultiScaleDataSet"


def test_ones_own_transform_is_accepted():
    part = ComponentConfig("mypackage.ops:Rotate", {"degrees": 3})
    assert DatasetConfig(transforms=(part,)).transforms == (part,)
