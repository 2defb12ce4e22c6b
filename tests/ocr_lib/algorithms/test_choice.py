"""Which networks and algorithms a configuration means."""

from typing import Any

import pytest

from ocr_lib.algorithms import CTC, NRTR, SAR
from ocr_lib.algorithms.choice import (
    algorithm_of,
    head_name,
    head_names,
    networks_of,
    reading_network,
)
from ocr_lib.config.loader import config_from_dict
from ocr_lib.config.schema import Config
from ocr_lib.errors import ConfigError

BACKBONE = {"name": "MobileNetV3"}
CTC_NETWORK = {"Backbone": BACKBONE, "Head": {"name": "CTCHead"}}
SAR_NETWORK = {"Backbone": BACKBONE, "Head": {"name": "SARHead"}}
TWO = {
    "name": "DistillationModel",
    "Models": {"Student": CTC_NETWORK, "Teacher": SAR_NETWORK},
}


def config(architecture: dict[str, Any], decode: str = "CTCLabelDecode", **metric: Any) -> Config:
    return config_from_dict(
        {
            "Architecture": architecture,
            "PostProcess": {"name": decode},
            "Metric": {"name": "RecMetric", **metric},
        }
    )


def test_a_single_network_has_no_name() -> None:
    assert networks_of(CTC_NETWORK) == {"": CTC_NETWORK}
    assert networks_of(TWO) == TWO["Models"]


def test_the_metric_names_the_network_that_reads() -> None:
    assert reading_network(config(CTC_NETWORK)) == ""
    assert reading_network(config(TWO)) == "Student"
    distilled = {"name": "DistillationMetric", "key": "Teacher"}
    assert reading_network(config(TWO, **distilled)) == "Teacher"
    with pytest.raises(ConfigError, match=r"Metric\.key: there is no network 'Techer'.*Teacher"):
        reading_network(config(TWO, **{**distilled, "key": "Techer"}))


@pytest.mark.parametrize(
    ("architecture", "decode", "algorithm"),
    [
        (CTC_NETWORK, "CTCLabelDecode", CTC),
        (SAR_NETWORK, "SARLabelDecode", SAR),
        (TWO, "DistillationCTCLabelDecode", CTC),
        ({**CTC_NETWORK, "Head": {"name": "my.own:Head"}}, "NRTRLabelDecode", NRTR),
    ],
)
def test_post_processing_names_the_algorithm(architecture, decode, algorithm) -> None:
    assert algorithm_of(config(architecture, decode)) is algorithm


def test_a_head_that_needs_another_algorithm_is_named() -> None:
    message = r"PostProcess\.name: is CTCLabelDecode, which does not read SARHead\. Write SARLabel"
    with pytest.raises(ConfigError, match=message):
        algorithm_of(config(SAR_NETWORK))


def test_heads_of_a_multi_head_are_listed_one_by_one() -> None:
    multi = {"Head": {"name": "MultiHead", "head_list": [{"CTCHead": {}}, {"NRTRHead": None}]}}
    assert head_name(multi) == "MultiHead"
    assert list(head_names(multi)) == ["CTCHead", "NRTRHead"]
    assert list(head_names(CTC_NETWORK)) == ["CTCHead"]
    assert head_name({}) == "None"
