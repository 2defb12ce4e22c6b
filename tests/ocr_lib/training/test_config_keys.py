"""Each key of the blocks Global and Optimizer changes a run, or what is made of it."""

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import paddle
import pytest

from ocr_lib.config.blocks import OptimizerConfig
from ocr_lib.config.global_block import GlobalConfig
from ocr_lib.config.location import SourceLocation
from ocr_lib.config.parse import parse
from ocr_lib.data.preflight.machine import machine_findings
from ocr_lib.errors import UserError
from ocr_lib.training import train
from ocr_lib.training.ema import EMA, EMASettings
from ocr_lib.training.nan_guard import TrainingError
from ocr_lib.training.optimizer import build_optimizer
from ocr_lib.training.precision import Precision
from tests.ocr_lib.config.key_effects import Given, Row, check, parameters
from tests.ocr_lib.training.line_data import (
    make_lines,
    params,
    small_config,
    small_options,
    train_until,
)
from tests.ocr_lib.training.ranks import TIMEOUT_S, Ranks

# What a log line says of time and speed.
TIMES = re.compile(r"^\[.*?\] |, avg_reader_cost.*|, fps.*")
FOLDERS: dict[str, Path] = {}  # the data of this module
TRACES: dict[str, Any] = {}  # a run by its keys


@pytest.fixture(scope="module", autouse=True)
def folders(tmp_path_factory: pytest.TempPathFactory) -> None:
    root = tmp_path_factory.mktemp("keys")
    FOLDERS["root"] = root
    FOLDERS["train"] = make_lines(root / "train", 26, seed=1)
    FOLDERS["eval"] = make_lines(root / "eval", 8, seed=2)
    TRACES.clear()


def run(_: Any, keys: dict[str, Any]) -> Any:
    """Returns what a run leaves behind: weights, log, names of files; or the error it ends with."""
    name = json.dumps(keys, sort_keys=True)
    if name not in TRACES:
        TRACES[name] = _trace(FOLDERS["root"] / f"run-{len(TRACES)}", keys)
    return TRACES[name]


def _trace(folder: Path, keys: dict[str, Any]) -> Any:
    folder.mkdir()
    keys = dict(keys)
    run_dir = folder / str(keys.pop("save_model_dir", "run"))
    try:
        train(_config(run_dir, keys), quiet=True)
    except (UserError, TrainingError) as error:
        return str(error).replace(str(folder), "")
    log = (run_dir / "train.log").read_text("utf-8").replace(str(folder), "")
    return [
        run_dir.name,
        _digest(run_dir),
        [TIMES.sub("", line) for line in log.splitlines()],
        sorted(path.name for path in run_dir.iterdir()),
    ]


def interrupted(_: Any, keys: dict[str, Any]) -> list[str]:
    """Returns the files of a run that was interrupted within its first epoch."""
    folder = FOLDERS["root"] / f"interrupted-{len(list(FOLDERS['root'].iterdir()))}"
    train_until(_config(folder, keys), step=3)
    return sorted(path.name for path in folder.iterdir())


def _config(run_dir: Path, keys: dict[str, Any]) -> Any:
    options = {"epoch_num": 2, "narrow_first_epochs": 0, "log_smooth_window": 20}
    options |= {key: _filled(value) for key, value in keys.items()}
    dotted = {k if "." in k else f"Global.{k}": v for k, v in options.items()}
    return small_config(FOLDERS["train"], FOLDERS["eval"], run_dir, **dotted)


def _filled(value: Any) -> Any:
    """Returns a value as `-o` has it, with the weights of a plain run for `{weights}`."""
    if value == "{weights}":
        weights = FOLDERS["root"] / "weights"
        if not weights.exists():
            train(_config(weights, {}), quiet=True)
        return weights / "latest"
    return json.dumps(value) if value is None or isinstance(value, list | bool) else value


def _digest(run_dir: Path) -> str:
    values = params(run_dir)
    content = b"".join(np.ascontiguousarray(value).tobytes() for value in values.values())
    return hashlib.sha256(content).hexdigest()


def on_a_gpu(_: Any, keys: dict[str, Any]) -> Any:
    """Returns device and precision where there is a GPU; without one they are always the same."""
    if not paddle.device.cuda.device_count():
        pytest.skip("needs a GPU")
    settings = parse(GlobalConfig, {"use_amp": True, **keys}, SourceLocation((), {}))
    paddle.set_device("gpu" if settings.use_gpu else "cpu")
    return Precision(settings).describe()


def shortage(_: Any, keys: dict[str, Any]) -> list[str]:
    """Returns what a machine with a container's 64 MiB of shared memory is short of."""
    config = _config(FOLDERS["root"] / "run", keys)
    numbers = {"disk_free_MiB": 1 << 20, "shared_memory_free_MiB": 64}
    return [finding.check for finding in machine_findings(config, numbers)]


def averaged(_: Any, keys: dict[str, Any]) -> float:
    """Returns what an average makes of a parameter that is not trained, and that is set to 1."""
    settings = parse(GlobalConfig, keys, SourceLocation((), {}))
    network = paddle.nn.Linear(1, 1)
    network.bias.stop_gradient = True
    config = EMASettings.from_settings(settings)
    assert config is not None
    average = EMA(network, config)
    network.bias.set_value(paddle.ones([1]))
    average.update()
    with average.applied():
        return float(network.bias.item())


