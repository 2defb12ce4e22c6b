import pytest
import yaml

from ocr_lib.config.loader import load_config
from ocr_lib.errors import ConfigError
from tests.pipelines.cli.command import call


def test_list_prints_names_and_titles(capsys):
    assert call("config", "list") == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) > 40
    assert not any(line.startswith("_") for line in lines)
    assert call("config", "list", "arabic") == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == [
        "arabic_PP-OCRv3_rec",
        "arabic_PP-OCRv5_mobile_rec",
        "rec_arabic_lite_train",
    ]


def test_show_prints_what_is_read_back(tmp_path, capsys):
    assert (
        call("config", "show", "-c", "en_PP-OCRv3_rec", "-o", "Global.seed=3", "Global.epoch_num=2")
        == 0
    )
    out = capsys.readouterr().out
    (tmp_path / "c.yml").write_text(out, encoding="utf-8")
    expected = load_config("en_PP-OCRv3_rec", ["Global.seed=3", "Global.epoch_num=2"])
    assert load_config(tmp_path / "c.yml") == expected
    assert yaml.safe_load(out)["Global"]["seed"] == 3  # PaddleOCR reads it as well


def test_options_may_be_repeated(capsys):
    assert (
        call(
            "config", "show", "-c", "en_PP-OCRv3_rec", "-o", "Global.seed=3", "-o", "Global.seed=4"
        )
        == 0
    )
    assert "seed: 4" in capsys.readouterr().out


def test_check_without_building(capsys):
    assert call("config", "check", "-c", "en_PP-OCRv3_rec", "--no-build") == 0
    assert capsys.readouterr().out.startswith("en_PP-OCRv3_rec: valid\n")
    with pytest.raises(ConfigError, match=r"^-o: Global.epochs"):
        call("config", "check", "-c", "en_PP-OCRv3_rec", "--no-build", "-o", "Global.epochs=3")


def test_check_names_keys_without_effect(capsys):
    keys = "Global.d2s_train_image_shape=[3, 48, 320]", "Train.dataset.ext_op_transform_idx=1"
    options = "-c", "en_PP-OCRv3_rec", "--no-build", "-o", *keys
    assert call("config", "check", *options) == 0
    line = next(x for x in capsys.readouterr().out.splitlines() if x.startswith("  no effect"))
    assert {"Global.d2s_train_image_shape", "Train.dataset.ext_op_transform_idx"} <= set(
        line.removeprefix("  no effect").replace(",", " ").split()
    )


@pytest.mark.slow
def test_check_builds_the_network(capsys):
    assert call("config", "check", "-c", "rec_en_number_lite_train") == 0
    out = capsys.readouterr().out
    assert "97 classes" in out
    assert "3 × 32 × 320" in out
    assert "80" in out
    with pytest.raises(ConfigError, match=r"^-o: Architecture.Backbone.model_name"):
        call(
            "config",
            "check",
            "-c",
            "rec_en_number_lite_train",
            "-o",
            "Architecture.Backbone.model_name=no",
        )
