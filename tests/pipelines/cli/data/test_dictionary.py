"""`ocr dictionary`: names, entries, and one of labels."""

import paddle

from ocr_lib.atomic import write_text
from ocr_lib.models import build_model
from ocr_lib.training.weights import save_weights
from pipelines.cli.main import main
from tests.ocr_lib.training.line_data import small_config
from tests.pipelines.cli.command import call


def test_dictionaries_are_listed_and_shown(capsys):
    call("dictionary", "list")
    names = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert {"en", "ic15", "french", "ppocr_keys_v1"} <= set(names)
    call("dictionary", "show", "en", "--use-space-char")
    *_, last, remark = capsys.readouterr().out.splitlines()
    assert last == "96\t' '"
    assert remark.startswith("warning: en:95: use_space_char appends a second space")


def test_a_dictionary_is_built_from_lists(tmp_path):
    (tmp_path / "labels.txt").write_text("a.jpg\tba b\nb.jpg\tc\n")
    out = tmp_path / "d.txt"
    call("dictionary", "build", tmp_path / "labels.txt", "--out", out, "--no-space")
    assert out.read_text() == "a\nb\nc\n"


def test_weights_are_migrated_and_missing_ones_named(tmp_path, capsys):
    paddle.seed(1)
    config = small_config(tmp_path, tmp_path, tmp_path / "run")
    (tmp_path / "run").mkdir()
    write_text(tmp_path / "run/config.yml", config.to_yaml())
    network = build_model(config.architecture, 96)  # of the dictionary `en`
    save_weights(tmp_path / "run/latest.pdparams", network.state_dict())
    end = ["--to", "ic15", "--out", str(tmp_path / "out")]
    call("dictionary", "migrate", str(tmp_path / "run/latest"), *end)
    assert "36 kept (0 1 2 3 4 5 6 7 8 9 a b …), 0 new, 59 dropped" in capsys.readouterr().out
    assert main(["dictionary", "migrate", str(tmp_path / "absent"), *end]) == 2
    assert "config.yml or dictionary.txt is not beside it" in capsys.readouterr().err
