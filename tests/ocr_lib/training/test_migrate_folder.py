"""Weights for another dictionary, written into a folder of their own."""

from pathlib import Path

import paddle
import pytest

from ocr_lib.atomic import write_text
from ocr_lib.config.loader import load_config
from ocr_lib.errors import CheckpointError
from ocr_lib.models import build_model
from ocr_lib.text.dictionary import load_dictionary
from ocr_lib.training import load_model
from ocr_lib.training.migrate_folder import migrate_folder
from ocr_lib.training.weights import save_weights
from tests.ocr_lib.training.line_data import small_config


def test_the_folder_has_weights_dictionary_and_configuration(tmp_path: Path) -> None:
    paddle.seed(1)
    config = small_config(tmp_path, tmp_path, tmp_path / "run")
    (tmp_path / "run").mkdir()
    write_text(tmp_path / "run/config.yml", config.to_yaml())
    network = build_model(config.architecture, 96)  # of the dictionary `en`
    save_weights(tmp_path / "run/latest.pdparams", network.state_dict())
    charset, out = load_dictionary("ic15"), tmp_path / "out"
    migration = migrate_folder(tmp_path / "run/latest", charset, out)
    assert "36 kept (0 1 2 3 4 5 6 7 8 9 a b …), 0 new, 59 dropped" in migration.describe()
    assert {path.name for path in out.iterdir()} == {
        "weights.pdparams",
        "dictionary.txt",
        "dictionary.json",
        "config.yml",
    }
    trained = load_model(load_config(out / "config.yml"), out)
    assert trained.dictionary.characters == charset.characters


def test_weights_of_unknown_characters_are_refused_and_leave_nothing(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"config\.yml or dictionary\.txt is not beside it"):
        migrate_folder(tmp_path / "absent", load_dictionary("ic15"), tmp_path / "out")
    assert list(tmp_path.iterdir()) == []
