from pathlib import Path

import pytest
from kfp import dsl

from components.preflight.component import preflight
from components.shared.pointer import Pointer, read_pointer, write_pointers
from components.shared.store import Store
from tests.components.packed import pack_lines

TRAIN = [f"TOTAL {n}.50" for n in range(20)]
EVAL = [f"CASH {n}.0" for n in range(5)]


@pytest.fixture
def lines(store: Store, tmp_path: Path) -> tuple[Pointer, Pointer]:
    return pack_lines(tmp_path / "train", TRAIN), pack_lines(tmp_path / "eval", EVAL)


def run(folder: Path, lines: tuple[Pointer, Pointer], *overrides: str) -> str:
    folder.mkdir()
    shards = dsl.Dataset(uri=str(folder / "shards"))
    write_pointers(shards, lines)
    outputs = [dsl.Dataset(uri=str(folder / name)) for name in ("train_lmdb", "eval_lmdb")]
    report = dsl.Markdown(uri=str(folder / "report"))
    preflight.python_func(
        shards=[shards],
        train_lmdb=outputs[0],
        eval_lmdb=outputs[1],
        report=report,
        config="cpu_line",
        config_overrides=list(overrides),
    )
    assert tuple(map(read_pointer, outputs)) == lines  # a single part is handed on as it is
    return Path(report.path).read_text("utf-8")


def test_good_data_passes_with_a_report(
    lines: tuple[Pointer, Pointer], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path / "out", lines).startswith("# Preflight passed")
    assert "characters that no training label has" in capsys.readouterr().err  # the C of CASH


def test_data_that_the_configuration_cannot_learn_stops_the_run(
    lines: tuple[Pointer, Pointer], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as exit_:
        run(tmp_path / "out", lines, "Global.max_text_length=5")
    assert exit_.value.code == 2
    assert "labels are longer than 5 characters" in capsys.readouterr().err


def test_an_unknown_key_names_the_nearest(
    lines: tuple[Pointer, Pointer], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        run(tmp_path / "out", lines, "Global.epoch_nmu=5")
    assert "epoch_num" in capsys.readouterr().err
