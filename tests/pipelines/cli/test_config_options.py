"""Which configuration and checkpoint a command line names."""

from pathlib import Path

import pytest

from ocr_lib.config.loader import load_config
from ocr_lib.errors import CheckpointError, ConfigError
from pipelines.cli.config_options import ConfigChoice, checkpoint_of, trained_recognizer


def test_values_of_the_command_line_win() -> None:
    config = ConfigChoice("cpu_line", ("Global.seed=3", "Global.seed=4"), ()).read()
    assert config == load_config("cpu_line", ["Global.seed=4"])


def test_a_part_has_to_be_the_exact_name_of_a_class() -> None:
    with pytest.raises(ConfigError, match="--allow-part"):
        ConfigChoice("cpu_line", (), ("os.system",)).read()


@pytest.mark.parametrize(
    ("overrides", "path"),
    [
        ([], "runs/a/best_accuracy"),
        (["Global.pretrained_model=p/latest"], "p/latest"),
        (["Global.pretrained_model=p/latest", "Global.checkpoints=c/latest"], "c/latest"),
    ],
)
def test_the_checkpoint_is_named_or_the_best(overrides: list[str], path: str) -> None:
    config = load_config("cpu_line", ["Global.save_model_dir=runs/a", *overrides])
    assert checkpoint_of(config) == Path(path)


def test_a_checkpoint_that_is_missing_is_named(tmp_path: Path) -> None:
    config = load_config("cpu_line", [f"Global.save_model_dir={tmp_path}"])
    with pytest.raises(CheckpointError, match=r"best_accuracy\.pdparams: no such file"):
        trained_recognizer(config)


def test_a_run_without_a_best_checkpoint_has_its_last(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = load_config("cpu_line", [f"Global.save_model_dir={tmp_path}"])
    (tmp_path / "latest.pdparams").touch()
    assert checkpoint_of(config) == tmp_path / "latest"
    assert f"{tmp_path} has no best_accuracy: its last checkpoint" in capsys.readouterr().err
    (tmp_path / "best_accuracy.pdparams").touch()
    assert checkpoint_of(config) == tmp_path / "best_accuracy"
    assert capsys.readouterr().err == ""
