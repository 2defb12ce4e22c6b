"""Steps open configurations with the custom parts that `OCR_ALLOW_PARTS` of their pod allows."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import components
from ocr_lib.config.loader import load_config, read_config
from ocr_lib.errors import ConfigError
from ocr_lib.jobs.worker import CONFIG
from ocr_lib.runspec.config import config_on_data, resolve_config
from ocr_lib.storage.store import Store

BACKBONE = "no_such_module_of_a_test:Backbone"
OVERRIDE = f"Architecture.Backbone={{name: '{BACKBONE}'}}"
OPENERS = {"load_config", "read_config", "load_run", "export_bundle"}


def resolved(*overrides: str) -> str:
    parts = frozenset({BACKBONE})
    return load_config("cpu_line", overrides, parts).to_yaml()


def test_a_configuration_is_resolved_to_its_final_values(store: Store, tmp_path: Path) -> None:
    (tmp_path / "mine.yml").write_text("base: cpu_line\nGlobal: {print_batch_step: 7}\n")
    uri = store.put_file(tmp_path / "mine.yml", "configs/mine.yml")
    pinned = resolve_config(store, uri, ["Global.seed=5"], 3.0, tmp_path / "work")
    settings = read_config(pinned.yaml, "config").global_
    assert (settings.print_batch_step, settings.seed, settings.train_minutes) == (7, 5, 3.0)
    again = resolve_config(store, uri, ["Global.seed=5"], 3.0, tmp_path / "work")
    assert (again, again.digest) == (pinned, pinned.digest)
    untimed = resolve_config(store, "cpu_line", [], 0.0, tmp_path)
    assert untimed.yaml == load_config("cpu_line").to_yaml()


@pytest.mark.parametrize(
    ("uri", "overrides", "message"),
    [
        ("cpu_lines", [], "config: there is no configuration cpu_lines"),
        ("cpu_line", ["Global.epoch_nmu=5"], "-o: Global.epoch_nmu: .* epoch_num"),
    ],
)
def test_a_wrong_configuration_names_the_key(
    store: Store, tmp_path: Path, uri: str, overrides: list[str], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        resolve_config(store, uri, overrides, 0.0, tmp_path)


def test_a_run_takes_the_parts_that_the_environment_allows(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OCR_ALLOW_PARTS", raising=False)
    for use in (
        lambda: resolve_config(store, "cpu_line", [OVERRIDE], 0.0, tmp_path),
        lambda: config_on_data(resolved(OVERRIDE), tmp_path, None),
    ):
        with pytest.raises(ConfigError, match=r"Backbone\.name: .* is a custom part"):
            use()
    monkeypatch.setenv("OCR_ALLOW_PARTS", f"a:B, {BACKBONE}")
    pinned = resolve_config(store, "cpu_line", [OVERRIDE], 0.0, tmp_path)
    config = config_on_data(pinned.yaml, tmp_path / "train", tmp_path / "validation")
    assert BACKBONE in config.allowed_parts
    assert config.train.dataset.data_dir == str(tmp_path / "train")


def test_a_run_reads_packed_sets_whatever_the_configuration_names(tmp_path: Path) -> None:
    yaml = resolved(
        "Train.dataset.label_file_list=[a.txt, b.txt]", "Train.dataset.ratio_list=[0.5, 1.0]"
    )
    folder = tmp_path / "a folder, with: 'quotes'"
    config = config_on_data(yaml, folder, None, save_model_dir=str(folder))
    assert (config.train.dataset.kind, config.train.dataset.data_dir) == (
        "LMDBDataSet",
        str(folder),
    )
    assert config.train.dataset.ratio_list == (0.5, 1.0)
    assert (config.eval.dataset.kind, config.eval.dataset.label_file_list) == ("SimpleDataSet", ())
    assert config.global_.save_model_dir == str(folder)


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
    assert len(found) >= 5
