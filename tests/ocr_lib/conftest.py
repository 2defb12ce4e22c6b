"""A finished run of a tiny network that can read a little, and a bundle of it."""

from pathlib import Path
from shutil import copy
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:  # paddle is imported by the tests that need it only
    from ocr_lib.inference.bundle import Bundle

NETWORK = {
    "Architecture.Backbone.widths": "[16, 16, 16, 32]",
    "Architecture.Backbone.out_channels": 32,
    "Architecture.Neck.hidden_size": 24,
    "Architecture.Neck.out_channels": "[48]",
    "Optimizer.lr.max_lr": 0.01,
    "Global.epoch_num": 15,
    "Global.eval_batch_epoch": 100,
}


@pytest.fixture(scope="session")
def run_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from ocr_lib.training import train
    from tests.ocr_lib.training.line_data import make_lines, small_config

    root = tmp_path_factory.mktemp("exported")
    data = make_lines(root / "train", 80, seed=1), make_lines(root / "eval", 20, seed=2)
    train(small_config(*data, root / "run", **NETWORK), quiet=True)
    for path in (root / "run").glob("latest.*"):  # nothing was evaluated, so none is the best
        copy(path, path.with_name(f"best_accuracy{path.suffix}"))
    return root / "run"


@pytest.fixture(scope="session")
def bundle(run_dir: Path) -> "Bundle":
    from ocr_lib.export import export

    return export(
        run_dir, run_dir.parent / "bundle", metrics={"accuracy": 0.5}, lineage={"data": "d1"}
    )
