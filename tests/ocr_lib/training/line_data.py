"""A small packed data set of drawn digits, a configuration that learns it, runs compared."""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from ocr_lib.config.custom_parts import NO_PARTS, AllowedParts
from ocr_lib.config.loader import load_config
from ocr_lib.config.schema import Config
from ocr_lib.data.lmdb_store import pack
from ocr_lib.data.loading.dataloader import LoadedBatch
from ocr_lib.training import checkpoint, train
from ocr_lib.training.checkpoint import TRAINED
from ocr_lib.training.trainer import Trainer

DIGITS = "0123456789"


def make_lines(folder: Path, count: int, seed: int) -> Path:
    """Writes images and a label list; returns the packed data set's folder."""
    rng = np.random.default_rng(seed)
    images = folder / "images"
    images.mkdir(parents=True)
    rows = []
    for i in range(count):
        text = "".join(rng.choice(list(DIGITS), rng.integers(1, 6)))
        image = np.full((32, 18 * len(text) + 8, 3), 230, np.uint8)
        cv2.putText(image, text, (4, 25), cv2.FONT_HERSHEY_SIMPLEX, 0.8, (30, 30, 30), 2)
        cv2.imwrite(str(images / f"{i}.png"), image)
        rows.append(f"images/{i}.png\t{text}\n")
    (folder / "labels.txt").write_text("".join(rows), encoding="utf-8")
    pack(folder / "labels.txt", folder, folder / "lmdb")
    return folder / "lmdb"


def small_options(train: Path, evaluation: Path, run_dir: Path, **keys: object) -> list[str]:
    """Returns `-o` values for a tiny network of the demo's kind."""
    options = {
        "Train.dataset.data_dir": train,
        "Eval.dataset.data_dir": evaluation,
        "Train.loader.batch_size_per_card": 8,
        "Global.save_model_dir": run_dir,
        "Global.epoch_num": 3,
        "Global.eval_batch_epoch": 1,
        "Global.print_batch_step": 2,
        "Global.width_buckets": "[64, 128]",
        "Architecture.Backbone.widths": "[8, 8, 8, 8]",
        "Architecture.Backbone.out_channels": 16,
        "Architecture.Neck.hidden_size": 8,
        "Architecture.Neck.out_channels": "[16]",
        **keys,
    }
    return [f"{key}={value}" for key, value in options.items()]


def small_config(
    train: Path,
    evaluation: Path,
    run_dir: Path,
    allowed_parts: AllowedParts = NO_PARTS,
    **keys: object,
) -> Config:
    """Loads the demo's configuration with `small_options`."""
    options = small_options(train, evaluation, run_dir, **keys)
    return load_config("cpu_line", options, allowed_parts)


def train_until(config: Config, step: int) -> None:
    """Trains as far as the update `step` (from 0), where it is interrupted."""
    real = Trainer.update

    def update(self: Trainer, loaded: LoadedBatch, at: int, learning_rate: float) -> Any:
        if at == step:
            raise KeyboardInterrupt
        return real(self, loaded, at, learning_rate)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Trainer, "update", update)
        with pytest.raises(KeyboardInterrupt):
            train(config, quiet=True)


def params(run_dir: Path, name: str = "latest") -> dict[str, np.ndarray]:
    saved = checkpoint.load(run_dir / name).params
    return {key: value for key, value in saved.items() if isinstance(value, np.ndarray)}


def optimizer_state(saved: checkpoint.Checkpoint) -> dict[str, np.ndarray]:
    """Returns the optimiser's arrays under the layers' names; tensors are named by counting."""
    owners = {tensor: layer for layer, tensor in saved.params[checkpoint.NAME_TABLE].items()}
    state = {}
    trained = saved.optimizer.get(TRAINED, {})
    state |= {f"{TRAINED} {key}": np.asarray(value) for key, value in trained.items()}
    for key, value in saved.optimizer.items():
        if key == TRAINED:
            continue
        owner = max((name for name in owners if key.startswith(f"{name}_")), key=len, default="")
        state[f"{owners.get(owner)} {key.removeprefix(owner)}"] = np.asarray(value)
    return state


def assert_equal_runs(one: Path, other: Path) -> None:
    first, second = checkpoint.load(one / "latest"), checkpoint.load(other / "latest")
    assert_equal_arrays(params(one), params(other))
    assert_equal_arrays(optimizer_state(first), optimizer_state(second))
    for key in ("epoch", "global_step", "loss_scale", "averaged_updates"):
        assert first.states.get(key) == second.states.get(key)
    assert evaluated(one) == evaluated(other)


def assert_equal_arrays(ours: dict[str, np.ndarray], theirs: dict[str, np.ndarray]) -> None:
    assert set(ours) == set(theirs)
    for name, value in ours.items():
        np.testing.assert_array_equal(value, theirs[name], err_msg=name)


def evaluated(run_dir: Path) -> dict[int, dict]:
    """Returns what each evaluation measured, by its step; times left out."""
    return {
        row["global_step"]: {name: row[name] for name in ("epoch", "acc", "norm_edit_dis")}
        for row in metrics(run_dir)
        if row["kind"] == "eval"
    }


def metrics(run_dir: Path) -> list[dict]:
    return [
        json.loads(line) for line in (run_dir / "metrics.jsonl").read_text("utf-8").splitlines()
    ]
