"""Fixtures of export's tests."""

import shutil
from pathlib import Path

import pytest

from ocr_lib.data.dataset import open_dataset
from ocr_lib.training import TrainedModel, load_run


@pytest.fixture(scope="module")
def trained(run_dir: Path) -> TrainedModel:
    return load_run(run_dir)


@pytest.fixture
def copy(run_dir: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(run_dir, tmp_path / "run"))


@pytest.fixture(scope="module")
def images(trained: TrainedModel) -> dict[str, bytes]:
    dataset = open_dataset(trained.config.eval)
    return {f"{i}.png": dataset.sample(i).image for i in range(6)}
