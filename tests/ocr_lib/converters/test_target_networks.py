"""The networks that a foreign recogniser may be."""

from pathlib import Path

import pytest

from ocr_lib.converters.target_networks import CONFIGS, known_networks, network_of
from ocr_lib.errors import ConfigError

CUSTOM = """\
base: ch_PP-OCRv4_rec
Architecture:
  Backbone: {name: "my.package:Net"}
"""


def test_all_known_ones_read_with_their_ctc_head_alone() -> None:
    networks = known_networks()
    assert [network.name for network in networks] == list(CONFIGS)
    for network in networks:
        heads = network.architecture["Head"]["head_list"]
        assert [list(head) for head in heads] == [["CTCHead"]]
        assert heads[0]["CTCHead"]["Neck"].get("use_guide") is not True
        assert network.architecture["Backbone"].get("train_columns") is None


def test_branches_are_fused_and_can_come_back() -> None:
    mobile = network_of("mobile", "ch_PP-OCRv4_rec")
    assert mobile.architecture["Backbone"]["fused"] is True
    unfused = mobile.unfused()
    assert unfused is not None
    assert "fused" not in unfused["Backbone"]
    assert mobile.architecture["Backbone"]["fused"] is True  # the copy alone changed
    assert network_of("server", "ch_PP-OCRv4_rec_hgnet").unfused() is None


def test_a_custom_part_has_to_be_allowed(tmp_path: Path) -> None:
    (tmp_path / "own.yml").write_text(CUSTOM)
    path = str(tmp_path / "own.yml")
    with pytest.raises(ConfigError, match="is a custom part"):
        network_of("own", path)
    allowed = frozenset({"my.package:Net"})
    network = network_of("own", path, allowed)
    assert network.allowed_parts == allowed
    assert network.architecture["Backbone"] == {"name": "my.package:Net"}
