"""Steps open configurations with the custom parts that `OCR_ALLOW_PARTS` of their pod allows."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import components
from ocr_lib.config.loader import load_config
from ocr_lib.errors import ConfigError
from ocr_lib.jobs.worker import CONFIG
from ocr_lib.runspec.run_config import run_config
from ocr_lib.storage.store import Store

BACKBONE = "no_such_module_of_a_test:Backbone"
OVERRIDE = f"Architecture.Backbone={{name: '{BACKBONE}'}}"
OPENERS = {"load_config", "load_run", "export_bundle"}


def test_a_run_takes_the_parts_that_the_environment_allows(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = tmp_path / "train", tmp_path / "eval", tmp_path
    arguments = (store, "cpu_line", [OVERRIDE], *folders)
    monkeypatch.delenv("OCR_ALLOW_PARTS", raising=False)
    with pytest.raises(ConfigError, match=r"Backbone\.name: .* is a custom part"):
        run_config(*arguments)
    monkeypatch.setenv("OCR_ALLOW_PARTS", f"a:B, {BACKBONE}")
    config = run_config(*arguments)
    assert BACKBONE in config.allowed_parts
    assert config.train.dataset.data_dir == str(tmp_path / "train")


def test_a_run_reads_packed_sets_whatever_the_configuration_names(
    store: Store, tmp_path: Path
) -> None:
    given = ["Train.dataset.label_file_list=[a.txt, b.txt]", "Train.dataset.ratio_list=[0.5, 1.0]"]
    folder = tmp_path / "a folder, with: 'quotes'"
    config = run_config(
        store, "cpu_line", given, folder, None, tmp_path, save_model_dir=str(folder)
    )
    assert (config.train.dataset.kind, config.train.dataset.data_dir) == (
        "LMDBDataSet",
        str(folder),
    )
    assert config.train.dataset.ratio_list == (0.5, 1.0)
    assert (config.eval.dataset.kind, config.eval.dataset.label_file_list) == ("SimpleDataSet", ())
    assert config.global_.save_model_dir == str(folder)


def test_settings_of_a_run_are_checked_as_keys_are(store: Store, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"train_minutes: is -1"):
        run_config(store, "cpu_line", [], tmp_path, None, tmp_path, train_minutes=-1.0)


@pytest.mark.parametrize(("variable", "refused"), [("", True), (BACKBONE, False)])
def test_a_rank_takes_them_too(tmp_path: Path, variable: str, refused: bool) -> None:
    """There is no data, so that one which may use the part stops at that."""
    config = load_config("cpu_line", [OVERRIDE], frozenset({BACKBONE}))
    (tmp_path / CONFIG).write_text(config.to_yaml())
    ranks = {"PADDLE_TRAINER_ID": "0", "PADDLE_TRAINERS_NUM": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "ocr_lib.jobs.worker", str(tmp_path)],
        env={**os.environ, **ranks, "OCR_ALLOW_PARTS": variable},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    reason = json.loads((tmp_path / "reason-0000.json").read_text())
    assert ("is a custom part" in reason["cause"]) is refused, reason


def test_every_step_that_opens_a_configuration_reads_the_list() -> None:
    found = []
    root = Path(components.__file__).parents[1]
    folders = (root / "components", root / "ocr_lib" / "jobs", root / "ocr_lib" / "runspec")
    for path in (path for folder in folders for path in folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in OPENERS:
                found.append(f"{path.parent.name}/{path.name}:{node.lineno}")
                assert "allowed_parts()" in ast.unparse(node), found[-1]
    assert len(found) >= 6
