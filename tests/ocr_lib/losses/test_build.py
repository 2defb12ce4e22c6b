import pytest

from ocr_lib.config.loader import load_config
from ocr_lib.config.shipped import shipped_configs
from ocr_lib.errors import ConfigError
from ocr_lib.losses import build_loss
from tests.ocr_lib.losses.part import loss_of


@pytest.mark.parametrize("name", shipped_configs())
def test_every_shipped_loss_is_known(name: str) -> None:
    build_loss(load_config(name).loss)


@pytest.mark.parametrize(
    ("name", "args", "message"),
    [
        (
            "CTCLos",
            {},
            "Loss.name: is 'CTCLos', which is not known. The nearest known name is CTCLoss",
        ),
        (
            "CTCLoss",
            {"use_focal": True},
            "Loss.use_focal: is not an argument of CTCLoss. The nearest .* use_focal_loss",
        ),
        ("CELoss", {"with_all": True}, "Loss.with_all"),
        (
            "MultiLoss",
            {"loss_config_list": [{"CTCLoss": {}, "X": {}}]},
            "Write one name with its arg",
        ),
        (
            "MultiLoss",
            {"loss_config_list": [{"CTCLoss": None}, {"SARLos": None}]},
            r"Loss.loss_config_list.1.name: is 'SARLos', .* SARLoss",
        ),
        (
            "CombinedLoss",
            {"loss_config_list": [{"CTCLoss": None}]},
            "Loss.loss_config_list.0.CTCLoss: CTCLoss needs weight",
        ),
        (
            "CombinedLoss",
            {
                "loss_config_list": [
                    {"DistillationDMLLoss": {"weight": 1, "model_name_pairs": ["A"]}}
                ]
            },
            "are not pairs",
        ),
        (
            "CombinedLoss",
            {"loss_config_list": [{"CenterLoss": {"weight": 1, "num_clases": 9}}]},
            "list.0.CenterLoss.num_clases: is not an argument .* num_classes",
        ),
    ],
)
def test_a_wrong_block_is_refused_with_its_key(name, args, message) -> None:
    with pytest.raises(ConfigError, match=message):
        loss_of(name, **args)