def optimizer(_: Any, keys: dict[str, Any]) -> Any:
    """Returns the plain attributes of Paddle's optimiser."""
    config = parse(OptimizerConfig, keys, SourceLocation((), {}))
    built = build_optimizer(config, paddle.nn.Linear(2, 2))
    clip = built._grad_clip and (type(built._grad_clip), vars(built._grad_clip))
    decay = getattr(built.regularization, "_coeff", None)
    return type(built), decay, clip, config.lr


WIDER = {"Architecture.Backbone.out_channels": 24}
SAVES = {"save_epoch_step": 1}
NO_SPACE = {"character_dict_path": "ic15"}
AMP = {"use_amp": True}
TABLE = [
    Row(
        GlobalConfig,
        run,
        {},
        {
            "seed": 7,
            "epoch_num": 3,
            "max_text_length": 3,
            "character_dict_path": "ic15",
            "use_space_char": Given(True, NO_SPACE),
            "save_model_dir": "another",
            "save_epoch_step": 1,
            "eval_batch_step": Given([0, 2], {"eval_batch_epoch": None}),
            "eval_batch_epoch": 2,
            "calc_epoch_interval": 2,
            "cal_metric_during_train": False,
            "print_batch_step": 1,
            "log_smooth_window": 1,
            "pretrained_model": "{weights}",
            "checkpoints": Given("{weights}", {"epoch_num": 3}),
            "fallback_to_pretrained": Given(True, {"checkpoints": "absent/latest"}),
            "allow_partial_load": Given(True, {"pretrained_model": "{weights}", **WIDER}),
            "recalibrate_norms": Given(8, {"pretrained_model": "{weights}"}),
            "use_amp": True,
            "amp_level": Given("O0", AMP),
            "amp_custom_black_list": Given(["relu"], {**AMP, "amp_custom_white_list": ["relu"]}),
            "amp_custom_white_list": Given(["relu"], {**AMP, "amp_custom_black_list": ["relu"]}),
            "width_buckets": [64, 100],
            "train_minutes": 0.001,
            "narrow_first_epochs": 2,
            "keep_checkpoints": Given(1, SAVES),
            "early_stop_evals": Given(1, {"epoch_num": 4}),
            "use_ema": Given(True, {"ema_decay": None}),
            "ema_decay": 0.5,
            "ema_decay_type": Given("normal", {"ema_decay": 0.5}),
            "ema_gamma": Given(1.0, {"ema_decay": 0.5, "ema_decay_type": "exponential"}),
            "check_finite": Given(False, {"Optimizer.lr.max_lr": 1e30}),
        },
        GlobalConfig,
    ),
    Row(GlobalConfig, interrupted, {}, {"save_step_every": 1, "save_minutes": 1e-9}, GlobalConfig),
    Row(GlobalConfig, averaged, {"ema_decay": 0.5}, {"ema_filter_no_grad": True}, GlobalConfig),
    Row(GlobalConfig, shortage, {}, {"distributed": True}, GlobalConfig),
    Row(
        GlobalConfig,
        on_a_gpu,
        {},
        {
            "use_gpu": False,
            "amp_dtype": "bfloat16",
            "scale_loss": 8.0,
            "use_dynamic_loss_scaling": True,
        },
        GlobalConfig,
    ),
    Row(
        OptimizerConfig,
        optimizer,
        {},
        {
            "name": "SGD",
            "lr": {"name": "Cosine", "learning_rate": 0.1},
            "regularizer": {"name": "L2", "factor": 0.1},
            "clip_norm": 1.0,
            "clip_norm_global": 1.0,
        },
        OptimizerConfig,
    ),
]
# Keys of other commands, or of several processes: the test that shows their effect.
ELSEWHERE = {
    "turn_tall_lines": "tests/ocr_lib/data/loading/test_dataloader.py",
    "infer_img": "tests/pipelines/cli/model/test_predict.py",
    "save_res_path": "tests/pipelines/cli/model/test_predict.py",
    "save_inference_dir": "tests/pipelines/cli/model/test_export.py",
    "model_name": "tests/ocr_lib/export/test_run.py",
    "use_sync_bn": "tests/ocr_lib/training/test_parallel.py",
    "peer_minutes": "tests/ocr_lib/training/test_config_keys.py",
}


@pytest.mark.parametrize(("row", "key"), parameters(TABLE))
def test_another_value_makes_another_run(row: Row, key: str) -> None:
    check(row, key)


@pytest.mark.parametrize(("key", "file"), ELSEWHERE.items())
def test_other_tests_use_the_key(key: str, file: str) -> None:
    assert key in (Path(__file__).parents[3] / file).read_text("utf-8")


@pytest.mark.slow
def test_peer_minutes_is_how_long_a_process_waits(tmp_path: Path) -> None:
    keys = {"Global.peer_minutes": 0.05}
    options = small_options(FOLDERS["train"], FOLDERS["eval"], tmp_path / "run", **keys)
    script, error = Path(__file__).with_name("rank_waits.py"), tmp_path / "error"
    with Ranks(tmp_path / "logs").start_ranks([script, error, *options]) as ranks:
        assert ranks.processes[0].wait(TIMEOUT_S) == 0, ranks.logs()
    assert "1 of 2 processes did not come" in error.read_text("utf-8")
    assert "within 3 s" in error.read_text("utf-8")
