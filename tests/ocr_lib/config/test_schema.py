from dataclasses import FrozenInstanceError, replace

import pytest

from ocr_lib.config.loader import config_from_dict, load_config
from ocr_lib.config.schema import (
    ComponentConfig,
    Config,
    DatasetConfig,
    GlobalConfig,
    LoaderConfig,
    OptimizerConfig,
    SplitConfig,
)
from ocr_lib.errors import ConfigError
from tests.ocr_lib.config.refusal import ARCHITECTURE


def refusal(values: dict) -> str:
    with pytest.raises(ConfigError) as caught:
        config_from_dict(ARCHITECTURE | values, "here")
    return str(caught.value)


def test_unset_keys_get_documented_defaults():
    config = config_from_dict(ARCHITECTURE)
    assert config.global_ == GlobalConfig()
    assert config.optimizer.lr == ComponentConfig("Const", {"learning_rate": 0.001})
    assert config.metric == ComponentConfig("RecMetric", {"main_indicator": "acc"})
    assert config.train.dataset.delimiter == "\t"
    assert config.global_.eval_batch_step == (0, 2000)


def test_null_means_what_leaving_out_means():
    values = ARCHITECTURE | {"Global": {"seed": None, "checkpoints": None}, "Optimizer": None}
    assert config_from_dict(values) == config_from_dict(ARCHITECTURE)


def test_every_field_is_documented():
    for block in (GlobalConfig, OptimizerConfig, DatasetConfig, LoaderConfig, SplitConfig, Config):
        for name in block.__slots__:
            assert f" {name}: " in (block.__doc__ or ""), f"{block.__name__}.{name}"


def test_blocks_do_not_change():
    with pytest.raises(FrozenInstanceError):
        GlobalConfig().seed = 3


def test_single_values_stand_for_lists():
    values = {
        "Global": {"eval_batch_step": 500, "width_buckets": 320},
        "Train": {"dataset": {"label_file_list": "a.txt", "ratio_list": 0.5}},
    }
    config = config_from_dict(ARCHITECTURE | values)
    assert config.global_.eval_batch_step == (0, 500)
    assert config.global_.width_buckets == (320,)
    assert config.train.dataset.label_file_list == ("a.txt",)
    assert config.train.dataset.ratio_list == (0.5,)


def test_numbers_written_as_texts_are_numbers():
    values = {
        "Global": {"train_minutes": "1e1"},
        "Optimizer": {"beta1": "9e-1", "lr": {"name": "Cosine", "learning_rate": "1e-3"}},
    }
    config = config_from_dict(ARCHITECTURE | values)
    assert config.global_.train_minutes == 10.0
    assert config.optimizer.args == {"beta1": 0.9}
    assert config.optimizer.lr.args == {"learning_rate": 0.001}


def test_keys_without_meaning_here_are_kept():
    values = {
        "Global": {"use_visualdl": False, "uniform_output_enabled": True, "model_name": "m"},
        "Train": {"loader": {"use_shared_memory": False, "num_sections": 1}},
        "profiler_options": None,
    }
    written = config_from_dict(ARCHITECTURE | values).as_dict()
    assert written["Global"]["use_visualdl"] is False
    assert written["Global"]["uniform_output_enabled"] is True
    assert written["Global"]["model_name"] == "m"
    assert written["Train"]["loader"]["num_sections"] == 1
    assert "profiler_options" in written


def test_as_dict_and_yaml_give_the_configuration_back(minimal):
    config = load_config(minimal)
    assert config_from_dict(config.as_dict()) == config
    minimal.write_text(config.to_yaml())
    assert load_config(minimal) == config
    assert load_config(minimal).to_yaml() == config.to_yaml()


def test_blocks_built_in_code_are_checked_too():
    with pytest.raises(ConfigError, match=r"GlobalConfig.epoch_num: is 0"):
        replace(GlobalConfig(), epoch_num=0)


