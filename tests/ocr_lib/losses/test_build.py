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
        ("CTCLos", {}, "Loss.name: unknown name 'CTCLos'. Did you mean CTCLoss"),
        ("CTCLoss", {"use_focal": True}, "Loss.use_focal: .*Did you mean use_focal_loss"),
        ("CELoss", {"with_all": True}, "Loss.with_all"),
        ("MultiLoss", {"loss_config_list": ["CTCLoss"]}, "not one name with arguments"),
        (
            "MultiLoss",
            {"loss_config_list": [{"CTCLoss": None}, {"SARLos": None}]},
            r"loss_config_list\[1\]: .*Did you mean SARLoss",
        ),
        (
            "CombinedLoss",
            {"loss_config_list": [{"CTCLoss": None}]},
            "CTCLoss.weight: it is missing",
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
            "num_clases: .*Did you mean num_classes",
        ),
    ],
)
def test_a_wrong_block_is_refused_with_its_key(name, args, message) -> None:
    with pytest.raises(ConfigError, match=message):
        loss_of(name, **args)