REFUSED = [
    ({"Globel": {}}, "here: Globel: is not a known key. The nearest known name is Global."),
    ({"Global": {"epoch": 3}}, "Global.epoch: is not a known key. The nearest known name is epoch"),
    ({"Global": {"epoch_num": "5"}}, "Global.epoch_num: is '5'. Write a whole number."),
    ({"Global": {"epoch_num": True}}, "Global.epoch_num: is True. Write a whole number."),
    ({"Global": {"epoch_num": 2.0}}, "Global.epoch_num: is 2.0. Write a whole number."),
    ({"Global": {"epoch_num": 0}}, "Global.epoch_num: is 0. Write 1 or more."),
    ({"Global": {"use_gpu": "yes"}}, "Global.use_gpu: is 'yes'. Write true or false."),
    ({"Global": {"save_model_dir": 7}}, "Global.save_model_dir: is 7. Write a text"),
    ({"Global": {"train_minutes": "soon"}}, "Global.train_minutes: is 'soon'. Write a number."),
    ({"Global": {"train_minutes": float("nan")}}, "Global.train_minutes: is nan"),
    ({"Global": {"train_minutes": 0}}, "Global.train_minutes: is 0.0. Write more than 0."),
    (
        {"Global": {"narrow_first_epochs": -1}},
        "Global.narrow_first_epochs: is -1. Write 0",
    ),
    (
        {"Global": {"amp_level": "O3"}},
        "Global.amp_level: is 'O3', which is not known. Known: O0, O1, O2.",
    ),
    ({"Global": {"eval_batch_step": [1, 2, 3]}}, "Global.eval_batch_step: is [1, 2, 3]"),
    ({"Global": {"eval_batch_step": [0, 0]}}, "Global.eval_batch_step: is [0, 0]"),
    ({"Global": {"width_buckets": [64, 32]}}, "Global.width_buckets: is [64, 32]"),
    ({"Global": {"width_buckets": []}}, "Global.width_buckets: is []"),
    ({"Global": 3}, "Global: is 3, not a block of keys"),
    ({"Optimizer": {"name": "Adamm"}}, "Optimizer.name: is 'Adamm', which is not known. The near"),
    ({"Optimizer": {"beta": 0.9}}, "Optimizer.beta: is not an argument of Adam. The nearest known"),
    ({"Optimizer": {"regulariser": 1}}, "Adam. The nearest known name is regularizer."),
    ({"Optimizer": {"beta1": "a"}}, "Optimizer.beta1: is 'a'. Write a number."),
    ({"Optimizer": {"clip_norm": 0}}, "Optimizer.clip_norm: is 0.0. Write more than 0."),
    ({"Optimizer": {"lr": {"name": "Cosin"}}}, "Optimizer.lr.name: is 'Cosin', which is not kno"),
    ({"Optimizer": {"lr": {"name": 3}}}, "Optimizer.lr: has no name"),
    ({"Optimizer": {"lr": {"name": "Step"}}}, "Optimizer.lr: Step needs step_size. Write step_"),
    ({"Optimizer": {"lr": {"learning_rat": 1}}}, "Optimizer.lr.learning_rat: is not an argument"),
    ({"Optimizer": {"regularizer": {"name": "L3"}}}, "Optimizer.regularizer.name: is 'L3'"),
    (
        {"Optimizer": {"weight_decay": 0.1, "regularizer": {"name": "L2", "factor": 0.1}}},
        "Optimizer.weight_decay: is set, and regularizer too. Remove one of the two.",
    ),
    (
        {"Optimizer": {"name": "AdamW", "regularizer": {"name": "L1"}}},
        "Optimizer.regularizer.name: is L1, and AdamW shrinks weights by a factor.",
    ),
    (
        {"Optimizer": {"lr": {"name": "OneCycle", "anneal_strategy": "lin"}}},
        "Optimizer.lr.anneal_strategy: is 'lin', which is not known. The nearest known name is ",
    ),
    (
        {"Optimizer": {"lr": {"name": "OneCycle", "three_phase": True, "pct_start": 0.5}}},
        "Optimizer.lr.pct_start: is 0.5. Write less than 0.5.",
    ),
    (
        {"Optimizer": {"lr": {"name": "Piecewise", "decay_epochs": [1], "values": [1]}}},
        "Optimizer.lr.values: has 1 values for 1 decay_epochs.",
    ),
    (
        {"Train": {"dataset": {"transforms": [{"RecAug": {"tia_porb": 1}}]}}},
        "transforms.0.RecAug.tia_porb: is not an argument of RecAug. The nearest known name is tia",
    ),
    (
        {"Eval": {"dataset": {"transforms": [{"RecResizeImg": {"image_shape": "3,32,100"}}]}}},
        "Eval.dataset.transforms.0.RecResizeImg.image_shape: is '3,32,100'. Write [channels,",
    ),
    ({"PostProcess": {"name": "CTCDecode"}}, "PostProcess.name: is 'CTCDecode', which is not"),
    (
        {"Metric": {"name": "RecMetric", "ignore": 1}},
        "Metric.ignore: is not an argument of RecMetric. The nea",
    ),
    (
        {"Metric": {"name": "RecMetric", "main_indicator": "accuracy"}},
        "Metric.main_indicator: is 'accuracy', which is not known. Known: acc, norm_edit_dis.",
    ),
    (
        {"Metric": {"name": "DistillationMetric", "base_metric_name": "DetMetric"}},
        "Metric.base_metric_name: is 'DetMetric', and only RecMetric is available.",
    ),
    ({"Train": {"datset": {}}}, "Train.datset: is not a known key. The nearest known name is data"),
    ({"Train": {"dataset": {"label_file_path": "a"}}}, "The nearest known name is label_file_list"),
    ({"Train": {"dataset": {"name": "SimpleData"}}}, "Train.dataset.name: is 'SimpleData', whic"),
    ({"Train": {"dataset": {"transforms": [{"RecAg": None}]}}}, "Train.dataset.transforms.0: is '"),
    ({"Train": {"dataset": {"transforms": [{"a": 1, "b": 2}]}}}, "Write one name with its argume"),
    ({"Train": {"dataset": {"transforms": ["SRNLabelEncode"]}}}, "this project does not have"),
    (
        {"Train": {"dataset": {"label_file_list": ["a", "b"], "ratio_list": [1, 1, 1]}}},
        "Train.dataset.ratio_list: has 3 entries for 2 label lists",
    ),
    ({"Train": {"sampler": {"name": "Multi"}}}, "Train.sampler.name: is 'Multi', which is not kno"),
    ({"Train": {"loader": {"batch_size": 1}}}, "The nearest known name is batch_size_per_card"),
    ({"Train": {"loader": {"num_workers": -1}}}, "Train.loader.num_workers: is -1. Write 0 or"),
    ({"Architecture": None}, "Architecture: is missing"),
]


@pytest.mark.parametrize(("values", "message"), REFUSED, ids=lambda v: str(v)[:40])
def test_what_is_refused(values, message):
    assert message in refusal(values)


def test_errors_of_the_parts_get_file_and_line(minimal):
    config = load_config(minimal, ["Optimizer.lr.learning_rate=2e-3"])
    with pytest.raises(ConfigError) as caught, config.naming_lines():
        raise ConfigError("Architecture.Head.fc", "is unknown", "Remove it")
    assert str(caught.value) == f"{minimal}:11: Architecture.Head.fc: is unknown. Remove it."
    with pytest.raises(ConfigError, match=r"^-o: Optimizer.lr.learn"), config.naming_lines():
        raise ConfigError("Optimizer.lr.learning_rate", "is odd", "Change it")
    with pytest.raises(ConfigError, match=r"^other.txt:3: is odd"), config.naming_lines():
        raise ConfigError("other.txt:3", "is odd", "Change it")
